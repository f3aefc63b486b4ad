import { METHODS, metaOf, PROTOCOL_VERSION, toolsIn } from '../guard/protocol.js'
import { isObject, type JsonObject, type Message } from '../lines/message.js'

/** Methods whose header names what they are about, and the member of `params` that has it. */
const NAMED_BY: Readonly<Record<string, string>> = {
  [METHODS.callTool]: 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}
/** Of a server that declares more, the first are sent. */
const MOST_TOOLS = 10_000
const MOST_HEADERS = 50
const DEEPEST = 10

/** An argument that a tool wants to have as a header, too. */
interface Mirrored {
  readonly path: readonly string[]
  readonly header: string
}

/**
 * The headers that a request of 2026-07-28 has of what stands in it. They are made of what is sent, so with changed
 * arguments they change, too.
 */
export class RequestHeaders {
  readonly #mirrored = new Map<string, readonly Mirrored[]>()

  /** Takes the result of `tools/list`, where tools say which arguments they want as headers. */
  learn(result: unknown): void {
    for (const { name, inputSchema } of toolsIn(result)) {
      if (this.#mirrored.size >= MOST_TOOLS && !this.#mirrored.has(name)) continue
      this.#mirrored.set(name, mirroredIn(inputSchema))
    }
  }

  /** None for messages of the versions with a handshake. */
  of(message: Message): Readonly<Record<string, string>> {
    if (message.kind !== 'request' || !isObject(message.params)) return {}
    const { method, params } = message
    const version = versionOf(params)
    if (version === undefined) return {}
    const field = Object.hasOwn(NAMED_BY, method) ? params[NAMED_BY[method] as string] : undefined
    return {
      'mcp-protocol-version': version,
      'mcp-method': fieldValue(method),
      ...(typeof field === 'string' ? { 'mcp-name': fieldValue(field) } : {}),
      ...(method === METHODS.callTool ? this.#mirroredOf(params) : {}),
    }
  }

  #mirroredOf({ name, arguments: given }: JsonObject): Record<string, string> {
    const mirrored = this.#mirrored.get(String(name)) ?? []
    return Object.fromEntries(
      mirrored.flatMap(({ path, header }) => {
        const value = path.reduce<unknown>(
          (at, key) => (isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined),
          given,
        )
        const isPlain = typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value)
        return isPlain ? [[`mcp-param-${header}`, fieldValue(String(value))]] : []
      }),
    )
  }
}

/** The version that a request says it is of, where each says so itself. */
export function versionOf(params: unknown): string | undefined {
  const version = metaOf(params)[PROTOCOL_VERSION]
  return typeof version === 'string' && /^[\x21-\x7e]{1,64}$/.test(version) ? version : undefined
}

function mirroredIn(schema: unknown): readonly Mirrored[] {
  const found: Mirrored[] = []
  const visit = (node: unknown, path: readonly string[]): void => {
    const properties = isObject(node) && path.length < DEEPEST ? node['properties'] : undefined
    if (!isObject(properties)) return
    for (const [key, property] of Object.entries(properties)) {
      if (!isObject(property) || found.length >= MOST_HEADERS) continue
      const header = property['x-mcp-header']
      const isPlain = /^(?:string|integer|boolean)$/.test(String(property['type']))
      if (typeof header === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}$/.test(header) && isPlain) {
        found.push({ path: [...path, key], header })
      }
      visit(property, [...path, key])
    }
  }
  visit(schema, [])
  return found
}

/** As a field of HTTP bears it: what is no plain ASCII in Base64, within marks. */
function fieldValue(text: string): string {
  const isPlain = /^[\t\x20-\x7e]+$/.test(text) && text === text.trim() && !/^=\?base64\?.*\?=$/.test(text)
  return isPlain ? text : `=?base64?${Buffer.from(text, 'utf8').toString('base64')}?=`
}
