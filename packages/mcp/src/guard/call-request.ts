import type { JsonObject } from '@jamey/agents'
import { isObject, type Message, type MessageId } from '../lines/message.js'
import { type Guarded, type GuardedMethod, guardedMethod } from './guarded-methods.js'
import { CLIENT_CAPABILITIES, metaOf, PROTOCOL_VERSION } from './protocol.js'

/** A request for a server that is guarded, and the line that it came in. */
export interface CallRequest extends Guarded {
  readonly id: MessageId
  readonly method: string
  readonly guardedBy: GuardedMethod
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

/** Undefined for a request that is passed on as it comes. A text says why it cannot be judged. */
export function callRequestOf(message: Request, line: Buffer): CallRequest | string | undefined {
  const { id, method, params } = message
  const guardedBy = guardedMethod(method, params)
  if (guardedBy === undefined) return undefined
  if (!message.isExact) return 'a number in it cannot be read exactly; give it as a text'
  if (!isObject(params)) return 'params: expected an object'
  const guarded = guardedBy.guarded(params)
  if (typeof guarded === 'string') return guarded
  const [isOfModern, capabilities] = [isModern(message), metaOf(params)[CLIENT_CAPABILITIES]]
  return { ...guarded, id, method, guardedBy, params, message, line, isModern: isOfModern, capabilities }
}

/** True for a request of a version in which each one says so itself. */
export function isModern({ value }: Pick<Message, 'value'>): boolean {
  return typeof metaOf(value['params'])[PROTOCOL_VERSION] === 'string'
}

/** The line for the server, with other arguments where a rule changed them, and without the members `without`. */
export function lineFor(
  { line, message, params, guardedBy }: CallRequest,
  changed: { readonly arguments?: JsonObject | undefined; readonly without?: readonly string[] },
): Buffer | string {
  const without = changed.without ?? []
  if (changed.arguments === undefined && without.length === 0) return line
  const kept = Object.fromEntries(Object.entries(params).filter(([name]) => !without.includes(name)))
  const told = changed.arguments === undefined ? kept : guardedBy.changed(kept, changed.arguments)
  return JSON.stringify({ ...message.value, params: told })
}
