import { readFileSync } from 'node:fs'
import { parseAst } from 'rolldown/parseAst'

/** A call that writes a line of the log, as it stands in the source. */
export interface LogLine {
  /** `path:line`. */
  readonly at: string
  readonly level: string
  /** The literal `event` among the fields of the call; undefined where it has none. */
  readonly event: string | undefined
  /** What the line says, `…` for what is only known then; undefined where it is not written beside the call. */
  readonly message: string | undefined
}

interface Node {
  readonly type: string
  readonly start: number
  readonly [key: string]: unknown
}

/** Methods that write lines, each named after its level. */
const LEVELS = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])

/** What an announcer says is a line of its log. */
const OF_ANNOUNCER = new Set(['say', 'note'])

/** Objects with methods of such names that are no logs. Everything else is one, so that none is forgotten. */
const NO_LOGS = new Set(['console', 'platform', 'program', 'publisher', 'terminal', 'this'])

/** The lines of the log that the source at `path` writes, told as at `shown`. */
export function logLinesIn(path: string, shown: string): LogLine[] {
  const text = readFileSync(path, 'utf8')
  if (!/\.(trace|debug|info|warn|error|fatal|say|note)\(/.test(text)) return []
  const nodes = [...nodesOf(parseAst(text, { lang: path.endsWith('x') ? 'tsx' : 'ts' }))]
  return nodes.flatMap((call) => {
    const level = levelOf(call)
    if (level === undefined) return []
    const [fields, message] = call['arguments'] as readonly (Node | undefined)[]
    const line = text.slice(0, call.start).split('\n').length
    return [{ at: `${shown}:${line}`, level, event: eventOf(fields), message: messageOf(message, nodes) }]
  })
}

function* nodesOf(value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return
  if ('type' in value) yield value as Node
  for (const child of Object.values(value)) yield* nodesOf(child)
}

function levelOf({ type, callee }: Node): string | undefined {
  const member = callee as { object?: Node; property?: { name?: string } } | undefined
  if (type !== 'CallExpression' || member?.object === undefined) return undefined
  const { object, property } = member
  const [method, of] = [property?.name ?? '', lastNameOf(object)]
  if (OF_ANNOUNCER.has(method)) return of === 'announcer' ? 'info' : undefined
  return LEVELS.has(method) && !NO_LOGS.has(of) ? method : undefined
}

/** `log` of `log`, `this.#options.log` and `options.log?`. */
function lastNameOf({ type, name, property }: Node): string {
  if (type === 'ThisExpression') return 'this'
  return String(name ?? (property as Node | undefined)?.['name'])
}

function eventOf(fields: Node | undefined): string | undefined {
  if (fields?.type !== 'ObjectExpression') return undefined
  const [first] = fields['properties'] as readonly { key?: Node; value?: Node }[]
  if (first?.key?.['name'] !== 'event' || first.value?.type !== 'Literal') return undefined
  return String(first.value['value'])
}

function messageOf(node: Node | undefined, nodes: readonly Node[]): string | undefined {
  if (node?.type === 'Literal') return String(node['value'])
  if (node?.type === 'TemplateLiteral') {
    const quasis = node['quasis'] as readonly { value: { cooked: string } }[]
    return quasis.map(({ value }) => value.cooked).join('…')
  }
  if (node?.type !== 'Identifier') return undefined
  // The constant of that name that stands last before it.
  const constant = nodes.findLast(
    ({ type, id, start }) =>
      type === 'VariableDeclarator' && (id as Node)['name'] === node['name'] && start < node.start,
  )
  return constant === undefined ? undefined : messageOf(constant['init'] as Node | undefined, [])
}
