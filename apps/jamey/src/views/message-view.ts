import { addressOf, type Memory, memorySchema, topics, type Verdict, verdictSchema } from '@jamey/contracts'
import { printable } from '../terminal/terminal.js'
import type { View } from '../terminal/view.js'
import { formatMemory } from './memory-view.js'
import { formatVerdict } from './verdict-view.js'

/** A message that arrived, as far as the command line shows it. */
export interface ArrivedMessage {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly dup: boolean
  readonly properties?: object | undefined
}

/** A message for scripts: JSON payloads as JSON, other text as text, anything else in base64. */
export function jsonMessage(message: ArrivedMessage, now: Date): Record<string, unknown> {
  const { topic, qos, retain, dup } = message
  const properties = jsonProperties(message.properties)
  return {
    topic,
    qos,
    retain,
    dup,
    received_at: now.toISOString(),
    ...jsonPayload(message.payload),
    ...(properties === undefined ? {} : { properties }),
  }
}

/** `payload` for JSON, `payload_text` for other text, `payload_base64` for bytes that are no text. */
export function jsonPayload(payload: Uint8Array): Record<string, unknown> {
  const text = textOf(payload)
  if (text === undefined) return { payload_base64: Buffer.from(payload).toString('base64') }
  const value = parseJson(text)
  return value === undefined ? { payload_text: text } : { payload: value }
}

/** A message for people: time, topic and sender, then what it says. */
export function formatMessage(message: ArrivedMessage, view: View): string {
  const text = textOf(message.payload)
  const envelope = text === undefined ? undefined : envelopeOf(parseJson(text))
  const marks = [
    view.now.toTimeString().slice(0, 8),
    view.colors.cyan(printable(message.topic)),
    ...(envelope?.sender === undefined ? [] : [`from ${printable(envelope.sender)}`]),
    ...(message.retain ? [view.colors.dim('retained')] : []),
  ]
  return `${marks.join('  ')}\n${indent(body(message, text, envelope, view))}`
}

function body(
  message: ArrivedMessage,
  text: string | undefined,
  envelope: Envelope | undefined,
  view: View,
): string {
  if (text === undefined) return `${message.payload.length} bytes that are no text`
  if (envelope === undefined) return text === '' ? view.colors.dim('(empty)') : printable(text)
  const narrower = { ...view, columns: view.columns - 2 }
  const verdict = verdictOf(message.topic, envelope)
  if (verdict !== undefined) return formatVerdict(verdict, view.colors, narrower.columns)
  const memory = memoryOf(message.topic, envelope)
  if (memory !== undefined) return `stored  ${formatMemory(memory, narrower)}`
  return `${view.colors.bold(printable(envelope.action))} ${printable(JSON.stringify(envelope.data) ?? '')}`
}

interface Envelope {
  readonly sender: string | undefined
  readonly action: string
  readonly data: unknown
}

/** The parts that are shown of an envelope; undefined for a payload that is none. */
function envelopeOf(value: unknown): Envelope | undefined {
  const payload = member(value, 'payload')
  const action = member(payload, 'action')
  if (typeof action !== 'string' || member(value, 'message_id') === undefined) return undefined
  const sender = member(member(value, 'metadata'), 'client_id')
  return {
    sender: typeof sender === 'string' ? sender : undefined,
    action,
    data: member(payload, 'data') ?? member(payload, 'error'),
  }
}

function verdictOf(topic: string, envelope: Envelope): Verdict | undefined {
  if (addressOf(topics.conscience.results, topic) === undefined) return undefined
  return verdictSchema.safeParse(envelope.data).data
}

function memoryOf(topic: string, envelope: Envelope): Memory | undefined {
  const isUpdate = addressOf(topics.memory.updates, topic) !== undefined
  if (!isUpdate || member(envelope.data, 'change') !== 'stored') return undefined
  return memorySchema.safeParse(member(envelope.data, 'memory')).data
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function jsonProperties(properties: object | undefined): Record<string, unknown> | undefined {
  const entries = Object.entries(properties ?? {}).filter(([, value]) => value !== undefined)
  if (entries.length === 0) return undefined
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value,
    ]),
  )
}

/** The text in UTF-8; undefined where the bytes are none. */
export function textOf(payload: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload)
  } catch {
    return undefined
  }
}

/** The value of JSON; undefined where the text is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n')
}
