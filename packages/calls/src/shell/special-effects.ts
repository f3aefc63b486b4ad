import type { Effect } from '../model/call.js'
import { isLoading, settingIn } from './loading-variables.js'
import { changesNetwork, leavesProject } from './outward-tasks.js'
import { awkActs } from './programs/awk-script.js'
import { furtherEffect } from './programs/further-effects.js'
import { gitEffect } from './programs/git-effect.js'
import { onlyLooks } from './programs/handed-patch.js'
import { askedBy } from './programs/http-clients.js'
import { activates, isGraveTask, ranFile, ranSnippet } from './programs/interpreters.js'
import type { CommandEffects } from './programs/program.js'
import { sedActs } from './sed-script.js'
import type { ShellCommand } from './shell-script.js'
import type { Argument } from './words.js'

const SKIPS_CHECKS = /^(?:HUSKY|HUSKY_SKIP_HOOKS|LEFTHOOK|LEFTHOOK_EXCLUDE|SKIP|OVERCOMMIT_DISABLE)$/
/** Whoever runs the file becomes who owns it. */
const SET_ID = /^[ugoa]*[+=][rwxXt]*s|^[24567]\d{3}$/
/** `example.org/tool@latest`, which is fetched and run. */
const REMOTE_MODULE = /^[\w-]+(?:\.[\w-]+)+\/|@/
/** A build of others for nix: `github:a/b`, `nixpkgs#hello`. */
const FLAKE_ELSEWHERE = /^(?!path:\.)[\w+-]+:|^[^.#]+#|^(?!path:)[^.#/]|^~|^\/|(?:^|[/:])\.\.(?:[/#?]|$)/
/** What is fetched from elsewhere and run. */
const FETCHED = /^(?:npm|jsr|https?|data|blob|file):|^-$/i
function isFetched({ text, isDynamic }: Argument): boolean {
  return isDynamic || FETCHED.test(text)
}
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
const AWK: Special = (args) => (awkActs(args) ? 'execute' : undefined)
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
  ['gh', gitHubEffect],
  ['glab', (_, found) => (found.words[1] === 'variable' || showsToken(found) ? 'admin' : undefined)],
  ['source', (args) => (activates(args) ? 'build' : undefined)],
  ['.', (args) => (activates(args) ? 'build' : undefined)],
  ['deno', (args, { effects }) => (effects[0] === 'build' && args.some(isFetched) ? 'execute' : undefined)],
  ['sysctl', (args) => (has(args, /=/) ? 'admin' : undefined)],
  ['nix', nixEffect],
  ['patch', (args) => (onlyLooks(args) ? 'read' : undefined)],
  ['xxd', (_, { operands }) => (operands.length > 1 ? 'unknown' : undefined)],
  ['tar', tarEffect],
  ['bsdtar', tarEffect],
  ['npm', (_, { words }) => (words[1] === 'exec' || words[1] === 'x' ? 'execute' : undefined)],
  ['go', (args, { words }) => (words[1] === 'run' && has(args, REMOTE_MODULE) ? 'execute' : undefined)],
])

/** What a table of options does not tell; `unknown` where nobody can tell. */
export function specialEffect(command: ShellCommand, found: CommandEffects): Effect | 'unknown' | undefined {
  const { name, args, variables } = command
  for (const { name: variable, value } of variables) if (isLoading(variable, value)) return 'execute'
  const asked = askedBy(command)
  if (asked !== undefined && found.effects[0] === 'outward-read')
    return asked.effect ?? furtherEffect(name, args, found)
  // The checks of a project are what it runs before a commit.
  if (name === 'git' && variables.some((variable) => SKIPS_CHECKS.test(variable.name))) return 'execute'
  const special = SPECIAL.get(name)?.(args, found) ?? furtherEffect(name, args, found)
  if (special !== undefined) return special
  if (leavesProject(command, found)) return 'execute'
  const [effect] = found.effects
  if (effect === 'execute') return ranFile(name, args) ?? ranSnippet(command)
  return effect === 'build' && isGraveBuild(name, args, found) ? 'execute' : undefined
}

/** A build of others, and options that have builds do more than they do otherwise. */
function nixEffect(args: readonly Argument[], { operands, words }: CommandEffects): Effect | undefined {
  const own = words[1] === 'build' || words[1] === 'flake' || words[1] === 'eval' ? operands : []
  if (has(own, FLAKE_ELSEWHERE)) return 'execute'
  return has(
    args,
    /^--(?:option|accept-flake-config|no-sandbox|builders|substituters|post-build-hook|store|eval-store|override-input|override-flake|extra-[\w-]+|pre-build-hook|plugin-files)$/,
  )
    ? 'execute'
    : undefined
}

/** Options of `gh api` that have it do no more than ask, and those that say how the answer is shown. */
const ASKS_GITHUB =
  /^(?:--paginate|--slurp|-i|--include|--silent|--verbose|--cache|-q|--jq|-t|--template|-p|--preview)$/
const ASKS_GITHUB_VALUE = /^(?:-q|--jq|-t|--template|-p|--preview|--cache)$/

function gitHubEffect(args: readonly Argument[], found: CommandEffects): Effect | undefined {
  if (showsToken(found)) return 'admin'
  return found.words[1] === 'api' && asksGitHub(args) ? 'read' : undefined
}

/** A setting of the person may be what they enter with. */
function showsToken({ words, operands }: CommandEffects): boolean {
  return words[1] === 'config' && has(operands, /token|passw|secret|key/i)
}

/** A GET of the host that it works with. */
function asksGitHub(args: readonly Argument[]): boolean {
  return args.slice(args.findIndex(({ text }) => text === 'api') + 1).every(({ text, isDynamic }, i, all) => {
    const before = all[i - 1]?.text ?? ''
    if (/^(?:-X|--method)$/.test(before)) return text === 'GET'
    if (/^(?:-H|--header)$/.test(before)) return !/http-?method|method-?override/i.test(text)
    if (ASKS_GITHUB_VALUE.test(before)) return true
    if (!text.startsWith('-')) return !isDynamic && text !== 'graphql' && !text.includes('://')
    return (
      ASKS_GITHUB.test(text) ||
      /^(?:-X|--method|-H|--header)$|^--(?:method=GET$|jq=|template=|cache=)/.test(text)
    )
  })
}

/** The archive that is written, right behind its option. */
const ATTACHED = /^-[A-Za-z]*f(?:[/~]|\.\.)|^--fi\w*=(?:[/~]|\.\.)/

/** Names in an archive may lead anywhere with `-P`; and letters without a dash have their values behind them, in their order. */
function tarEffect(args: readonly Argument[], { effects }: CommandEffects): Effect | 'unknown' | undefined {
  const [effect] = effects
  const letters = /^[A-Za-z]+$/.exec(args[0]?.text ?? '')?.[0] ?? ''
  if (/[IF]/.test(letters)) return 'execute'
  // An archive on another machine, and names that are changed to lead elsewhere.
  if (has(args, /^[\w.-]+(?:@[\w.-]+)?:/)) return 'send'
  if (has(args, /^--(?:tr|xf)|^-[A-Za-z]*s$/) && has(args, /\.\./)) return 'unknown'
  const lists = letters === '' ? has(args, /^-[A-Za-z]*t|^--list$/) : letters.includes('t')
  if (effect !== 'write' && (effect !== 'read' || lists)) return undefined
  const isAttached = !/x/.test(letters) && !has(args, /^-[A-Za-z]*x|^--(?:ext|get)/) && has(args, ATTACHED)
  return isAttached || /[CP]/.test(letters) || has(args, /^-[A-Za-z]*P|^--ab/) ? 'unknown' : 'write'
}

/** `dotnet publish` puts the build into a folder, if nothing tells it to put it elsewhere. */
const PUBLISHES = /publishprofile|publishprovider|container|webpublish|registry/i
/** What is tested or looked at, and no task: `tests/test_delete.py`, `src/reset.test.ts::x`. */
const FILE_OF_CODE =
  /^[\w./@-]+\.(?:[cm]?[jt]sx?|py|rs|go|rb|java|kts?|php|exs?|cc?|cpp|hp?p?|cs|swift|scala|vue|svelte|s?css|html|md|json|ya?ml|toml|feature)(?::.*)?$/
/** What a runner of tests is told names tests. */
const TESTS = /^(?:pytest|jest|vitest|mocha|ava|rspec|phpunit|pest|ctest|playwright|cypress)$/
/** They take a package out of what the project asks for. */
const TAKES_PACKAGES = /^(?:composer|bundle|dotnet)$/
const HAS_TESTS = /^(?:mix|dotnet|swift|flutter|dart|zig)$/
/** What is built is named by it, and no task: `-c Release`, `--mode production`. */
const NAMES_MODE = /^-{1,2}(?:c|config|configuration|mode|profile|build-?type|variant|env|environment)$/
const NAMES_IMAGE = /^(?:-t|--tag|--target)$/

function isGraveBuild(name: string, args: readonly Argument[], { words, operands }: CommandEffects): boolean {
  const isPublishing = name === 'dotnet' && operands[0]?.text === 'publish'
  if (isPublishing && has(args, PUBLISHES)) return true
  const isKnown = isPublishing || (TAKES_PACKAGES.test(name) && operands[0]?.text === 'remove')
  const isTest = HAS_TESTS.test(name) && operands[0]?.text === 'test'
  if (isTest || TESTS.test(name) || words[1] === 'test') return false
  const isImage = /^(?:docker|podman|nerdctl)$/.test(name)
  return operands.slice(isKnown ? 1 : 0).some((operand) => {
    const before = args[args.indexOf(operand) - 1]
    if (name !== 'make' && FILE_OF_CODE.test(operand.text)) return false
    const isNamed = NAMES_MODE.test(before?.text ?? '') || (isImage && NAMES_IMAGE.test(before?.text ?? ''))
    return isGraveTask(operand.text) && !isNamed
  })
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
