import type { Effect } from '../model/call.js'
import type { CommandEffects, Program } from './program.js'
import { PROGRAMS } from './programs.js'
import type { ShellCommand } from './script.js'
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

export function effectsOf(command: ShellCommand): CommandEffects {
  const found = byProgram(command)
  const special = specialEffect(command, found)
  return special === undefined ? found : { ...found, effects: special === 'unknown' ? [] : [special] }
}

function byProgram({ name, args }: ShellCommand): CommandEffects {
  const program = PROGRAMS.get(name) ?? (name.startsWith('mkfs.') ? PROGRAMS.get('mkfs') : undefined)
  const nothing = { operands: args, reads: [], writes: [], words: [name] }
  if (program === undefined) return { ...nothing, effects: [] }
  const [only] = args
  if (args.length === 1 && only !== undefined && ASKS_ONLY.has(only.text))
    return { ...nothing, effects: ['read'] }
  return told(program, [name], args)
}

function told(program: Program, words: readonly string[], args: readonly Argument[]): CommandEffects {
  const at = subcommandAt(program, args)
  const subcommand = at < 0 ? undefined : args[at]
  const before = at < 0 ? [] : args.slice(0, at)
  if (subcommand !== undefined) {
    const nested = program.nested?.[subcommand.text]
    const rest = [...before.filter(({ text }) => text.startsWith('-')), ...args.slice(at + 1)]
    if (nested !== undefined) return told(nested, [...words, subcommand.text], rest)
  }
  const listed = subcommand === undefined ? undefined : effectListed(program.subcommands, [subcommand.text])
  const isTaken = listed !== undefined && program.subcommands !== undefined
  const rest = isTaken ? args.filter((_, i) => i !== at) : args
  const own = listed ?? (hasToKnow(program, subcommand) ? undefined : program.effect)
  const byOption = effectListed(program.options, optionsOf(rest))
  const operands = operandsOf(rest, program)
  const effects = own === undefined ? [] : [isTaken ? graver(own, byOption) : (byOption ?? own)]
  const files = filesOf(program, operands, effects.includes('read'))
  return {
    effects,
    operands,
    words: isTaken && subcommand !== undefined ? [...words, subcommand.text] : words,
    ...files,
    writes: [...files.writes, ...outputsOf(rest, program)],
  }
}

/** `-o FILE`, `-oFILE`, `--output FILE`, `--output=FILE`. */
function outputsOf(args: readonly Argument[], { outputs }: Program): Argument[] {
  if (outputs === undefined) return []
  const options = outputs.split(' ')
  return args.flatMap((argument, i) => {
    const { text, isDynamic } = argument
    if (options.includes(text)) return args[i + 1] ?? []
    const option = options.find((one) => text.startsWith(one.startsWith('--') ? `${one}=` : one))
    return option === undefined ? [] : { text: text.slice(option.length).replace(/^=/, ''), isDynamic }
  })
}

/** A program with subcommands, told one that is not known, does what nobody knows. */
function hasToKnow({ subcommands, effect }: Program, subcommand: Argument | undefined): boolean {
  return subcommands !== undefined && effect === undefined && subcommand !== undefined
}

function subcommandAt({ subcommands, nested, valued = '' }: Program, args: readonly Argument[]): number {
  if (subcommands === undefined && nested === undefined) return -1
  const options = new Set(valued.split(' '))
  for (let i = 0; i < args.length; i++) {
    const { text } = args[i] as Argument
    if (options.has(text)) i++
    else if (!text.startsWith('-') || effectListed(subcommands, [text]) !== undefined) return i
  }
  return -1
}

/** Options, those that stand together one by one, and `--name=value` without the value. */
function optionsOf(args: readonly Argument[]): string[] {
  return args.flatMap(({ text }) => {
    if (text.startsWith('--')) return [text === '--' ? text : (text.split('=')[0] as string)]
    if (/^-[A-Za-z]{2,}/.test(text)) return [text, ...[...text.slice(1)].map((letter) => `-${letter}`)]
    return [text]
  })
}

/** The gravest that some word is listed for. */
function effectListed(lists: Lists | undefined, words: readonly string[]): Effect | undefined {
  if (lists === undefined) return undefined
  const known = effectsByWord(lists)
  let found: Effect | undefined
  for (const word of words) {
    const effect = known.get(word)
    if (effect !== undefined && (found === undefined || isGraver(effect, found))) found = effect
  }
  return found
}

type Lists = Partial<Readonly<Record<Effect, string>>>
const BY_WORD = new WeakMap<Lists, ReadonlyMap<string, Effect>>()

function effectsByWord(lists: Lists): ReadonlyMap<string, Effect> {
  let known = BY_WORD.get(lists)
  if (known === undefined) {
    const all = new Map<string, Effect>()
    for (const [effect, list] of Object.entries(lists) as [Effect, string][]) {
      for (const word of list.split(' ')) {
        const before = all.get(word)
        if (before === undefined || isGraver(effect, before)) all.set(word, effect)
      }
    }
    BY_WORD.set(lists, all)
    known = all
  }
  return known
}

function isGraver(effect: Effect, than: Effect): boolean {
  return GRAVITY.indexOf(effect) > GRAVITY.indexOf(than)
}

/** What an option says of the program itself may be milder; of what it was told to do, only graver. */
function graver(own: Effect, byOption: Effect | undefined): Effect {
  return byOption !== undefined && isGraver(byOption, own) ? byOption : own
}

function operandsOf(args: readonly Argument[], { valued = '' }: Program): Argument[] {
  const options = new Set(valued.split(' '))
  const operands: Argument[] = []
  let isLiteral = false
  for (let i = 0; i < args.length; i++) {
    const argument = args[i] as Argument
    if (!isLiteral && argument.text === '--') isLiteral = true
    else if (!isLiteral && options.has(argument.text)) i++
    else if (isLiteral || !argument.text.startsWith('-') || argument.text === '-') operands.push(argument)
  }
  return operands
}

function filesOf(
  { writes, skips = 0, hasNoFiles }: Program,
  operands: readonly Argument[],
  isReading: boolean,
): { reads: readonly Argument[]; writes: readonly Argument[] } {
  if (hasNoFiles === true) return { reads: [], writes: [] }
  const files = operands.slice(skips).filter(({ text }) => text !== '-')
  if (writes === 'all') return { reads: [], writes: files }
  if (writes === 'last') return { reads: files.slice(0, -1), writes: files.slice(-1) }
  return isReading ? { reads: files, writes: [] } : { reads: files, writes: files }
}
