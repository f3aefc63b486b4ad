import type { ASTNode } from '@marcbachmann/cel-js'
import { EFFECTS } from './effects.js'
import type { Circumstances } from './policy.js'

/**
 * What has to be so for a condition to hold, as far as its operators show without being evaluated; of what is so, the
 * same bits. Most rules are about commands, or links, or payments, and most calls have none of them.
 */
export interface Needs {
  /** A bit for each list that has elements, and one for each that has none. */
  readonly lists: number
  /** A bit for each effect, for the kinds, and for whether the tool is known. */
  readonly words: number
  /** The only tool that it can be; undefined for any. */
  readonly tool: string | undefined
}

const NOTHING: Needs = { lists: 0, words: 0, tool: undefined }
const LISTS = [
  'effects',
  'commands',
  'files',
  'urls',
  'mails',
  'recipients',
  'amounts',
  'numbers',
  'sql',
  'code',
  'secrets',
  'signals',
  'texts',
  'unread',
] as const
const FILLED = new Map(LISTS.map((name, i) => [name as string, 1 << i]))
const EMPTY = new Map(LISTS.map((name, i) => [name as string, 1 << (i + LISTS.length)]))
const WORDS = [...EFFECTS, 'kind: call', 'kind: text', 'known', 'unknown'] as const
const WORD = new Map(WORDS.map((word, i) => [word as string, 1 << i]))
const bitOf = (word: string): number => WORD.get(word) ?? 0

export function areMet(needs: Needs, { lists, words, tool }: Needs): boolean {
  if ((needs.lists & lists) !== needs.lists || (needs.words & words) !== needs.words) return false
  return needs.tool === undefined || needs.tool === tool
}

/** What the circumstances meet that conditions are evaluated under, one condition after the other. */
export class MetNeeds {
  /** The last two, for a rule may be tried under two in turn. */
  #last: Circumstances | undefined
  #met = NOTHING
  #former: Circumstances | undefined
  #formerMet = NOTHING

  of(circumstances: Circumstances): Needs {
    if (circumstances === this.#last) return this.#met
    const met = circumstances === this.#former ? this.#formerMet : metBy(circumstances)
    this.#former = this.#last
    this.#formerMet = this.#met
    this.#last = circumstances
    this.#met = met
    return met
  }
}

/** What of that is so; where something is missing, nothing is ruled out by it. */
function metBy(circumstances: Circumstances): Needs {
  let lists = 0
  for (let i = 0; i < LISTS.length; i++) {
    const list = circumstances[LISTS[i] as (typeof LISTS)[number]] as readonly unknown[] | undefined
    if (list === undefined || list.length > 0) lists |= 1 << i
    if (list === undefined || list.length === 0) lists |= 1 << (i + LISTS.length)
  }
  let words = bitOf(`kind: ${circumstances.kind}`) | bitOf(circumstances.known ? 'known' : 'unknown')
  for (const effect of circumstances.effects) words |= bitOf(effect)
  return { lists, words, tool: circumstances.tool }
}

/** What the parser of CEL makes of an expression; its own types do not say what the arguments are. */
interface Node {
  readonly op: string
  readonly args: unknown
}

/**
 * What a condition needs. A part that is false makes a conjunction false whatever the others are, an error among them, so
 * a condition whose needs are not met is false.
 */
export function needsOf(ast: ASTNode): Needs {
  return needs(ast as Node)
}

function needs({ op, args }: Node): Needs {
  const [left, right] = (Array.isArray(args) ? args : [args]) as readonly Node[]
  if (left === undefined) return NOTHING
  switch (op) {
    case '&&':
      return both(needs(left), needs(right as Node))
    case '||':
      return common(needs(left), needs(right as Node))
    case 'id':
      return args === 'known' ? wordOf('known') : NOTHING
    case '!_':
      return left.op === 'id' && left.args === 'known' ? wordOf('unknown') : NOTHING
    case 'in':
      return isNamed(right, 'effects') && left.op === 'value' ? wordOf(String(left.args)) : NOTHING
    case '==':
      if (isNamed(left, 'kind') && right?.op === 'value') return wordOf(`kind: ${String(right.args)}`)
      if (isNamed(left, 'tool') && typeof right?.args === 'string' && right.op === 'value')
        return { ...NOTHING, tool: right.args }
      return sizeNeeds(op, left, right as Node)
    case '!=':
    case '>':
    case '>=':
    case '<':
    case '<=':
      return sizeNeeds(op, left, right as Node)
    case 'rcall': {
      const [name, on] = args as readonly [string, Node]
      return name === 'exists' && on.op === 'id' ? filled(on.args) : NOTHING
    }
    default:
      return NOTHING
  }
}

/** Of `size(xs)` beside a whole number. */
function sizeNeeds(op: string, left: Node, right: Node): Needs {
  const [name, given] = (left.op === 'call' ? left.args : []) as readonly [string?, (readonly Node[])?]
  const [list] = given ?? []
  if (name !== 'size' || list?.op !== 'id' || right.op !== 'value') return NOTHING
  if (typeof right.args !== 'bigint') return NOTHING
  const limit = Number(right.args)
  const isFilled = op === '>' || (op === '>=' && limit > 0) || (op === '==' && limit > 0)
  if (isFilled || (op === '!=' && limit === 0)) return limit < 0 ? NOTHING : filled(list.args)
  const isEmpty = (op === '==' && limit === 0) || (op === '<' && limit <= 1) || (op === '<=' && limit <= 0)
  return isEmpty ? { ...NOTHING, lists: EMPTY.get(String(list.args)) ?? 0 } : NOTHING
}

function isNamed(node: Node | undefined, name: string): boolean {
  return node?.op === 'id' && node.args === name
}

function filled(list: unknown): Needs {
  return { ...NOTHING, lists: FILLED.get(String(list)) ?? 0 }
}

function wordOf(word: string): Needs {
  return { ...NOTHING, words: bitOf(word) }
}

function both(one: Needs, other: Needs): Needs {
  // Where it would have to be two tools, one of them says so already.
  return { lists: one.lists | other.lists, words: one.words | other.words, tool: one.tool ?? other.tool }
}

function common(one: Needs, other: Needs): Needs {
  const tool = one.tool === other.tool ? one.tool : undefined
  return { lists: one.lists & other.lists, words: one.words & other.words, tool }
}
