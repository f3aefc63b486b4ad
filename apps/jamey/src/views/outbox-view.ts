import type { DamagedMessage, OutboxCounts, OutboxMessage } from '@jamey/store'
import { formatAge, plural } from '../support/quantities.js'
import { type Colors, printable } from '../terminal/terminal.js'
import { jsonPayload, parseJson, textOf } from './message-view.js'

const LISTED_CHARACTERS = 200

interface View {
  readonly colors: Colors
  readonly now: Date
}

/** A line about an outbox: what lies in it, and who has it open. */
export function formatCounts(name: string, counts: OutboxCounts, { colors, now }: View): string {
  const { waiting, deadLetters, oldestAgeMs, owner } = counts
  const dead = plural(deadLetters.messages, 'dead letter', 'dead letters')
  return [
    colors.bold(name),
    `${waiting.messages.toLocaleString('en-US')} waiting (${plural(waiting.bytes, 'byte', 'bytes')})`,
    deadLetters.messages === 0 ? dead : colors.yellow(dead),
    ...(oldestAgeMs === undefined ? [] : [`oldest ${age(oldestAgeMs, now)}`]),
    owner === undefined ? colors.dim('not open') : `open in process ${owner}`,
  ].join('  ')
}

export function jsonCounts(name: string, path: string, counts: OutboxCounts): Record<string, unknown> {
  const { waiting, deadLetters, oldestAgeMs, owner } = counts
  return {
    component: name,
    path,
    waiting: waiting.messages,
    waiting_bytes: waiting.bytes,
    dead_letters: deadLetters.messages,
    dead_letter_bytes: deadLetters.bytes,
    oldest_age_seconds: oldestAgeMs === undefined ? null : oldestAgeMs / 1000,
    owner_pid: owner ?? null,
  }
}

/** A message in a list: number, age and topic, why the server did not take it, the beginning of what it says. */
export function formatListed(name: string, message: OutboxMessage | DamagedMessage, view: View): string {
  const lines = headOf(name, message, view)
  if (!('error' in message)) lines.push(`  ${payloadLine(message.payload)}`)
  return lines.join('\n')
}

/** A message whole, but for the end of a very long payload. */
export function formatShown(
  name: string,
  message: OutboxMessage | DamagedMessage,
  view: View,
  maximumCharacters = 10_000,
): string {
  const lines = headOf(name, message, view)
  if ('error' in message) return lines.join('\n')
  const { qos, retain, properties, payload } = message
  lines.push(`  QoS ${qos}${retain ? ', retained' : ''}, ${plural(payload.length, 'byte', 'bytes')}`)
  const entries = Object.entries(properties ?? {}).filter(([, value]) => value !== undefined)
  for (const [key, value] of entries) lines.push(`  ${key}: ${printable(propertyText(value))}`)
  return [...lines, '', formatPayload(payload, maximumCharacters)].join('\n')
}

export function jsonStored(
  name: string,
  message: OutboxMessage | DamagedMessage,
  now: Date,
): Record<string, unknown> {
  const { kind, sequence } = message
  if ('error' in message) {
    return { component: name, number: sequence, kind, damaged: true, message: message.error.message }
  }
  const { topic, qos, retain, ageMs, reason, payload } = message
  const at = new Date(now.getTime() - ageMs).toISOString()
  return {
    component: name,
    number: sequence,
    kind,
    topic,
    qos,
    retain,
    [kind === 'waiting' ? 'published_at' : 'dead_lettered_at']: at,
    ...(reason === undefined
      ? {}
      : { reason: { code: reason.code, message: reason.message, reason_code: reason.reasonCode ?? null } }),
    ...jsonPayload(payload),
  }
}

/** JSON with a field per line, other text as it is, anything else in hex; cut where it is too long. */
export function formatPayload(payload: Uint8Array, maximumCharacters: number): string {
  const text = textOf(payload)
  if (text === undefined) return hex(payload, maximumCharacters)
  const value = parseJson(text)
  return cut(printable(value === undefined ? text : JSON.stringify(value, undefined, 2)), maximumCharacters)
}

/** The beginning of a payload in one line. */
function payloadLine(payload: Uint8Array): string {
  const text = textOf(payload)
  if (text === '') return '(empty)'
  return text === undefined
    ? hex(payload, LISTED_CHARACTERS)
    : cut(printable(text).replaceAll(/\s+/g, ' '), LISTED_CHARACTERS)
}

function headOf(name: string, message: OutboxMessage | DamagedMessage, { colors, now }: View): string[] {
  const number = colors.bold(String(message.sequence))
  if ('error' in message) {
    return [
      `${number}  ${name}  ${colors.red('damaged')}  ${message.kind}`,
      `  ${printable(message.error.message)}`,
    ]
  }
  const { topic, ageMs, reason, kind } = message
  const head = `${number}  ${name}  ${kind}  ${age(ageMs, now)}  ${colors.cyan(printable(topic))}`
  return reason === undefined
    ? [head]
    : [head, `  ${colors.yellow(reason.code)}: ${printable(reason.message)}`]
}

function hex(payload: Uint8Array, maximumCharacters: number): string {
  const shown = payload.subarray(0, Math.floor(maximumCharacters / 2))
  const rest = payload.length - shown.length
  const more = rest === 0 ? '' : ` ... ${plural(rest, 'more byte', 'more bytes')}`
  return `${Buffer.from(shown).toString('hex')}${more}`
}

function cut(text: string, maximumCharacters: number): string {
  if (text.length <= maximumCharacters) return text
  const rest = text.length - maximumCharacters
  return `${text.slice(0, maximumCharacters)} ... ${plural(rest, 'more character', 'more characters')}`
}

function propertyText(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : JSON.stringify(value)
}

function age(ageMs: number, now: Date): string {
  return formatAge(new Date(now.getTime() - ageMs).toISOString(), now)
}
