import { isUtf8 } from 'node:buffer'
import { JsonScan } from './json-scan.js'

const CARRIAGE_RETURN = 0x0d

export type MessageId = string | number
export type JsonObject = { readonly [name: string]: unknown }

/** A JSON-RPC message as it was parsed. `value` is all of it. */
export type Message = {
  readonly value: JsonObject
  /** False where a number in it, read as a double, is another one. */
  readonly isExact: boolean
} & (
  | { readonly kind: 'request'; readonly id: MessageId; readonly method: string; readonly params: unknown }
  | { readonly kind: 'notification'; readonly method: string; readonly params: unknown }
  /** `id` is null where an error is told about a message that could not be read. */
  | { readonly kind: 'response'; readonly id: MessageId | null; readonly result: unknown }
)

export type Content =
  | Message
  /** Several in one line, as protocol version 2025-03-26 has it. */
  | { readonly kind: 'batch'; readonly messages: readonly Message[] }
  | { readonly kind: 'unreadable'; readonly reason: string }
  | { readonly kind: 'empty' }

class Unreadable extends Error {}

/**
 * The content of a line. Whatever two programs could read differently is unreadable: names that stand twice in an
 * object, bytes that are no UTF-8, a carriage return within the line, which some take for its end.
 */
export function readContent(line: Buffer): Content {
  try {
    return contentOf(line)
  } catch (error) {
    if (error instanceof Unreadable) return { kind: 'unreadable', reason: error.message }
    throw error
  }
}

function contentOf(line: Buffer): Content {
  const returnAt = line.indexOf(CARRIAGE_RETURN)
  if (returnAt !== -1 && returnAt !== line.length - 1) {
    throw new Unreadable('a carriage return stands within the line')
  }
  if (!isUtf8(line)) throw new Unreadable('it is not UTF-8')
  const text = line.toString('utf8')
  if (text.trim() === '') return { kind: 'empty' }
  const value = parsed(text)
  const scan = new JsonScan()
  scan.write(line)
  if (countMembers(value) !== scan.members) throw new Unreadable('an object has two members of one name')
  if (!Array.isArray(value)) return messageOf(value, scan.isExact)
  if (value.length === 0) throw new Unreadable('the batch is empty')
  return { kind: 'batch', messages: value.map((one: unknown) => messageOf(one, scan.isExact)) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new Unreadable('it is not JSON')
  }
}

/** Depth does not matter: nothing here calls itself. */
function countMembers(root: unknown): number {
  let members = 0
  const waiting: unknown[] = [root]
  while (waiting.length > 0) {
    const value = waiting.pop()
    if (typeof value !== 'object' || value === null) continue
    if (Array.isArray(value)) {
      for (const item of value) if (typeof item === 'object') waiting.push(item)
      continue
    }
    for (const [name, member] of Object.entries(value)) {
      // A reader that takes it for an ordinary member and one that sets a prototype by it see two different objects.
      if (name === '__proto__') throw new Unreadable('a member is named __proto__')
      members++
      if (typeof member === 'object') waiting.push(member)
    }
  }
  return members
}

function messageOf(value: unknown, isExact: boolean): Message {
  if (!isObject(value)) throw new Unreadable(`it is ${kindOf(value)}, not an object`)
  const { id, method, params, result } = value
  const isAnswer = Object.hasOwn(value, 'result') || Object.hasOwn(value, 'error')
  if (Object.hasOwn(value, 'method')) {
    if (typeof method !== 'string') throw new Unreadable(`its method is ${kindOf(method)}, not a string`)
    if (isAnswer) throw new Unreadable('it is a request and an answer at once')
    if (!Object.hasOwn(value, 'id')) return { kind: 'notification', method, params, value, isExact }
    if (!isId(id)) throw new Unreadable(`its id is ${kindOf(id)}, not a string or a number`)
    return { kind: 'request', id, method, params, value, isExact }
  }
  if (!isAnswer) throw new Unreadable('it has neither method, result nor error')
  if (id !== null && id !== undefined && !isId(id)) {
    throw new Unreadable(`its id is ${kindOf(id)}, not a string or a number`)
  }
  return { kind: 'response', id: id ?? null, result, value, isExact }
}

export function isId(value: unknown): value is MessageId {
  return typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
