import { baseName } from '../builtins.js'
import type { Argument } from '../words.js'
import { type Inner, NOTHING, rest, valuesOf } from './inner.js'
import { programOf } from './program-names.js'
import { isDatabaseClient } from './sql-clients.js'

/** A build tool that runs the rest of its words. */
interface Runner {
  /** The words behind which they stand; undefined where they stand behind its options. */
  readonly behind?: RegExp
  /** Options before them that have a value. */
  readonly valued: string
  /** Whether it runs what the project brings itself, so that a program that nobody knows is one of these. */
  readonly brings?: true
  /** What runs them, where they are not a command themselves. */
  readonly by?: string
}

const OF_PYTHON =
  '--with --extra --group --only-group --no-group --package --python -p --env-file --directory --project -e --env -n --name'
const RUNNERS: ReadonlyMap<string, Runner> = new Map([
  ['bundle', { behind: /^exec$/, valued: '--gemfile', brings: true }],
  ...['uv', 'poetry', 'pipenv', 'pdm', 'hatch', 'rye'].map((name): [string, Runner] => [
    name,
    { behind: /^run$/, valued: OF_PYTHON, brings: true },
  ]),
  ['lerna', { behind: /^exec$/, valued: '--scope --ignore --concurrency --since' }],
  ['nx', { behind: /^exec$/, valued: '' }],
  ['pnpm', { behind: /^exec$/, valued: '' }],
  ['yarn', { behind: /^exec$/, valued: '' }],
  ['composer', { behind: /^exec$/, valued: '' }],
  ['stack', { behind: /^exec$/, valued: '--package --stack-yaml' }],
  ['cabal', { behind: /^exec$/, valued: '' }],
  ['mix', { behind: /^cmd$/, valued: '--app' }],
  ['just', { behind: /^(?:-c|--command)$/, valued: '' }],
  ...['c8', 'nyc'].map((name): [string, Runner] => [
    name,
    {
      valued:
        '-r --reporter -o --reports-dir --report-dir -n --include -x --exclude -e --extension --src --temp-directory -t --temp-dir --cwd -i --require --nycrc-path --config -c',
    },
  ]),
  [
    'coverage',
    {
      behind: /^run$/,
      valued: '--source --omit --include --rcfile --data-file --concurrency --context',
      by: 'python',
    },
  ],
])

/** Options whose value is a script of the shell. */
const SCRIPTS: Readonly<Record<string, string>> = {
  nodemon: '-x --exec',
  concurrently: '--teardown',
  mapfile: '-C',
  readarray: '-C',
}
/** Options whose value is code in a tool's own language, and words that stand before it. */
const CODE: Readonly<Record<string, string>> = {
  tsx: '-e --eval -p --print',
  'ts-node': '-e --eval -p --print',
  rake: '-e --execute -p --execute-print -E --execute-continue',
  swift: '-e',
  scala: '-e --execute-snippet',
  kotlinc: '-e -expression',
  ghc: '-e',
  mix: '-e --eval',
  pylint: '--init-hook',
}
const CODE_BEHIND: Readonly<Record<string, RegExp>> = {
  deno: /^eval$/,
  rails: /^(?:runner|r)$/,
  mix: /^eval$/,
  dotnet: /^(?:script|fsi)$/,
  php: /^tinker$/,
}
/** Options of concurrently whose value is another word. */
const CONCURRENTLY =
  '-n --names -c --prefix-colors -m --max-processes -p --prefix -l --prefix-length -t --timestamp-format --restart-tries --restart-after -s --success --name-separator --hide'
/** Modules of Python that are programs by the same name. */
const MODULES = /^(?:pytest|mypy|black|ruff|flake8|isort|pylint|coverage|tox|nox)$/

const TOOLS: ReadonlySet<string> = new Set([
  ...RUNNERS.keys(),
  ...[SCRIPTS, CODE, CODE_BEHIND].flatMap((options) => Object.keys(options)),
])

/** What tools that build and test are told to run beside what the project itself has; undefined for none. */
export function runByTool(name: string, args: readonly Argument[]): Inner | undefined {
  if (!TOOLS.has(name) && !name.startsWith('python')) return undefined
  const commands = commandsOf(name, args)
  const scripts = [...given(SCRIPTS, name, args), ...(name === 'concurrently' ? concurrent(args) : [])]
  const code = [...given(CODE, name, args), ...behind(ownPattern(CODE_BEHIND, name), args)]
  if (commands.length + scripts.length + code.length === 0) return undefined
  return { ...NOTHING, commands, scripts, code }
}

function commandsOf(name: string, args: readonly Argument[]): readonly (readonly Argument[])[] {
  if (/^python[\d.]*$/.test(name))
    return args[0]?.text === '-m' && MODULES.test(args[1]?.text ?? '') ? [args.slice(1)] : []
  const runner = RUNNERS.get(name)
  if (runner === undefined) return []
  const own = name === 'yarn' ? withoutScope(args) : args
  const ran = ranBy(runner, own)
  return ran.length === 0 && /^(?:pnpm|yarn)$/.test(name) ? passedThrough(own) : ran
}

/** `pnpm tsx src/a.ts` runs tsx, if no task of the project is called so. */
function passedThrough(args: readonly Argument[]): readonly (readonly Argument[])[] {
  const at = args.findIndex(({ text }, i) => !text.startsWith('-') && !SELECTS.test(args[i - 1]?.text ?? ''))
  return programOf(args[at]?.text ?? '')?.effect === 'build' ? [args.slice(at)] : []
}
const SELECTS = /^(?:--filter|-F|-C|--dir|--cwd)$/

/** `yarn workspace NAME exec`. */
function withoutScope(args: readonly Argument[]): readonly Argument[] {
  return args.filter(
    ({ text }, i) => !/^(?:workspaces?|foreach)$/.test(text) && args[i - 1]?.text !== 'workspace',
  )
}

function ranBy(runner: Runner, args: readonly Argument[]): readonly (readonly Argument[])[] {
  const at = runner.behind === undefined ? 0 : verbAt(runner.behind, args) + 1
  if (at === 0 && runner.behind !== undefined) return []
  const words = rest(args.slice(at), runner)
  const [first] = words
  if (first === undefined) return []
  const isModule = args.slice(at, args.length - words.length).some(({ text }) => MODULE.test(text))
  if (isModule) return [[PYTHON, { text: '-m', isDynamic: false }, ...words]]
  if (runner.brings === true && !first.isDynamic && !isKnownProgram(first.text)) return []
  const by = runner.by ?? (/\.py$/.test(first.text) ? 'python' : undefined)
  return [by === undefined ? words : [{ text: by, isDynamic: false }, ...words]]
}

/** Of `uv run`. */
const MODULE = /^(?:-m|--module)$/
const PYTHON: Argument = { text: 'python', isDynamic: false }

function isKnownProgram(path: string): boolean {
  const name = baseName(path)
  return path.includes('/') || /\.py$/.test(name) || programOf(name) !== undefined || isDatabaseClient(name)
}

function given(
  options: Readonly<Record<string, string>>,
  name: string,
  args: readonly Argument[],
): readonly Argument[] {
  return Object.hasOwn(options, name) ? valuesOf(args, options[name] as string) : []
}

function ownPattern(patterns: Readonly<Record<string, RegExp>>, name: string): RegExp | undefined {
  return Object.hasOwn(patterns, name) ? patterns[name] : undefined
}

function behind(word: RegExp | undefined, args: readonly Argument[]): readonly Argument[] {
  const at = word === undefined ? -1 : verbAt(word, args)
  return at < 0 ? [] : args.slice(at + 1, at + 2)
}

/** In each package of a workspace. */
const SPREADS = /^(?:recursive|multi|m|workspaces|foreach)$/

/** Before it stand options alone, and their values. */
function verbAt(verb: RegExp, args: readonly Argument[]): number {
  const at = args.findIndex(({ text }) => verb.test(text))
  const isFirst = args.slice(0, Math.max(0, at)).every(({ text }, i) => {
    return text.startsWith('-') || args[i - 1]?.text.startsWith('-') === true || SPREADS.test(text)
  })
  return isFirst ? at : -1
}

/** Each operand is a script; `npm:test` is one of the project's own. */
function concurrent(args: readonly Argument[]): readonly Argument[] {
  const valued = new Set(CONCURRENTLY.split(' '))
  return args.flatMap((argument, i) => {
    const isOption = argument.text.startsWith('-') || valued.has(args[i - 1]?.text ?? '')
    return isOption || /^(?:npm|pnpm|yarn|bun|node|deno):/.test(argument.text) ? [] : argument
  })
}
