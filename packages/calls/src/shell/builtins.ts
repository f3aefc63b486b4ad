import type { Argument } from './words.js'

/** Those after which the shell is not as it was. */
export const LEAVES: ReadonlySet<string> = new Set(
  'exit break continue return cd chdir pushd popd let unset declare typeset local readonly export printf read mapfile readarray getopts wait set'.split(
    ' ',
  ),
)
export const LEADING = ['HOME', 'CDPATH', 'cdpath']
/** POSIX, 2.14. */
export const SPECIAL_BUILTIN =
  /^(?:[.:]|source|break|continue|eval|exec|exit|export|readonly|return|set|shift|times|trap|unset)$/
/** Those whose words are names of variables, with an index that is evaluated. */
export const NAMES_VARIABLES =
  /^(?:let|test|\[|unset|declare|typeset|local|readonly|export|printf|read|mapfile|readarray|wait)$/
/** A substitution that stood in quotes. */
export const RUNNABLE = /\$\(|`|\$\{/
export const IN_SAME_SHELL = /^(?:eval|command|builtin)$/

/** Signals of `trap` after which the shell is left. */
export function areLast(args: readonly Argument[]): boolean {
  return args.slice(1).every(({ text }) => /^(?:EXIT|0)$/.test(text))
}

/** Whether a command puts out nothing that was worth a file. */
export function putsOutNothing(words: readonly Argument[]): boolean {
  const [name = '', ...args] = words.map(({ text }) => text)
  if (name === ':' || name === 'true') return true
  if (name === 'cat') return args.length > 0 && args.every((text) => text === '/dev/null')
  return /^(?:echo|printf)$/.test(name) && args.every((text) => text === '' || text === '-n')
}

export function isAbsolute(args: readonly Argument[]): boolean {
  return args.at(-1)?.text.startsWith('/') === true
}

export const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'zsh', 'ksh', 'ash', 'fish'])

/** A command has the name of its file; `\rm` is rm without its alias. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
