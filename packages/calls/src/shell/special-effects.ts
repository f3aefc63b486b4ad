import type { Effect } from '../model/call.js'
import { isLoading, settingIn } from './loading-variables.js'
import { changesNetwork, leavesProject } from './outward-tasks.js'
import { isRunByGit } from './programs/git-settings.js'
import type { CommandEffects } from './programs/program.js'
import { sedActs } from './sed-script.js'
import type { ShellCommand } from './shell-script.js'
import type { Argument } from './words.js'

/** What a project's own task is called when it does more than build and test. */
const GRAVE_TASK =
  /(?:^|[:._-])(?:deploy|publish|release|drop|destroy|delete|remove|purge|wipe|flush|nuke|teardown|uninstall|truncate|rollback|reset|eject|prune|prod|production|migrate|seed)(?:$|[:._-])/i
/** Code of awk that runs programs or writes files. */
const AWK_ACTS = /\bsystem\s*\(|\bgetline\b|\bprintf?\b[^;}]*[|>]|\|\s*"|-f\b/
const MODULES =
  /^(?:pytest|unittest|venv|mypy|black|ruff|flake8|isort|pylint|coverage|compileall|build|doctest|json\.tool|py_compile|tox|nox|timeit|cProfile)$/
/** Whoever runs the file becomes who owns it. */
const SET_ID = /^[ugoa]*[+=][rwxXt]*s|^[24567]\d{3}$/
/** `example.org/tool@latest`, which is fetched and run. */
const REMOTE_MODULE = /^[\w-]+(?:\.[\w-]+)+\/|@/
const REMOTE = /^[\w.-]+@?[\w.-]*:(?!\\|\/\/)/

type Special = (args: readonly Argument[], found: CommandEffects) => Effect | 'unknown' | undefined

const has = (args: readonly Argument[], pattern: RegExp): boolean =>
  args.some(({ text }) => pattern.test(text))
const setsLoading = (args: readonly Argument[]): Effect | undefined =>
  args.some((word) => isLoading(word.text.split('=')[0] as string, settingIn(word)?.value))
    ? 'execute'
    : undefined
/** `export $x` may set anything. */
const declares: Special = (args) =>
  args.some(({ text, isDynamic }) => isDynamic && !/^[A-Za-z_]\w*(?:\[|\+?=)/.test(text))
    ? 'execute'
    : setsLoading(args)
const AWK: Special = (args) => (has(args, AWK_ACTS) ? 'execute' : undefined)
const PAGER: Special = (args) => (has(args, /^\+/) ? 'execute' : undefined)
const NETWORK =
  (name: string): Special =>
  (args) =>
    changesNetwork(name, args) ? 'admin' : undefined
const MAKE: Special = (args) =>
  readsMakefileElsewhere(args.map(({ text }) => text)) || args.some(isRunByMake) ? 'execute' : undefined

/** By the name of the program. */
const SPECIAL: ReadonlyMap<string, Special> = new Map<string, Special>([
  ['alias', (args) => (args.length > 0 ? 'execute' : undefined)],
  ...'printf read mapfile readarray getopts unset'
    .split(' ')
    .map((name): [string, Special] => [name, setsLoading]),
  ...'export declare typeset local readonly'.split(' ').map((name): [string, Special] => [name, declares]),
  // `hash -p ../x ls`: that is ls from now on.
  ['hash', (args) => (has(args, /^-\w*p/) ? 'execute' : undefined)],
  ['ip', NETWORK('ip')],
  ['ifconfig', NETWORK('ifconfig')],
  ['less', PAGER],
  ['more', PAGER],
  ['chmod', (args) => (has(args, SET_ID) ? 'admin' : undefined)],
  ['make', MAKE],
  ['gmake', MAKE],
  ['awk', AWK],
  ['gawk', AWK],
  ['mawk', AWK],
  ['sed', (args) => (sedActs(args) ? 'execute' : undefined)],
  ['mv', (_, { operands }) => (/^\/dev\//.test(operands.at(-1)?.text ?? '') ? 'delete' : undefined)],
  ['rsync', (_, { operands }) => (has(operands, REMOTE) ? 'send' : undefined)],
  ['git', gitEffect],
  ['xxd', (_, { operands }) => (operands.length > 1 ? 'unknown' : undefined)],
  ['tar', tarEffect],
  ['bsdtar', tarEffect],
  ['npm', (_, { words }) => (words[1] === 'exec' || words[1] === 'x' ? 'execute' : undefined)],
  ['go', (args, { words }) => (words[1] === 'run' && has(args, REMOTE_MODULE) ? 'execute' : undefined)],
])

/** What a table of options does not tell; `unknown` where nobody can tell. */
export function specialEffect(
  { name, args, variables }: ShellCommand,
  found: CommandEffects,
): Effect | 'unknown' | undefined {
  for (const { name: variable, value } of variables) if (isLoading(variable, value)) return 'execute'
  const special = SPECIAL.get(name)?.(args, found)
  if (special !== undefined) return special
  if (leavesProject(name, args)) return 'execute'
  const [effect] = found.effects
  if (effect === 'execute')
    return ranFile(
      name,
      args.map(({ text }) => text),
    )
  return effect === 'build' && has(found.operands, GRAVE_TASK) ? 'execute' : undefined
}

/** The archive that is written, right behind its option. */
const ATTACHED = /^-[A-Za-z]*f(?:[/~]|\.\.)|^--fi\w*=(?:[/~]|\.\.)/

/** Names in an archive may lead anywhere with `-P`; and letters without a dash have their values behind them, in their order. */
function tarEffect(args: readonly Argument[], { effects }: CommandEffects): Effect | 'unknown' | undefined {
  const [effect] = effects
  const letters = /^[A-Za-z]+$/.exec(args[0]?.text ?? '')?.[0] ?? ''
  const lists = letters === '' ? has(args, /^-[A-Za-z]*t|^--list$/) : letters.includes('t')
  if (effect !== 'write' && (effect !== 'read' || lists)) return undefined
  const isAttached = !/x/.test(letters) && !has(args, /^-[A-Za-z]*x|^--(?:ext|get)/) && has(args, ATTACHED)
  return isAttached || /[CP]/.test(letters) || has(args, /^-[A-Za-z]*P|^--ab/) ? 'unknown' : 'write'
}

function gitEffect(args: readonly Argument[], { words }: CommandEffects): Effect | undefined {
  if (has(args, /^ext::/i) || isRunByGit(args, words[1])) return 'execute'
  const isOverwriting = words[1] === 'checkout' && checksOutFile(args.map(({ text }) => text))
  return isOverwriting ? 'delete' : undefined
}

/** `git checkout FILE` throws away what was changed there. */
function checksOutFile(texts: readonly string[]): boolean {
  const creates = texts.some((text) => text === '-b' || text === '--orphan')
  return !creates && texts.some((text) => /[^/]\.[a-z]\w{0,4}$/i.test(text) && !text.startsWith('-'))
}

/** An interpreter that is given a file of the workspace runs what the project has, as its builds do. */
function ranFile(name: string, texts: readonly string[]): Effect | undefined {
  if (!/^(?:node|nodejs|deno|python[\d.]*|perl|ruby|php|sh|bash|zsh|dash|ksh|java|tsx|bun)$/.test(name))
    return undefined
  const [first, second] = texts
  if (first === '-m' && /^python/.test(name))
    return second !== undefined && MODULES.test(second) ? 'build' : undefined
  if (first === undefined || first.startsWith('-') || /^[/~]|\.\.|[:$`*]/.test(first)) return undefined
  return texts.some((text) => GRAVE_TASK.test(text)) ? undefined : 'build'
}

/** Names of what are words of a command, or only words, and no command. */
const WORDS_ONLY =
  /(?:FLAGS?|OPT\w*|ARG\w*|ARGV|TESTS?|FILES?|DIRS?|PATHS?|SRCS?|OBJS|LIBS|MSG|MESSAGE|NAMES?|TARGETS?|MODULES?|PACKAGES?|PKGS?|VERSIONS?|TAGS?|SUITES?)$/i

/** What make is told to run: `--eval=x`, `SHELL=x`, `X='a; b'`, `RM='rm -rf /'`. */
function isRunByMake(word: Argument): boolean {
  if (/^(?:--ev\w*|-E)(?:=|$)/.test(word.text)) return true
  const setting = settingIn(word)
  if (setting === undefined) return false
  const { name, value } = setting
  if (isLoading(name, value)) return true
  const isCommand = /^\s*[^\s-]\S*\s+\S/.test(value.text) && !WORDS_ONLY.test(name)
  return !value.isDynamic && (isCommand || /[;|&`\n<>]|\$[({]/.test(value.text))
}

/** A makefile that is handed in, or lies outside of the project. */
function readsMakefileElsewhere(texts: readonly string[]): boolean {
  return texts.some((text, i) => {
    const file =
      /^(?:-[fI]|--file=|--makefile=|--include-dir=)(.+)$/s.exec(text)?.[1] ??
      (/^(?:-f|--file|--makefile|-I|--include-dir|-C|--directory)$/.test(text) ? texts[i + 1] : undefined)
    return file !== undefined && /^[-/~$`]|\.\./.test(file)
  })
}
