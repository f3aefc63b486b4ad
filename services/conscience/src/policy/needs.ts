import { EFFECTS } from '@jamey/calls'
import type { ASTNode } from '@marcbachmann/cel-js'
import { type CelNode, operandsOf, sizedIn, stringsOf } from './cel-node.js'
import { type Circumstances, VARIABLES } from './circumstances.js'

/**
 * Needs of a condition: all that has to be so for it to hold, as far as its operators show without being evaluated.
 * Most rules are about commands, or links, or payments, and most calls have none of them.
 */
export interface Needs {
  /** A bit for each list that has elements, and one for each that has none. */
  readonly lists: number
  /** A bit for each word that has to be so. */
  readonly words: number
  /** Bits of words of which one has to be so; 0 where none has to. */
  readonly some: number
  /** The only tool that it can be; undefined for any. */
  readonly tool: string | undefined
  /** Of which some command has to run one; undefined for any, or none. */
  readonly programs: ReadonlySet<string> | undefined
}

/** The part of that which is so. */
export interface Met {
  readonly lists: number
  readonly words: number
  readonly tool: string
  /** Programs that commands run; undefined where that is not known. */
  readonly programs: readonly string[] | undefined
}

export const NO_NEEDS: Needs = { lists: 0, words: 0, some: 0, tool: undefined, programs: undefined }
type Variable = keyof typeof VARIABLES
type List = { [Name in Variable]: (typeof VARIABLES)[Name] extends `list${string}` ? Name : never }[Variable]
const LISTS = Object.entries(VARIABLES).flatMap(([name, type]) =>
  type.startsWith('list') ? [name as List] : [],
)
const FILLED = new Map(LISTS.map((name, i) => [name as string, 1 << i]))
const EMPTY = new Map(LISTS.map((name, i) => [name as string, 1 << (i + LISTS.length)]))
const STATES = [
  'kind: call',
  'kind: text',
  'known',
  'unknown',
  'session.full',
  'session.tainted',
  'context',
  'attested',
] as const
const WORDS = [...EFFECTS, ...EFFECTS.map((effect) => `not ${effect}` as const), ...STATES] as const
const WORD = new Map(WORDS.map((word, i) => [word as string, 1 << i]))
const bitOf = (word: string): number => WORD.get(word) ?? 0
const bitsOf = (words: readonly string[]): number => words.reduce((bits, word) => bits | bitOf(word), 0)
const EFFECT_BITS = new Map<string, number>(EFFECTS.map((effect) => [effect, bitOf(effect)]))
const ALL_EFFECTS = bitsOf(EFFECTS)
const NO_EFFECTS = bitsOf(EFFECTS.map((effect) => `not ${effect}`))
/** Where the bits of effects become those of effects that there are not. */
const NOT = EFFECTS.length

export function areMet(needs: Needs, met: Met): boolean {
  if ((needs.lists & met.lists) !== needs.lists || (needs.words & met.words) !== needs.words) return false
  if (needs.some !== 0 && (needs.some & met.words) === 0) return false
  return (needs.tool === undefined || needs.tool === met.tool) && runsOneOf(needs.programs, met.programs)
}

function runsOneOf(sought: Needs['programs'], programs: Met['programs']): boolean {
  if (sought === undefined || programs === undefined) return true
  for (const program of programs) if (sought.has(program)) return true
  return false
}

/** Needs that the circumstances meet under which conditions are evaluated, one condition after the other. */
export class MetNeeds {
  /** The last two, for a rule may be tried under two in turn. */
  #last: Circumstances | undefined
  #met: Met | undefined
  #former: Circumstances | undefined
  #formerMet: Met | undefined

  of(circumstances: Circumstances): Met {
    if (circumstances === this.#last && this.#met !== undefined) return this.#met
    const met =
      circumstances === this.#former && this.#formerMet !== undefined ? this.#formerMet : metBy(circumstances)
    this.#former = this.#last
    this.#formerMet = this.#met
    this.#last = circumstances
    this.#met = met
    return met
  }
}

/** Where something is missing, or is none of what there may be, nothing is ruled out by it. */
function metBy(circumstances: Circumstances): Met {
  let lists = 0
  for (let i = 0; i < LISTS.length; i++) {
    const list = circumstances[LISTS[i] as List] as readonly unknown[] | undefined
    if (list === undefined || list.length > 0) lists |= 1 << i
    if (list === undefined || list.length === 0) lists |= 1 << (i + LISTS.length)
  }
  const { kind, known, session, context, attested, tool } = circumstances
  let words = kind === 'call' ? KIND_CALL : KIND_TEXT
  words |= known ? KNOWN : UNKNOWN
  if (session.full !== false) words |= FULL
  if (session.tainted !== false) words |= TAINTED
  if (hasMembers(context)) words |= CONTEXT
  if (hasMembers(attested)) words |= ATTESTED
  return {
    lists,
    words: words | effectWords(circumstances.effects),
    tool,
    programs: programsOf(circumstances),
  }
}

const [KIND_CALL, KIND_TEXT, KNOWN, UNKNOWN, FULL, TAINTED, CONTEXT, ATTESTED] = STATES.map(bitOf) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
]

function effectWords(effects: readonly string[]): number {
  let is = 0
  for (let i = 0; i < effects.length; i++) {
    const bit = EFFECT_BITS.get(effects[i] as string)
    if (bit === undefined) return ALL_EFFECTS | NO_EFFECTS
    is |= bit
  }
  return is | ((ALL_EFFECTS & ~is) << NOT)
}

function hasMembers(object: Readonly<Record<string, unknown>>): boolean {
  for (const _ in object) return true
  return object instanceof Map
}

function programsOf({ commands }: Circumstances): string[] | undefined {
  const programs: string[] = []
  for (const { words } of commands ?? []) {
    const program = words?.[0]
    if (typeof program !== 'string') return undefined
    programs.push(program)
  }
  return programs
}

/**
 * The needs of a condition. A part that is false makes a conjunction false whatever the others are, an error among
 * them, so a condition whose needs are not met is false.
 */
export function needsOf(ast: ASTNode): Needs {
  return needs(ast as CelNode)
}

function needs(node: CelNode): Needs {
  const { op, args } = node
  const [left, right] = operandsOf(node)
  if (left === undefined) return NO_NEEDS
  switch (op) {
    case '&&':
      return both(needs(left), needs(right as CelNode))
    case '||':
      return common(needs(left), needs(right as CelNode))
    case 'id':
      return args === 'known' ? wordOf('known') : NO_NEEDS
    case '!_':
      return left.op === 'id' && left.args === 'known' ? wordOf('unknown') : NO_NEEDS
    case '.':
      return isNamed(left, 'session') ? wordOf(`session.${String(right)}`) : NO_NEEDS
    case 'in':
      if (isNamed(right, 'effects') && left.op === 'value') return wordOf(String(left.args))
      return isMember(left, right) ? wordOf(String(right?.args)) : NO_NEEDS
    case '==':
      if (isNamed(left, 'kind') && right?.op === 'value') return wordOf(`kind: ${String(right.args)}`)
      if (isNamed(left, 'tool') && typeof right?.args === 'string' && right.op === 'value')
        return { ...NO_NEEDS, tool: right.args }
      return sizeNeeds(op, left, right as CelNode)
    case '!=':
    case '>':
    case '>=':
    case '<':
    case '<=':
      return sizeNeeds(op, left, right as CelNode)
    case 'rcall':
      return loopNeeds(args as readonly [string, CelNode, readonly CelNode[]])
    default:
      return NO_NEEDS
  }
}

/** A word, or an element of a list of words, in one of two maps. */
function isMember(what: CelNode, where: CelNode | undefined): boolean {
  if (!isNamed(where, 'context') && !isNamed(where, 'attested')) return false
  return what.op === 'value' ? typeof what.args === 'string' : what.op === 'id' && !OUTSIDE.has(what.args)
}

/** Of `size(xs)` beside a whole number. */
function sizeNeeds(op: string, left: CelNode, right: CelNode): Needs {
  const list = sizedIn(left)
  if (list?.op !== 'id' || right.op !== 'value' || typeof right.args !== 'bigint') return NO_NEEDS
  const limit = Number(right.args)
  const isFilled = op === '>' || (op === '>=' && limit > 0) || (op === '==' && limit > 0)
  if (isFilled || (op === '!=' && limit === 0)) return limit < 0 ? NO_NEEDS : filled(list.args)
  const isEmpty = (op === '==' && limit === 0) || (op === '<' && limit <= 1) || (op === '<=' && limit <= 0)
  return isEmpty ? { ...NO_NEEDS, lists: EMPTY.get(String(list.args)) ?? 0 } : NO_NEEDS
}

function isNamed(node: CelNode | undefined, name: string): boolean {
  return node?.op === 'id' && node.args === name
}

function filled(list: unknown): Needs {
  return { ...NO_NEEDS, lists: FILLED.get(String(list)) ?? 0 }
}

/** Names that mean something outside of a loop; an element that has one of them hides it. */
const OUTSIDE: ReadonlySet<unknown> = new Set(Object.keys(VARIABLES))

/** Of `xs.exists(x, ...)` and `effects.all(e, ...)`. */
function loopNeeds([name, on, [element, body, ...more]]: readonly [
  string,
  CelNode,
  readonly CelNode[],
]): Needs {
  if (element?.op !== 'id' || body === undefined || more.length > 0 || OUTSIDE.has(element.args)) {
    return name === 'exists' && on.op === 'id' ? filled(on.args) : NO_NEEDS
  }
  if (name === 'all') return isNamed(on, 'effects') ? allEffects(body, element.args) : NO_NEEDS
  if (name !== 'exists') return NO_NEEDS
  // A body that is false whatever the element is, is false of all of them.
  if (on.op === 'list') return stringsOf(on) === undefined ? NO_NEEDS : needs(body)
  if (on.op !== 'id') return NO_NEEDS
  const list = filled(on.args)
  if (on.args === 'commands') return { ...list, programs: programsIn(body, element.args) }
  return on.args === 'effects' ? { ...list, some: effectsIn(body, element.args) } : list
}

/** Each effect of which it is false. */
function allEffects(body: CelNode, element: unknown): Needs {
  const outcomes = EFFECTS.map((effect) => outcomeOf(body, element, effect))
  // Where one of them may be an error, that is told, whatever the others are.
  if (outcomes.includes(undefined)) return NO_NEEDS
  return {
    ...NO_NEEDS,
    words: bitsOf(EFFECTS.filter((_, i) => !outcomes[i]).map((effect) => `not ${effect}`)),
  }
}

/** Bits of each effect of which it may be true; 0 for all of them. */
function effectsIn(body: CelNode, element: unknown): number {
  const bits = bitsOf(EFFECTS.filter((effect) => outcomeOf(body, element, effect) !== false))
  return bits === ALL_EFFECTS ? 0 : bits
}

/** The result where the element is that word; undefined where more is to be known. */
function outcomeOf(node: CelNode, element: unknown, word: string): boolean | undefined {
  const [left, right] = operandsOf(node)
  if (left === undefined) return undefined
  const isOf = isNamed(left, String(element))
  const of = (part: CelNode) => outcomeOf(part, element, word)
  switch (node.op) {
    case '!_': {
      const inner = of(left)
      return inner === undefined ? undefined : !inner
    }
    case '&&':
      if (of(left) === false || of(right as CelNode) === false) return false
      return of(left) === true && of(right as CelNode) === true ? true : undefined
    case '||':
      if (of(left) === true || of(right as CelNode) === true) return true
      return of(left) === false && of(right as CelNode) === false ? false : undefined
    case '==':
      return isOf && right?.op === 'value' ? right.args === word : undefined
    case '!=':
      return isOf && right?.op === 'value' ? right.args !== word : undefined
    case 'in':
      return isOf ? stringsOf(right as CelNode)?.includes(word) : undefined
    default:
      return undefined
  }
}

/** Of `c.words[0] == 'git'` and the like; undefined where the program may be any. */
function programsIn(node: CelNode, element: unknown): Needs['programs'] {
  const [left, right] = operandsOf(node)
  if (left === undefined || right === undefined) return undefined
  const words = stringsOf(right)
  switch (node.op) {
    case '&&':
      return programsIn(left, element) ?? programsIn(right, element)
    case '||':
      return united(programsIn(left, element), programsIn(right, element))
    case '==':
      if (isFirst(left, element) && typeof right.args === 'string' && right.op === 'value')
        return new Set([right.args])
      return isWords(left, element) && words?.[0] !== undefined ? new Set([words[0]]) : undefined
    case 'in':
      return isFirst(left, element) && words !== undefined ? new Set(words) : undefined
    default:
      return undefined
  }
}

/** `c.words` */
function isWords({ op, args }: CelNode, element: unknown): boolean {
  const [of, name] = (op === '.' ? args : []) as readonly [CelNode?, string?]
  return name === 'words' && isNamed(of, String(element))
}

/** `c.words[0]` */
function isFirst({ op, args }: CelNode, element: unknown): boolean {
  const [of, at] = (op === '[]' ? args : []) as readonly [CelNode?, CelNode?]
  return of !== undefined && isWords(of, element) && at?.op === 'value' && at.args === 0n
}

function wordOf(word: string): Needs {
  return { ...NO_NEEDS, words: bitOf(word), some: bitOf(word) }
}

function both(one: Needs, other: Needs): Needs {
  return {
    lists: one.lists | other.lists,
    words: one.words | other.words,
    // Of two choices, or tools, or sets of programs, one says enough.
    some: one.some || other.some,
    tool: one.tool ?? other.tool,
    programs: one.programs ?? other.programs,
  }
}

function common(one: Needs, other: Needs): Needs {
  return {
    lists: one.lists & other.lists,
    words: one.words & other.words,
    some: one.some === 0 || other.some === 0 ? 0 : one.some | other.some,
    tool: one.tool === other.tool ? one.tool : undefined,
    programs: united(one.programs, other.programs),
  }
}

function united(one: Needs['programs'], other: Needs['programs']): Needs['programs'] {
  return one === undefined || other === undefined ? undefined : new Set([...one, ...other])
}
