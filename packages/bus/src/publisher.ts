import { randomUUID } from 'node:crypto'
import type { Permissions } from '@jamey/auth'
import { type Contract, type DataInput, topicOf } from '@jamey/contracts'
import type { PublishResult } from '@jamey/mqtt'
import type { PublishProperties } from '@jamey/protocol'
import type { Clock } from './clock.js'
import type { Counters } from './counters.js'
import { checkData, type EnvelopeMetadata, type EnvelopePayload, encodeEnvelope } from './envelope.js'
import { PermissionError, RateLimitError } from './errors.js'
import { IsoClock } from './iso-clock.js'
import type { Published, PublishOptions } from './message.js'
import type { MqttPort } from './mqtt-port.js'
import type { RateLimiter } from './rate-limiter.js'

/** What tells a receiver without our documents how to read the payload. MQTT 5.0 sections 3.3.2.3.2 and 3.3.2.3.9. */
export const JSON_PROPERTIES = { contentType: 'application/json', payloadFormatIndicator: 1 } as const
const PLAIN_PROPERTIES: PublishProperties = Object.freeze({ ...JSON_PROPERTIES })

/** How many topics keep their permission decision: more than there are contracts, and a bound for client names. */
const DECISIONS_KEPT = 1000

export interface PublisherParts {
  readonly clientId: string
  readonly permissions: Permissions
  readonly port: MqttPort
  readonly clock: Clock
  readonly counters: Counters
  readonly limiter: RateLimiter | undefined
}

/** What is to be sent apart from its data. */
export interface Draft {
  readonly topic: string
  readonly messageId: string
  readonly payload: EnvelopePayload
  readonly metadata: EnvelopeMetadata
}

export interface Sending {
  readonly qos: 0 | 1
  readonly retain: boolean
  readonly properties?: PublishProperties
  /** False: lost with the process, and not worth a write to disk. */
  readonly isDurable: boolean
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** The way out: contract, permission, rate limit, envelope, client; in this order, so that nothing wrong is sent. */
export class Publisher {
  readonly #parts: PublisherParts
  readonly #isoClock: IsoClock
  readonly #mayPublish = new Map<string, boolean>()

  constructor(parts: PublisherParts) {
    this.#parts = parts
    this.#isoClock = new IsoClock(() => parts.clock.now())
  }

  async publish<C extends Contract>(
    contract: C,
    data: DataInput<C>,
    options: PublishOptions = {},
  ): Promise<Published> {
    const { clientId } = this.#parts
    const topic = contract.topic.includes('{')
      ? topicOf(contract, { client_id: clientId, ...options.parameters })
      : contract.topic
    const payload = { action: contract.action, data: checkData(contract.schema, topic, data) }
    this.authorize(topic)
    const messageId = options.messageId ?? randomUUID()
    const metadata = metadataOf(
      clientId,
      options.correlationId ?? randomUUID(),
      undefined,
      options.traceparent,
    )
    const bytes = this.write({ topic, messageId, payload, metadata })
    const { reasonCode } = await this.send(topic, bytes, {
      qos: contract.qos,
      retain: contract.retain,
      isDurable: options.isDurable ?? true,
      timeoutMs: options.timeoutMs,
      signal: options.signal,
    })
    return { messageId, reasonCode }
  }

  /** Throws `PermissionError` where this client may not publish to `topic`. */
  authorize(topic: string): void {
    if (!this.mayPublish(topic)) throw new PermissionError(`publish:${topic}`, this.#parts.clientId)
  }

  mayPublish(topic: string): boolean {
    const known = this.#mayPublish.get(topic)
    if (known !== undefined) return known
    const decision = this.#parts.permissions.mayPublish(topic)
    if (this.#mayPublish.size >= DECISIONS_KEPT) this.#mayPublish.clear()
    this.#mayPublish.set(topic, decision)
    return decision
  }

  /** The bytes of an envelope of this moment. */
  write({ topic, messageId, payload, metadata }: Draft): Buffer {
    return encodeEnvelope({
      message_id: messageId,
      timestamp: this.#isoClock.now(),
      topic,
      payload,
      metadata,
    })
  }

  /** Hands checked bytes to the client when the rate limit lets them pass. */
  send(topic: string, bytes: Buffer, sending: Sending): Promise<PublishResult> {
    const { limiter } = this.#parts
    return limiter === undefined
      ? this.deliver(topic, bytes, sending)
      : this.#sendInTurn(limiter, topic, bytes, sending)
  }

  /** Hands bytes to the client past the rate limit, which must not keep anybody from answering or saying goodbye. */
  deliver(topic: string, bytes: Buffer, sending: Sending): Promise<PublishResult> {
    this.#parts.counters.published++
    return this.#parts.port.publish(topic, bytes, {
      qos: sending.qos,
      retain: sending.retain,
      properties: sending.properties ?? PLAIN_PROPERTIES,
      isDurable: sending.isDurable,
      timeoutMs: sending.timeoutMs,
      signal: sending.signal,
    })
  }

  async #sendInTurn(
    limiter: RateLimiter,
    topic: string,
    bytes: Buffer,
    sending: Sending,
  ): Promise<PublishResult> {
    const { clock } = this.#parts
    const startMs = clock.now()
    const turn = this.#pass(limiter, bytes.length, sending)
    if (turn !== undefined) await turn
    const { timeoutMs } = sending
    if (timeoutMs === undefined) return this.deliver(topic, bytes, sending)
    const remainingMs = Math.max(1, timeoutMs - (clock.now() - startMs))
    return this.deliver(topic, bytes, { ...sending, timeoutMs: remainingMs })
  }

  #pass(limiter: RateLimiter, bytes: number, sending: Sending): Promise<void> | undefined {
    try {
      return limiter.pass(bytes, sending.timeoutMs, sending.signal)
    } catch (error) {
      if (error instanceof RateLimitError) this.#parts.counters.rateLimited++
      throw error
    }
  }
}

/** Fields that have no value are left out rather than undefined, so that two envelopes compare as their JSON does. */
export function metadataOf(
  client_id: string,
  correlation_id: string,
  reply_to?: string,
  traceparent?: string,
): EnvelopeMetadata {
  if (reply_to === undefined && traceparent === undefined) return { client_id, correlation_id }
  return {
    client_id,
    correlation_id,
    ...(reply_to === undefined ? {} : { reply_to }),
    ...(traceparent === undefined ? {} : { traceparent }),
  }
}
