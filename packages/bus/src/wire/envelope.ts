import { isUtf8 } from 'node:buffer'
import { envelopeSchema, firstIssue, quickParse, textFaultIn, UUID } from '@jamey/contracts'
import { z } from 'zod'
import { MessageError } from '../support/errors.js'

/** The envelope of every message; docs/wire.md has its fields. */
export interface Envelope {
  /** A UUID. */
  readonly message_id: string
  /** ISO 8601 by the sender's clock. */
  readonly timestamp: string
  /** The topic it was published to. */
  readonly topic: string
  readonly payload: EnvelopePayload
  readonly metadata: EnvelopeMetadata
}

export interface EnvelopePayload {
  readonly action: string
  readonly data?: unknown
  /** Present in answers only, in the place of `data`. */
  readonly error?: unknown
}

export interface EnvelopeMetadata {
  readonly client_id: string
  /** A UUID that request and answer, and all messages of one chain, have in common. */
  readonly correlation_id: string
  /** Topic to which the answer goes; present in requests. */
  readonly reply_to?: string
  /** W3C Trace Context. */
  readonly traceparent?: string
  /** The client for whom a request is made, where that is not its sender. */
  readonly on_behalf_of?: { readonly client_id: string; readonly permissions: readonly string[] }
}

/** Version ff is none, and all-zero identifiers mean none. [Trace Context, sections 3.2.2 and 4.3] */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

const isoTime = z.iso.datetime({ offset: true })

/** Messages of one millisecond have the same text of it, so the last one is kept. */
let lastTimestamp = ''

/**
 * The envelope that `found` is, where every field is as `envelopeSchema` wants it, which is told here in a tenth of
 * the time; what is wrong, and how to say so, is left to the schema.
 */
function soundEnvelope(found: unknown): Envelope | undefined {
  if (!isObject(found)) return undefined
  const { message_id, timestamp, topic, payload, metadata } = found
  if (!isFilled(topic) || !isObject(payload) || !isObject(metadata) || !isFilled(payload.action))
    return undefined
  if (typeof message_id !== 'string' || !UUID.test(message_id)) return undefined
  const { client_id, correlation_id, reply_to, traceparent, on_behalf_of } = metadata
  if (!isFilled(client_id) || typeof correlation_id !== 'string' || !UUID.test(correlation_id))
    return undefined
  if (reply_to !== undefined && !isFilled(reply_to)) return undefined
  if (traceparent !== undefined && typeof traceparent !== 'string') return undefined
  if (on_behalf_of !== undefined && !isPrincipal(on_behalf_of)) return undefined
  if (typeof timestamp !== 'string') return undefined
  if (timestamp !== lastTimestamp) {
    if (!isoTime.safeParse(timestamp).success) return undefined
    lastTimestamp = timestamp
  }
  // Payload and metadata were looked at field by field, which their types cannot know.
  return { message_id, timestamp, topic, payload, metadata } as unknown as Envelope
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isPrincipal(value: unknown): boolean {
  if (!isObject(value) || !isFilled(value.client_id) || !Array.isArray(value.permissions)) return false
  return value.permissions.every((permission) => typeof permission === 'string')
}

function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** True where `text` can be a `message_id` or `correlation_id`. */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}

/** True where `text` is a W3C traceparent. */
export function isTraceparent(text: string): boolean {
  return TRACEPARENT.test(text)
}

/** Identifiers and trace context as a caller gives them; what is left out is chosen by us, and so needs no check. */
export interface GivenIdentifiers {
  readonly messageId?: string | undefined
  readonly correlationId?: string | undefined
  readonly traceparent?: string | undefined
}

/** Throws `MessageError` naming the field that no envelope may have. */
export function assertIdentifiers(
  topic: string,
  { messageId, correlationId, traceparent }: GivenIdentifiers,
): void {
  if (messageId !== undefined && !UUID.test(messageId)) {
    throw new MessageError(topic, 'message_id', notUuid(messageId))
  }
  if (correlationId !== undefined && !UUID.test(correlationId)) {
    throw new MessageError(topic, 'metadata.correlation_id', notUuid(correlationId))
  }
  if (traceparent !== undefined && !TRACEPARENT.test(traceparent)) {
    const found = quote(traceparent)
    throw new MessageError(topic, 'metadata.traceparent', `must be a W3C traceparent; it is ${found}`)
  }
}

/**
 * The bytes of `envelope`: JSON in UTF-8. What it is made of was checked where it came from, except identifiers and
 * trace context given by the caller, which are checked here. Throws `MessageError`.
 */
export function encodeEnvelope(envelope: Envelope): Buffer {
  const { topic, message_id, metadata } = envelope
  const { correlation_id, traceparent } = metadata
  assertIdentifiers(topic, { messageId: message_id, correlationId: correlation_id, traceparent })
  return Buffer.from(jsonOf(topic, envelope) as string, 'utf8')
}

/** Reads and checks the bytes of a message that arrived on `topic`. Throws `MessageError` naming the field. */
export function decodeEnvelope(topic: string, bytes: Uint8Array): Envelope {
  const found = parse(topic, bytes)
  const envelope = soundEnvelope(found) ?? readEnvelope(topic, found)
  if (envelope.topic !== topic) {
    throw new MessageError(topic, 'topic', `must be the topic it arrived on; it is ${quote(envelope.topic)}`)
  }
  return envelope
}

function readEnvelope(topic: string, found: unknown): Envelope {
  const parsed = envelopeSchema.safeParse(found)
  if (!parsed.success) throw messageErrorOf(topic, parsed.error, found)
  return parsed.data as Envelope
}

/** Checks `data` against a contract's schema. Throws `MessageError` naming the faulty field, below `field`. */
export function checkData<Schema extends z.ZodType>(
  schema: Schema,
  topic: string,
  data: unknown,
  field = 'payload.data',
): z.output<Schema> {
  const parsed = quickParse(schema, data)
  if (parsed.success) return parsed.data
  throw messageErrorOf(topic, parsed.error, data, field)
}

/**
 * Checks the data of a request, which besides must have whole text and no member `__proto__`: what would arrive as
 * something else. Answers may have both, for what was stored once is told as it is.
 */
export function checkRequestData<Schema extends z.ZodType>(
  schema: Schema,
  topic: string,
  data: unknown,
): z.output<Schema> {
  const fault = textFaultIn(data)
  if (fault === undefined) return checkData(schema, topic, data)
  throw new MessageError(topic, fieldAt('payload.data', fault.path), `is not valid: ${fault.expected}`)
}

/** The first issue of `error` as a `MessageError` that tells what was found at its place in `data`. */
function messageErrorOf(topic: string, error: z.ZodError, data: unknown, root = ''): MessageError {
  const issue = firstIssue(error.issues)
  const path = [...(issue?.path ?? [])]
  if (issue?.code === 'unrecognized_keys') path.push(...issue.keys.slice(0, 1))
  const field = fieldAt(root, path)
  const fault =
    issue?.code === 'unrecognized_keys' ? 'There is no such field' : (issue?.message ?? 'Unknown fault')
  return new MessageError(
    topic,
    field === '' ? 'envelope' : field,
    `is not valid: ${fault}; found ${foundAt(data, path)}`,
    {
      cause: error,
    },
  )
}

function fieldAt(root: string, path: readonly PropertyKey[]): string {
  const field = path.reduce<string>(
    (text, key) =>
      text + (typeof key === 'number' ? `[${key}]` : text === '' ? String(key) : `.${String(key)}`),
    root,
  )
  return field.toWellFormed()
}

/** The value at `path`, in a few words: short values as they are, long ones by their size. */
function foundAt(data: unknown, path: readonly PropertyKey[]): string {
  let value = data
  for (const key of path) value = Object(value)[key]
  if (value === undefined) return 'nothing'
  if (typeof value === 'string')
    return value.length > 80 ? `${value.length} characters` : JSON.stringify(value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/** `value` as JSON, or undefined where JSON leaves it out. Throws `MessageError` about the data of `topic`. */
export function jsonOf(topic: string, value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (error) {
    // A BigInt or a cycle inside fields that are the sender's own affair.
    throw new MessageError(topic, 'payload.data', 'cannot be written as JSON', { cause: error })
  }
}

function parse(topic: string, bytes: Uint8Array): unknown {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const text = buffer.toString('utf8')
  // Invalid bytes read as U+FFFD; only then is it worth asking whether that character was really sent.
  if (text.includes('\ufffd') && !isUtf8(buffer)) {
    throw new MessageError(topic, 'envelope', 'is not UTF-8')
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new MessageError(topic, 'envelope', `is not JSON: ${(error as Error).message}`, { cause: error })
  }
}

function notUuid(found: string): string {
  return `must be a UUID; it is ${quote(found)}`
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)
}
