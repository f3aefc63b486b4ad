import type { JsonObject } from '@jamey/agents'
import { isObject, type Message, type MessageId } from '../lines/message.js'
import { CLIENT_CAPABILITIES, metaOf, PROTOCOL_VERSION } from './protocol.js'

/** A request to call a tool, and the line that it came in. */
export interface CallRequest {
  readonly id: MessageId
  readonly tool: string
  readonly arguments: JsonObject
  /** All of `params`, with what is not judged: progress token, answers for the server. */
  readonly params: JsonObject
  readonly message: Message
  /** The bytes that the server gets where nothing of them is changed. */
  readonly line: Buffer
  /** Of a version without handshake, where questions are asked by results. */
  readonly isModern: boolean
  /** The client's capabilities, where it tells them with the request. */
  readonly capabilities: unknown
}

type Request = Extract<Message, { kind: 'request' }>

/** A text says why it cannot be judged. */
export function callRequestOf(message: Request, line: Buffer): CallRequest | string {
  const { id, params } = message
  if (!message.isExact) return 'a number in it cannot be read exactly; give it as a text'
  if (!isObject(params)) return 'params: expected an object'
  const { name, arguments: given = {} } = params
  if (typeof name !== 'string' || name === '') return 'params.name: expected the name of a tool'
  if (!isObject(given)) return 'params.arguments: expected an object'
  return {
    id,
    tool: name,
    arguments: given,
    params,
    message,
    line,
    isModern: isModern(message),
    capabilities: metaOf(params)[CLIENT_CAPABILITIES],
  }
}

/** True for a request of a version in which each one says so itself. */
export function isModern({ value }: Pick<Message, 'value'>): boolean {
  return typeof metaOf(value['params'])[PROTOCOL_VERSION] === 'string'
}

/** The line for the server, with other arguments where a rule changed them, and without the members `without`. */
export function lineFor(
  { line, message, params }: CallRequest,
  changed: { readonly arguments?: JsonObject | undefined; readonly without?: readonly string[] },
): Buffer | string {
  const without = changed.without ?? []
  if (changed.arguments === undefined && without.length === 0) return line
  const kept = Object.fromEntries(Object.entries(params).filter(([name]) => !without.includes(name)))
  const args = changed.arguments === undefined ? {} : { arguments: changed.arguments }
  return JSON.stringify({ ...message.value, params: { ...kept, ...args } })
}
