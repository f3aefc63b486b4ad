import type { Effect } from '../model/call.js'
import { handedTo } from './loading-variables.js'
import { optionValue } from './option-values.js'
import { leftOut } from './programs/found-files.js'
import { handedScript } from './programs/inner.js'
import { isGraveTask, readsCode } from './programs/interpreters.js'
import { withListed } from './programs/listed-files.js'
import { namedFiles } from './programs/named-files.js'
import { type CommandEffects, type Program, wordsIn } from './programs/program.js'
import { programOf } from './programs/program-names.js'
import type { ShellCommand } from './shell-script.js'
import { specialEffect } from './special-effects.js'
import type { Argument } from './words.js'

/** From mild to grave: what an option makes of a command is never milder than what the command is, but for reading. */
const GRAVITY: readonly Effect[] = [
  'read',
  'write',
  'build',
  'outward-read',
  'send',
  'execute',
  'delete',
  'pay',
  'admin',
]
const ASKS_ONLY = new Set(['--help', '--version', '-h', '-V', '--usage'])

export function effectsOf(given: ShellCommand): CommandEffects {
  const command = meant(given)
  const found = byProgram(command)
  const special = specialEffect(command, found)
  const effects = special === undefined ? found.effects : special === 'unknown' ? [] : [special]
  const handed = handedTo(command, found.words, effects)
  const named = namedFiles(command)
  const listed = withListed(command, found.reads, effects[0] === 'read')
  const out = command.name === 'find' ? leftOut(command.args) : []
  const reads = out.length === 0 ? listed : listed.filter((file) => !out.includes(file))
  const writes = reads === found.reads ? found.writes : withListed(command, found.writes, false)
  const isSame = effects === found.effects && reads === found.reads && handed.length === 0
  if (isSame && named === undefined) return found
  return {
    ...found,
    effects,
    reads: [...reads, ...(named?.reads ?? [])],
    writes: [...writes, ...handed, ...(named?.writes ?? [])],
  }
}

function byProgram(command: ShellCommand): CommandEffects {
  const { name, args } = command
  const program = programOf(name)
  const nothing = { operands: args, reads: [], writes: [], words: [name] }
  const handed = program?.effect === 'execute' ? handedScript(name, args) : undefined
  // What the script does is told by its own commands.
  if (handed?.isAll === true && !mayRunMore(command))
    return { ...nothing, operands: handed.parameters, effects: ['read'], reads: handed.parameters }
  if (program === undefined) return { ...nothing, effects: [] }
  const [only] = args
  if (args.length === 1 && only !== undefined && ASKS_ONLY.has(only.text))
    return { ...nothing, effects: ['read'] }
  if (asksForHelp(program, args)) return { ...nothing, effects: ['read'] }
  return told(program, [name], args)
}

/** `git log --help`; a word behind which another program stands hands it on, and so do tasks of a package. */
function asksForHelp({ subcommands, tasks }: Program, args: readonly Argument[]): boolean {
  const [first, second] = args
  if (subcommands === undefined || tasks !== undefined || args.length !== 2) return false
  return second?.text === '--help' && /^(?!(?:run|exec|x|tool|foreach)$)[a-z][\w-]*$/.test(first?.text ?? '')
}

/** Where names of files are put into a script, they may be commands; and who has another home folder has other profiles. */
function mayRunMore({ wrappers, variables }: ShellCommand): boolean {
  return (
    wrappers.some((by) => PUTS_NAMES.test(by)) || variables.some(({ name }) => LEADS_TO_PROFILE.test(name))
  )
}

const LEADS_TO_PROFILE = /^(?:HOME|ZDOTDIR|ENV)$/
const PUTS_NAMES = /^(?:find|fd|xargs|parallel)$/
const TOOLCHAIN = /^\+[\w.-]+$/

/** `python -m pip install` is `pip install`, and `cargo +nightly build` is `cargo build`. */
function meant(command: ShellCommand): ShellCommand {
  const { name, args } = command
  const [first, second] = args
  if (first === undefined || first.isDynamic) return command
  if (first.text === '-m' && second?.text === 'pip' && /^(?:python|pypy)[\d.]*$/.test(name))
    return { ...command, name: 'pip', args: args.slice(2) }
  if (TOOLCHAIN.test(first.text) && /^(?:cargo|rustc|rustfmt|rustdoc)$/.test(name))
    return { ...command, args: args.slice(1) }
  return command
}

/** What a program does that a project has itself, and that nobody knows by its name. */
export function ownProgram({ path, args, name, wrappers }: ShellCommand): CommandEffects | undefined {
  const isPath = OWN_PATH.test(path) && !wrappers.some((by) => FETCHES.test(by))
  if (!isPath || programOf(name) !== undefined) return undefined
  const found = told(OWN, [name], args)
  const isGrave = isGraveTask(name) || found.operands.some(({ text }) => isGraveTask(text) || readsCode(text))
  const reads = [{ text: path, isDynamic: false }, ...found.reads]
  return { ...found, effects: [isGrave ? 'execute' : 'build'], reads }
}

const OWN: Program = { effect: 'build' }
const OWN_PATH = /^[\w./+-]+$/
/** To them `a/b` is a package of somebody. */
const FETCHES = /^(?:npx|bunx|uvx|pipx|npm|pnpm|yarn|bun)$/

function told(program: Program, words: readonly string[], given: readonly Argument[]): CommandEffects {
  const table = tableOf(program)
  const args = scoped(program, table, given)
  const at = subcommandAt(table, args)
  const subcommand = at < 0 ? undefined : args[at]
  const other = at > 0 ? otherwise(table, args, at) : undefined
  if (subcommand !== undefined) {
    const { nested: all = {} } = program
    const nested = Object.hasOwn(all, subcommand.text) ? all[subcommand.text] : undefined
    if (nested !== undefined) {
      const before = args.slice(0, at).filter(({ text }) => text.startsWith('-'))
      const found = told(nested, [...words, subcommand.text], [...before, ...args.slice(at + 1)])
      const [effect] = found.effects
      if (other === undefined || effect === undefined || !isGraver(other, effect)) return found
      return { ...found, effects: [other] }
    }
  }
  const listed = subcommand === undefined ? undefined : table.subcommands?.get(subcommand.text)
  const isTaken = listed !== undefined
  const rest = isTaken ? args.filter((_, i) => i !== at) : args
  const own = listed ?? (hasToKnow(program, subcommand) ? taskIn(program, subcommand) : program.effect)
  const byOption = table.options === undefined ? undefined : effectOfOptions(table.options, rest)
  const isGiven = rest.some((word, i) => optionValue(word, rest[i + 1], table.unless) !== undefined)
  const operands = operandsOf(rest, isGiven ? table.valuedUnless : table.valued, program.dashed)
  const effects =
    own === undefined ? [] : [isTaken ? graver(graver(own, byOption), other) : (byOption ?? own)]
  const { reads, writes } = filesOf(
    program,
    isGiven ? 0 : (program.skips ?? 0),
    operands,
    effects[0] === 'read',
  )
  const outputs = outputsOf(rest, table.outputs, program.hasNoFiles === true)
  const { labels } = program
  return {
    effects,
    operands,
    words: isTaken && subcommand !== undefined ? [...words, subcommand.text] : words,
    reads,
    writes: outputs.length === 0 ? writes : [...writes, ...outputs],
    labels,
  }
}

/**
 * Nobody said whether the option before the subcommand has a value: where that is what was taken for it, it is the next
 * word, which counts where it is known to do more. `helm --x list uninstall y`
 */
function otherwise({ subcommands }: Table, args: readonly Argument[], at: number): Effect | undefined {
  const { text } = args[at - 1] as Argument
  if (!/^-{1,2}[A-Za-z][\w-]*$/.test(text) || subcommands === undefined) return undefined
  const next = args.slice(at + 1).find((word) => !word.text.startsWith('-'))
  return next === undefined ? undefined : subcommands.get(next.text)
}

/** Without words that say where in the project it works: `yarn workspace NAME test`. */
function scoped({ scopes }: Program, table: Table, args: readonly Argument[]): readonly Argument[] {
  if (scopes === undefined) return args
  let left = args
  for (;;) {
    const at = subcommandAt(table, left)
    const text = left[at]?.text ?? ''
    const names = Object.hasOwn(scopes, text) ? scopes[text] : undefined
    if (names === undefined) return left
    left = [...left.slice(0, at), ...left.slice(at + 1 + names)]
  }
}

function taskIn({ tasks }: Program, subcommand: Argument | undefined): Effect | undefined {
  if (tasks === undefined || subcommand === undefined || subcommand.isDynamic) return undefined
  if (!tasks.test(subcommand.text) && programOf(subcommand.text)?.effect !== 'build') return undefined
  return isGraveTask(subcommand.text) ? 'execute' : 'build'
}

/** `-o FILE`, `-xo FILE`, `--output=FILE`. */
function outputsOf(args: readonly Argument[], options: readonly string[], hasNoFiles: boolean): Argument[] {
  if (options.length === 0) return []
  return args.flatMap((argument, i) => {
    const found = optionValue(argument, args[i + 1], options)
    if (found === undefined) return []
    const isTogether = /^-[A-Za-z]{2}/.test(argument.text) && !options.includes(argument.text.slice(0, 2))
    return isTogether && hasNoFiles && found.isNext ? [] : found.value
  })
}

/** A program with subcommands, told one that is not known, does what nobody knows. */
function hasToKnow({ subcommands, effect }: Program, subcommand: Argument | undefined): boolean {
  return subcommands !== undefined && effect === undefined && subcommand !== undefined
}

function subcommandAt({ subcommands, hasSubcommands, valued }: Table, args: readonly Argument[]): number {
  if (!hasSubcommands) return -1
  for (let i = 0; i < args.length; i++) {
    const { text } = args[i] as Argument
    if (valued.has(text)) i++
    else if (!text.startsWith('-') || subcommands?.has(text) === true) return i
  }
  return -1
}

/**
 * The gravest that an option is listed for; of those that stand together one by one, and of `--name=value` without the
 * value.
 */
function effectOfOptions(known: ReadonlyMap<string, Effect>, args: readonly Argument[]): Effect | undefined {
  let found: Effect | undefined
  for (const { text } of args) {
    if (!text.startsWith('-') || text === '-') {
      found = graverOf(found, known.get(text))
      continue
    }
    const end = text.indexOf('=')
    const name = end < 0 ? text : text.slice(0, end)
    found = graverOf(found, known.get(name) ?? beginningOf(known, name))
    if (text.startsWith('--')) continue
    // A value may stand right behind it: `-i.bak`.
    found = graverOf(graverOf(found, known.get(text)), known.get(text.slice(0, 2)))
    if (/^-[A-Za-z]{2,}/.test(text)) {
      for (const letter of text.slice(1)) found = graverOf(found, known.get(`-${letter}`))
    }
  }
  return found
}

/** Many programs take the beginning of a long name for it; whatever that may stand for counts, but for what only reads. */
function beginningOf(known: ReadonlyMap<string, Effect>, name: string): Effect | undefined {
  if (name.length < SHORTEST_BEGINNING || !name.startsWith('--')) return undefined
  let found: Effect | undefined
  for (const [option, effect] of known)
    if (effect !== 'read' && option.startsWith(name)) found = graverOf(found, effect)
  return found
}

/** `--d` */
const SHORTEST_BEGINNING = 3

function graverOf(one: Effect | undefined, other: Effect | undefined): Effect | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return isGraver(other, one) ? other : one
}

/** What is listed for a program, by word. */
interface Table {
  readonly subcommands: ReadonlyMap<string, Effect> | undefined
  readonly hasSubcommands: boolean
  readonly options: ReadonlyMap<string, Effect> | undefined
  readonly valued: ReadonlySet<string>
  readonly unless: readonly string[]
  readonly outputs: readonly string[]
  /** With those of `unless`. */
  readonly valuedUnless: ReadonlySet<string>
}

const TABLES = new WeakMap<Program, Table>()

function tableOf(program: Program): Table {
  let table = TABLES.get(program)
  if (table === undefined) {
    const { subcommands, nested, options, valued = '', unless, outputs } = program
    const given = wordsIn(unless ?? '')
    table = {
      subcommands: subcommands && effectsByWord(subcommands),
      hasSubcommands: subcommands !== undefined || nested !== undefined,
      options: options && effectsByWord(options),
      valued: new Set(wordsIn(valued)),
      unless: given,
      outputs: wordsIn(outputs ?? ''),
      valuedUnless: new Set([...wordsIn(valued), ...given]),
    }
    TABLES.set(program, table)
  }
  return table
}

function effectsByWord(lists: Partial<Readonly<Record<Effect, string>>>): ReadonlyMap<string, Effect> {
  const all = new Map<string, Effect>()
  for (const [effect, list] of Object.entries(lists) as [Effect, string][]) {
    for (const word of wordsIn(list)) {
      const before = all.get(word)
      if (before === undefined || isGraver(effect, before)) all.set(word, effect)
    }
  }
  return all
}

function isGraver(effect: Effect, than: Effect): boolean {
  return GRAVITY.indexOf(effect) > GRAVITY.indexOf(than)
}

/** What an option says of the program itself may be milder; of what it was told to do, only graver. */
function graver(own: Effect, byOption: Effect | undefined): Effect {
  return byOption !== undefined && isGraver(byOption, own) ? byOption : own
}

function operandsOf(
  args: readonly Argument[],
  options: ReadonlySet<string>,
  dashed: RegExp | undefined,
): Argument[] {
  const operands: Argument[] = []
  let isLiteral = false
  for (let i = 0; i < args.length; i++) {
    const argument = args[i] as Argument
    if (!isLiteral && argument.text === '--') isLiteral = true
    else if (!isLiteral && options.has(argument.text)) i++
    else if (isLiteral || isOperand(argument.text, dashed)) operands.push(argument)
  }
  return operands
}

function isOperand(text: string, dashed: RegExp | undefined): boolean {
  return !text.startsWith('-') || text === '-' || dashed?.test(text) === true
}

function filesOf(
  { writes, hasNoFiles, labels, runs }: Program,
  skips: number,
  operands: readonly Argument[],
  isReading: boolean,
): { reads: readonly Argument[]; writes: readonly Argument[] } {
  if (hasNoFiles === true) return { reads: [], writes: [] }
  const files = operands.slice(skips).filter(({ text }) => text !== '-' && labels?.test(text) !== true)
  if (writes === 'all') return { reads: [], writes: files }
  if (writes === 'first') return { reads: [], writes: files.slice(0, 1) }
  if (writes === 'last') return { reads: files.slice(0, -1), writes: files.slice(-1) }
  if (isReading) return { reads: files, writes: [] }
  return { reads: files, writes: runs === true ? files.slice(1) : files }
}
