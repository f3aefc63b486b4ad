import type { ASTNode } from '@marcbachmann/cel-js'
import type { SessionCall } from '../session/session.js'
import type { CelNode } from './cel-node.js'
import type { Circumstances } from './circumstances.js'
import { ConditionError } from './policy-errors.js'
import type { SessionView } from './session-view.js'

/**
 * The members of what conditions look at. The checker of types knows them as lists and maps of anything, so that a
 * member that is none would be found out by a call: a rule that asks or denies applies where it cannot be evaluated, and
 * with a slip in it to all that has an element.
 */
type Members<Of> = Readonly<Record<Extract<keyof Of, string>, true>>
type ElementOf<List> = List extends readonly (infer Element)[] ? Element : never
type Lists = Omit<Circumstances, 'kind' | 'tool' | 'known' | 'effects' | 'context' | 'intent' | 'attested'>

const LISTS: { readonly [Name in keyof Omit<Lists, 'session' | 'lists'>]: Members<ElementOf<Lists[Name]>> } =
  {
    commands: { where: true, words: true, effects: true, arguments: true, wrappers: true },
    files: {
      where: true,
      text: true,
      path: true,
      place: true,
      access: true,
      isSecret: true,
      isConfiguration: true,
      isGuard: true,
      isHome: true,
      isWorkable: true,
    },
    urls: {
      where: true,
      text: true,
      scheme: true,
      host: true,
      domain: true,
      path: true,
      isLocal: true,
      hasUserInfo: true,
      isInternational: true,
      queryLength: true,
    },
    mails: { where: true, text: true, address: true, host: true, domain: true },
    recipients: { where: true, text: true },
    amounts: { where: true, amount: true },
    numbers: { where: true, number: true },
    sql: { where: true, kind: true, verb: true, isBounded: true },
    code: { where: true, interpreter: true, text: true },
    secrets: { where: true, kind: true },
    signals: { where: true, name: true, words: true },
    texts: { where: true, role: true, text: true },
    unread: { where: true, reason: true },
  }
const SESSION: Members<SessionView> = { known: true, tainted: true, full: true, turn: true, asked: true }
const CALL: Members<SessionCall> = {
  tool: true,
  effects: true,
  amount: true,
  recipients: true,
  turn: true,
  age: true,
}

/** The members that a name or an expression has, and the words for it in a message. */
interface Kind {
  readonly what: string
  readonly members: Readonly<Record<string, true>>
}

const ELEMENTS: ReadonlyMap<unknown, Kind> = new Map(
  Object.entries(LISTS).map(([name, members]) => [name, { what: `an element of ${name}`, members }]),
)
const CALL_KIND: Kind = { what: 'an element of calls_within', members: CALL }
const LOOPS: ReadonlySet<unknown> = new Set(['exists', 'all', 'exists_one', 'filter', 'map'])

/** `pos`: its place in the condition. */
interface Node extends CelNode {
  readonly pos: number
}
/** The kinds of what names stand for, those of loops among them; undefined where that is not known. */
type Scope = ReadonlyMap<unknown, Kind | undefined>

/** Every member that a condition names and that there is none of. `lists`: what `lists` has, where that is known. */
export function memberFaults(ast: ASTNode, lists: readonly string[] | undefined): ConditionError[] {
  const members = Object.fromEntries((lists ?? []).map((name) => [name, true as const]))
  const outside: [string, Kind | undefined][] = [
    ['session', { what: 'session', members: SESSION }],
    ['lists', lists === undefined ? undefined : { what: 'lists', members }],
  ]
  const faults: ConditionError[] = []
  check(ast, new Map(outside), faults)
  return faults
}

function check(node: unknown, scope: Scope, faults: ConditionError[]): void {
  if (Array.isArray(node)) {
    for (const one of node) check(one, scope, faults)
    return
  }
  if (!isNode(node)) return
  const { op, args, pos } = node
  if (op === '.') {
    const [on, name] = args as readonly [Node, string]
    const kind = kindOf(on, scope)
    if (kind !== undefined && !Object.hasOwn(kind.members, name)) {
      const known = Object.keys(kind.members).join(', ')
      faults.push(new ConditionError(`${kind.what} has no ${name}; it has ${known}`, pos))
    }
  }
  if (op === 'rcall') {
    const [name, on, [element, ...rest]] = args as readonly [string, Node, readonly Node[]]
    if (LOOPS.has(name) && element?.op === 'id') {
      check(on, scope, faults)
      check(rest, new Map(scope).set(element.args, elementOf(on, scope)), faults)
      return
    }
  }
  check(args, scope, faults)
}

function kindOf({ op, args }: Node, scope: Scope): Kind | undefined {
  if (op === 'id') return scope.get(args)
  return op === '[]' ? elementOf((args as readonly [Node])[0], scope) : undefined
}

/** The kind of what stands in a list. */
function elementOf({ op, args }: Node, scope: Scope): Kind | undefined {
  if (op === 'id') return scope.has(args) ? undefined : ELEMENTS.get(args)
  const [name, on] = args as readonly [unknown, Node]
  if (op === 'call') return name === 'calls_within' ? CALL_KIND : undefined
  return op === 'rcall' && name === 'filter' ? elementOf(on, scope) : undefined
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value
}
