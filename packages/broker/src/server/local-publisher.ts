import { assertTopicName, type PublishProperties, type QoS, ReasonCode } from '@jamey/protocol'
import { Message } from '../messages/message.js'
import { expiryOf } from '../messages/message-expiry.js'
import { withoutReserved, withoutUnpermitted } from '../messages/stamping.js'
import { assertSendable } from '../ports/sendable.js'
import { BrokerError } from '../support/errors.js'
import type { Core } from './core.js'
import { Wait } from './wait.js'

/** Options of `Broker.publish`. */
export interface PublishOptions {
  /** 0 by default. */
  readonly qos?: QoS | undefined
  readonly retain?: boolean | undefined
  /**
   * A client identifier: receivers are told that it is of this one, as if it had published it. One who embeds the broker
   * vouches for that. Nobody's by default.
   */
  readonly publishedBy?: string | undefined
  /** Properties for receivers of MQTT 5.0; `messageExpiryInterval` (seconds) holds for all. */
  readonly properties?: Omit<PublishProperties, 'topicAlias' | 'subscriptionIdentifiers'> | undefined
}

/** Publishes what the program says that embeds the broker. */
export class LocalPublisher {
  readonly #core: Core
  readonly #waits = new Set<Wait>()
  #isClosed = false

  constructor(core: Core) {
    this.#core = core
  }

  /** Fulfils `Broker.publish`. */
  async publish(topic: string, payload: Uint8Array | string, options: PublishOptions): Promise<boolean> {
    const core = this.#core
    const message = this.#messageOf(topic, payload, options)
    if (core.isClosing) throw closed()
    if (message.qos > 0 && core.groupCommit?.health.isFailing)
      await this.#untilStoreWorks(core.groupCommit.health)
    const isMatched = this.#route(message)
    if (message.qos === 0) return isMatched
    const { fullest } = core.backpressure
    if (fullest !== undefined) await this.#wait((wait) => fullest.hold(wait))
    const { groupCommit } = core
    if (groupCommit !== undefined)
      await this.#wait((wait) => groupCommit.hold(wait, 'puback', 0, ReasonCode.success))
    return isMatched
  }

  /** The broker has closed: what waits by now waits in vain. */
  close(): void {
    this.#isClosed = true
    for (const wait of this.#waits) wait.fail(closed())
  }

  /** Throws `BrokerError`. */
  #messageOf(topic: string, payload: Uint8Array | string, options: PublishOptions): Message {
    const { qos = 0, retain = false, publishedBy = '' } = options
    try {
      if (qos !== 0 && qos !== 1 && qos !== 2) throw new RangeError(`qos: got ${qos}; expected 0, 1 or 2`)
      const { maximumQos, retainAvailable } = this.#core.capabilities
      if (qos > maximumQos) throw new RangeError(`qos: got ${qos}; maximumQos is ${maximumQos}`)
      if (retain && !retainAvailable) throw new RangeError('retain: retainAvailable is false')
      assertTopicName(topic)
      const properties = ownOf(options.properties)
      // A copy, since the caller's may change before the last receiver has it.
      const bytes = typeof payload === 'string' ? Buffer.from(payload) : copyOf(payload)
      assertSendable({ topic, payload: bytes, qos, retain, properties }, this.#core)
      const { stamping, clock } = this.#core
      const isTold = publishedBy !== '' && stamping?.selects(topic)
      const stamp = isTold ? stamping?.stampOf(publishedBy, []) : undefined
      const expiresAtMs = expiryOf(properties, clock)
      return new Message(topic, bytes, qos, retain, properties, expiresAtMs, publishedBy, stamp)
    } catch (error) {
      const message = `publish to ${JSON.stringify(topic)}: ${(error as Error).message}`
      throw new BrokerError('publish-invalid', message, { cause: error })
    }
  }

  /** True where anybody was subscribed. Throws before anybody has the message. */
  #route(message: Message): boolean {
    const { router, retained, overflow, counters } = this.#core
    const { topic, qos, retain } = message
    if (qos > 0 && overflow === 'refuse' && !router.canBeKept(message, undefined)) {
      counters.refusedOverflow++
      throw refused(topic, 'the queue of a subscriber is full')
    }
    if (retain && retained.retain(message) !== ReasonCode.success) {
      throw refused(topic, 'there are as many retained messages as the limits allow')
    }
    const reasonCode = router.publish(message, undefined)
    if (reasonCode === ReasonCode.noMatchingSubscribers) counters.publishesUnmatched++
    // Somebody may still get a retained message, so it is not refused.
    if (reasonCode === ReasonCode.quotaExceeded && !retain) {
      counters.refusedOverflow++
      throw refused(topic, 'the queues of all subscribers are full')
    }
    return reasonCode !== ReasonCode.noMatchingSubscribers
  }

  /** Rejects where clients are told, too, that the store fails. */
  async #untilStoreWorks(health: {
    readonly isFailing: boolean
    readonly decided: Promise<void>
    readonly refusal: { readonly reasonString: string } | undefined
  }): Promise<void> {
    while (health.isFailing) {
      if (health.refusal !== undefined) {
        this.#core.counters.refusedByStore++
        throw new BrokerError('publish-refused', health.refusal.reasonString, { retryable: true })
      }
      await this.#wait((wait) => void health.decided.then(() => wait.release()))
    }
  }

  async #wait(begin: (wait: Wait) => void): Promise<void> {
    const wait = new Wait()
    this.#waits.add(wait)
    if (this.#isClosed) wait.fail(closed())
    else begin(wait)
    try {
      await wait.over
    } finally {
      this.#waits.delete(wait)
    }
  }
}

function ownOf(given: PublishOptions['properties']): PublishProperties | undefined {
  if (given === undefined) return undefined
  const { correlationData } = given
  const others = { ...given, topicAlias: undefined, subscriptionIdentifiers: undefined }
  const own = { ...others, correlationData: correlationData && copyOf(correlationData) }
  return withoutUnpermitted(withoutReserved(own), undefined)
}

function copyOf(bytes: Uint8Array): Uint8Array {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('payload: expected a string or a Uint8Array')
  return new Uint8Array(bytes)
}

function refused(topic: string, reason: string): BrokerError {
  return new BrokerError('publish-refused', `publish to ${JSON.stringify(topic)}: ${reason}`, {
    retryable: true,
  })
}

function closed(): BrokerError {
  return new BrokerError('broker-closed', 'the broker closes; nothing more is published')
}
