import type { Permissions } from '@jamey/auth'
import { type Contract, type DataInput, namesSender, topicOf } from '@jamey/contracts'
import type { PublishResult } from '@jamey/mqtt'
import type { PublishProperties } from '@jamey/protocol'
import type { Published, PublishOptions } from '../model/message.js'
import type { TracedSending, Tracing } from '../model/tracing.js'
import type { Clock } from '../support/clock.js'
import type { Counters } from '../support/counters.js'
import { RateLimitError } from '../support/errors.js'
import type { Latencies } from '../support/latencies.js'
import type { RateLimiter } from '../support/rate-limiter.js'
import { randomUuid } from '../support/uuid.js'
import { assertIdentifiers, checkData } from '../wire/envelope.js'
import { type Draft, EnvelopeWriter } from '../wire/envelope-writer.js'
import type { MqttPort } from '../wire/mqtt-port.js'
import type { ServerStamp } from '../wire/server-stamp.js'
import { assertPermitted } from './permission-check.js'

/**
 * Properties that tell a receiver without our documents how to read the payload. MQTT 5.0 sections 3.3.2.3.2 and
 * 3.3.2.3.9.
 */
export const JSON_PROPERTIES = { contentType: 'application/json', payloadFormatIndicator: 1 } as const
const PLAIN_PROPERTIES: PublishProperties = Object.freeze({ ...JSON_PROPERTIES })
const NO_OPTIONS: PublishOptions = Object.freeze({})

/** Properties of a request, or of the answer to one; `correlation` is the Correlation Data as latin1 text. */
export function exchangeProperties(
  responseTopic: string | undefined,
  correlation: string | undefined,
  remainingMs: number,
): PublishProperties {
  const { contentType, payloadFormatIndicator } = JSON_PROPERTIES
  const messageExpiryInterval = Math.ceil(remainingMs / 1000)
  const correlationData = correlation === undefined ? undefined : Buffer.from(correlation, 'latin1')
  return { contentType, payloadFormatIndicator, responseTopic, correlationData, messageExpiryInterval }
}

function plainProperties(messageExpiryInterval: number | undefined): PublishProperties {
  return messageExpiryInterval === undefined
    ? PLAIN_PROPERTIES
    : { ...JSON_PROPERTIES, messageExpiryInterval }
}

/** With the trace context where other programs look for it, as the W3C has it for MQTT 5.0. */
export function withTrace(properties: PublishProperties, traceparent: string | undefined): PublishProperties {
  return traceparent === undefined
    ? properties
    : { ...properties, userProperties: [['traceparent', traceparent]] }
}

/**
 * Number of topics that keep their permission decision: more than there are contracts, and a bound for client names.
 */
const DECISIONS_KEPT = 1000

export interface PublisherParts {
  readonly clientId: string
  readonly permissions: Permissions
  readonly port: MqttPort
  readonly clock: Clock
  readonly counters: Counters
  readonly limiter: RateLimiter | undefined
  readonly stamp: ServerStamp
  readonly tracing: Tracing | undefined
  readonly latencies: Latencies
}

interface TracedIdentifiers {
  readonly topic: string
  readonly messageId: string
  readonly correlationId: string
  readonly traceparent?: string | undefined
}

export interface Sending {
  readonly qos: 0 | 1
  readonly retain: boolean
  readonly properties: PublishProperties
  /** False: lost with the process, and not worth a write to disk. */
  readonly isDurable: boolean
  /** False: that the server has no room for it is no reason to send others more slowly. */
  readonly isPaced?: boolean
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** The way out: contract, permission, rate limit, envelope, client; in this order, so that nothing wrong is sent. */
export class Publisher {
  readonly #parts: PublisherParts
  readonly #writer: EnvelopeWriter
  readonly #mayPublish = new Map<string, boolean>()

  constructor(parts: PublisherParts) {
    this.#parts = parts
    this.#writer = new EnvelopeWriter(parts.clientId, () => parts.clock.timeOfDay())
  }

  publish<C extends Contract>(
    contract: C,
    data: DataInput<C>,
    options: PublishOptions = NO_OPTIONS,
  ): Promise<Published> {
    try {
      return this.#publish(contract, data, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Throws `PermissionError` where this client may not publish to `topic`. */
  authorize(topic: string): void {
    if (!this.mayPublish(topic)) assertPermitted(this.#parts.permissions, 'publish', topic)
  }

  mayPublish(topic: string): boolean {
    const known = this.#mayPublish.get(topic)
    if (known !== undefined) return known
    const decision = this.#parts.permissions.mayPublish(topic)
    if (this.#mayPublish.size >= DECISIONS_KEPT) this.#mayPublish.clear()
    this.#mayPublish.set(topic, decision)
    return decision
  }

  /** Tells of a message that is about to be sent; undefined where nobody wants to know. */
  trace(
    operation: 'publish' | 'request',
    { topic: template, action }: Contract,
    { topic, messageId, correlationId, traceparent }: TracedIdentifiers,
  ): TracedSending | undefined {
    const { tracing, clientId } = this.#parts
    return tracing?.send({
      operation,
      topic,
      template,
      action,
      messageId,
      correlationId,
      clientId,
      traceparent,
    })
  }

  /** See `EnvelopeWriter.write`. */
  write(draft: Draft): Buffer {
    return this.#writer.write(draft)
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
    return this.#parts.port.publish(topic, bytes, sending)
  }

  #publish<C extends Contract>(contract: C, data: DataInput<C>, options: PublishOptions): Promise<Published> {
    const topic = this.#topicOf(contract, options)
    const payload = { action: contract.action, data: checkData(contract.schema, topic, data) }
    this.authorize(topic)
    if (options !== NO_OPTIONS) assertIdentifiers(topic, options)
    const { messageId = randomUuid(), correlationId = randomUuid() } = options
    const given = { topic, messageId, correlationId, traceparent: options.traceparent }
    const traced = this.trace('publish', contract, given)
    const traceparent = traced?.traceparent ?? options.traceparent
    const { onBehalfOf } = options
    const bytes = this.write({ topic, messageId, payload, correlationId, traceparent, onBehalfOf })
    const sent = this.send(topic, bytes, {
      qos: contract.qos,
      retain: contract.retain,
      properties: withTrace(plainProperties(options.expirySeconds), traceparent),
      isDurable: options.isDurable ?? true,
      timeoutMs: options.timeoutMs,
      signal: options.signal,
    })
    if (traced !== undefined) sent.then(() => traced.end(), traced.end)
    return contract.qos === 0
      ? sent.then(({ reasonCode }) => ({ messageId, reasonCode }))
      : this.#timed(contract, sent).then(({ reasonCode }) => ({ messageId, reasonCode }))
  }

  #timed<Result>({ topic, action }: Contract, sent: Promise<Result>): Promise<Result> {
    const { clock, latencies } = this.#parts
    const sinceMs = clock.now()
    return sent.then((result) => {
      latencies.observe(topic, action, clock.now() - sinceMs)
      return result
    })
  }

  #topicOf(contract: Contract, { parameters }: PublishOptions): string {
    const { clientId, stamp } = this.#parts
    if (!contract.topic.includes('{')) return stamp.topicFor(contract.topic)
    const topic = topicOf(contract, { client_id: clientId, ...parameters })
    return namesSender(contract) ? topic : stamp.topicFor(topic)
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
