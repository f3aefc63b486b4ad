import { randomUUID } from 'node:crypto'
import type { Bus } from '@jamey/bus'
import { inboxTopic, namesSender } from '@jamey/contracts'
import type { Message } from '@jamey/mqtt'
import { ReasonCode } from '@jamey/protocol'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import { checkedData, type Enveloped } from './contract-lookup.js'
import { assertPermitted } from './permission-refusal.js'

export type Qos = 0 | 1 | 2

export interface RawCall {
  readonly qos: Qos
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** The topic of the answer to a request, and what the answer will carry. */
export interface ReplyAddress {
  readonly responseTopic: string
  readonly correlationId: string
}

/** The topic for a message of a contract, by which its receivers know who sent it. */
export function topicFor(bus: Bus, topic: string, { contract }: Enveloped): string {
  return namesSender(contract) ? topic : bus.topicFor(topic)
}

/** A message of a contract, checked and in its envelope. */
export async function envelopeOf(
  bus: Bus,
  topic: string,
  { contract, data }: Enveloped,
  reply?: ReplyAddress,
): Promise<{ readonly messageId: string; readonly bytes: Uint8Array }> {
  const { encodeEnvelope } = await import('../support/from-bus.js')
  const messageId = randomUUID()
  const bytes = encodeEnvelope({
    message_id: messageId,
    timestamp: new Date().toISOString(),
    topic,
    payload: { action: contract.action, data: checkedData(contract, topic, data) },
    metadata: {
      client_id: bus.clientId,
      correlation_id: reply?.correlationId ?? randomUUID(),
      ...(reply === undefined ? {} : { reply_to: reply.responseTopic }),
    },
  })
  return { messageId, bytes }
}

/** Publishes bytes as they are; settles with the broker's reason code. */
export async function publishRaw(
  bus: Bus,
  topic: string,
  payload: Uint8Array,
  options: RawCall & { readonly retain: boolean; readonly isEnvelope: boolean },
): Promise<number> {
  assertPermitted(bus, 'publish', [topic])
  const { isEnvelope, ...call } = options
  const properties = isEnvelope ? { properties: JSON_PROPERTIES } : {}
  const { reasonCode } = await bus.mqtt.publish(topic, payload, { ...call, ...properties })
  return reasonCode
}

/** Properties that the wire conventions demand of every envelope. */
const JSON_PROPERTIES = { contentType: 'application/json', payloadFormatIndicator: 1 } as const

/**
 * A request in the way of MQTT 5.0 (section 4.10), with the bytes that `payloadFor` makes: the answer comes
 * to a topic of its own in the caller's inbox, at the level of `service`.
 */
export async function requestRaw(
  bus: Bus,
  { topic, service }: { readonly topic: string; readonly service: string },
  payloadFor: (reply: ReplyAddress) => Uint8Array | Promise<Uint8Array>,
  call: RawCall,
): Promise<Uint8Array> {
  assertPermitted(bus, 'publish', [topic])
  const correlationId = randomUUID()
  const responseTopic = inboxTopic(bus.clientId, service, `raw-${correlationId}`)
  const payload = await payloadFor({ responseTopic, correlationId })
  const deadline = AbortSignal.timeout(call.timeoutMs)
  const signal = AbortSignal.any([call.signal, deadline])
  try {
    return await firstAnswer(bus, { responseTopic, correlationId }, signal, call.qos, async () => {
      const { reasonCode } = await bus.mqtt.publish(topic, payload, {
        qos: call.qos,
        signal,
        properties: {
          responseTopic,
          correlationData: Buffer.from(correlationId),
          messageExpiryInterval: Math.ceil(call.timeoutMs / 1000),
        },
      })
      if (reasonCode === ReasonCode.noMatchingSubscribers) throw nobodyServes(topic)
    })
  } catch (error) {
    throw deadline.aborted ? noAnswer(topic, call.timeoutMs) : error
  }
}

/** Listens at the reply address, asks, and resolves with the first answer to this question. */
async function firstAnswer(
  bus: Bus,
  { responseTopic, correlationId }: ReplyAddress,
  signal: AbortSignal,
  qos: Qos,
  ask: () => Promise<void>,
): Promise<Uint8Array> {
  const expected = Buffer.from(correlationId)
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
    const receive = ({ payload, properties }: Message) => {
      const theirs = properties?.correlationData
      // A server of MQTT 3.1.1 carries no correlation data; the topic alone is this question's.
      if (theirs === undefined || expected.equals(theirs)) resolve(Uint8Array.from(payload))
    }
    bus.mqtt.subscribe(responseTopic, { qos, signal }, receive).then(ask).catch(reject)
  })
}

function noAnswer(topic: string, timeoutMs: number): CommandFailure {
  return new CommandFailure(
    `no answer on ${topic} within ${timeoutMs / 1000} s; it may have been carried out`,
    {
      code: 'request-timed-out',
      exitCode: EXIT.timeout,
      hint: 'wait longer with --timeout SECONDS',
    },
  )
}

function nobodyServes(topic: string): CommandFailure {
  return new CommandFailure(`nobody serves ${topic}`, { code: 'no-responder', exitCode: EXIT.unavailable })
}
