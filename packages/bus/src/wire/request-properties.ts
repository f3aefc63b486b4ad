import { isInboxOf } from '@jamey/contracts'
import type { Message as MqttMessage } from '@jamey/mqtt'
import type { Clock } from '../support/clock.js'
import type { Envelope } from './envelope.js'

/** Time that a requester is taken to wait from its `timestamp`, since MQTT 3.1.1 carries no deadline. */
const DEFAULT_DEADLINE_MS = 30_000

/** The topic for the answer of a request, and the words that tell it from others. */
export interface ReplyAddress {
  readonly topic: string
  readonly correlationId: string
  /** Correlation Data, its bytes as latin1 text; undefined where there was none. */
  readonly correlationData: string | undefined
}

/**
 * The address in the MQTT 5.0 properties, else the same facts in the metadata. Undefined where no answer is wanted.
 * `isForeign` marks an address outside of the inbox of `owner` for its service: answering there would let the sender
 * speak through us.
 */
export function replyAddressOf(
  message: MqttMessage,
  envelope: Envelope | undefined,
  owner: { readonly clientId: string; readonly service: string },
): (ReplyAddress & { isForeign: boolean }) | undefined {
  const topic = message.properties?.responseTopic ?? envelope?.metadata.reply_to
  if (topic === undefined) return undefined
  const data = message.properties?.correlationData
  const correlationData = data && latin1(data)
  const correlationId = envelope?.metadata.correlation_id ?? uuidOf(correlationData)
  if (correlationId === undefined) return undefined
  return {
    topic,
    correlationId,
    correlationData,
    isForeign: !isInboxOf(topic, owner.clientId, owner.service),
  }
}

/** Milliseconds for which somebody still waits. */
export function remainingMsOf(
  message: MqttMessage,
  envelope: Envelope,
  clock: Pick<Clock, 'timeOfDay'>,
): number {
  const expiry = message.properties?.messageExpiryInterval
  if (expiry !== undefined) return expiry * 1000
  // A sender's clock that is ahead of ours must not stretch the time.
  return Math.min(Date.parse(envelope.timestamp) - clock.timeOfDay(), 0) + DEFAULT_DEADLINE_MS
}

/**
 * What makes a request the same as another: for whom, who waits where for what; without an answer, the message itself.
 * The principal is first and has no line end in it, so that no other words make it another one's.
 */
export function identityOf(envelope: Envelope, principal: string, reply: ReplyAddress | undefined): string {
  const { action } = envelope.payload
  const what = reply === undefined ? envelope.message_id : reply.topic
  const which = reply === undefined ? '' : (reply.correlationData ?? reply.correlationId)
  return `${principal}\n${action} ${what} ${which}`
}

/** Correlation data of our own requests begins with the correlation id as text; others may send what they like. */
function uuidOf(text: string | undefined): string | undefined {
  return text === undefined
    ? undefined
    : /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?= |$)/i.exec(text)?.[0]
}

/** Bytes as text that no two of them share. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
