import { optionValue } from '../option-values.js'
import type { Argument } from '../words.js'
import { wordsIn } from './program.js'

/** What a command runs in its turn. */
export interface Inner {
  /** Words of commands. */
  readonly commands: readonly (readonly Argument[])[]
  /** Scripts of the shell. */
  readonly scripts: readonly Argument[]
  /** Code in the interpreter's own language. */
  readonly code: readonly Argument[]
  /** Whether it runs what stands at its standard input. */
  readonly readsScript: boolean
  /** The folders that it is run in; where they are left out, the current one. */
  readonly directories?: readonly Argument[] | undefined
  /** Words that set variables for it. */
  readonly assigned?: readonly Argument[]
}

/** Of a command that runs no other. */
export const NOTHING: Inner = { commands: [], scripts: [], code: [], readsScript: false }

/** The words behind its own options, and behind so many of its operands. */
export function rest(
  args: readonly Argument[],
  { valued, skip = 0, assigns }: { valued: string; skip?: number; assigns?: true },
): readonly Argument[] {
  const options = new Set(wordsIn(valued))
  let at = 0
  for (; at < args.length; at++) {
    const { text } = args[at] as Argument
    if (text === '--') {
      at++
      break
    }
    if (options.has(text)) at++
    else if (!text.startsWith('-') && !(assigns === true && /^\w+=/.test(text))) break
  }
  return args.slice(at + skip)
}

/** The values of these options, however they are written. */
export function valuesOf(args: readonly Argument[], options: string): readonly Argument[] {
  const names = wordsIn(options)
  return args.flatMap((argument, i) => optionValue(argument, args[i + 1], names)?.value ?? [])
}

/** A shell's options before its script; they may stand together: `-lc`, `-euxc`. */
const RUNS_SCRIPT = /^-[a-zA-Z]*c[a-zA-Z]*$/
/** Those with which the script means what it means without. */
const PLAIN =
  /^(?:[-+][abcefhilmnuvx]+|[-+][aefhlmnuvx]*o|errexit|nounset|pipefail|xtrace|verbose|noglob|noclobber|allexport|--(?:login|norc|noprofile)|--)$/
/** To another shell the same words may be another script: `fish`. */
const POSIX_SHELL = /^(?:sh|bash|dash|zsh|ksh|ash)$/

/** `sh -c SCRIPT NAME PARAMETERS`; undefined where a shell is given no script. */
export interface HandedScript {
  readonly script: Argument
  readonly parameters: readonly Argument[]
  /** Whether the shell does what its script does, and no more. */
  readonly isAll: boolean
}

export function handedScript(shell: string, args: readonly Argument[]): HandedScript | undefined {
  const option = args.findIndex(({ text }) => RUNS_SCRIPT.test(text))
  if (option < 0) return undefined
  const behind = args.slice(option + 1).findIndex(({ text }) => !text.startsWith('-'))
  const at = behind < 0 ? -1 : option + 1 + behind
  const script = args[at]
  if (script === undefined) return undefined
  const isAll = POSIX_SHELL.test(shell) && args.slice(0, at).every(({ text }) => PLAIN.test(text))
  return { script, parameters: args.slice(at + 1), isAll }
}
