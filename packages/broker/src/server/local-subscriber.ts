import { setImmediate as nextTurn } from 'node:timers/promises'
import { assertTopicFilter, type PublishProperties, type QoS, splitShared } from '@jamey/protocol'
import type { Message } from '../messages/message.js'
import { hasExpired } from '../messages/message-expiry.js'
import type { SharedGroup, Subscriber, SubscriberQueue, Subscription } from '../routing/subscription.js'
import { BrokerError } from '../support/errors.js'
import type { Core } from './core.js'

/** Messages that wait for one handler, unless told otherwise. */
const MAXIMUM_WAITING = 1_000
/** Nodes of the retained tree, or messages, in one turn of the event loop. */
const MAXIMUM_PER_TURN = 1_000

/** Options of `Broker.subscribe`. */
export interface SubscribeOptions {
  /** True where the handler gets retained messages first; the default. */
  readonly retained?: boolean | undefined
  /**
   * Messages that wait while the handler is at one, 1000 by default, and never more bytes than `limits.queuedBytes`; what
   * comes beyond is dropped and counted.
   */
  readonly maximumWaiting?: number | undefined
}

/** A message, as a handler of the program gets it. */
export interface ReceivedMessage {
  readonly topic: string
  /** Bytes that must not be written to: others get the same ones. */
  readonly payload: Uint8Array
  /** QoS as published. */
  readonly qos: QoS
  /** It was retained before the subscription. */
  readonly retain: boolean
  readonly properties: PublishProperties | undefined
  /** Client identifier, as it was authenticated; '' for the broker itself and the program that embeds it. */
  readonly publishedBy: string
  /** Client identifiers in whose name that one may pass on requests, `+` for any; of topics that are stamped. */
  readonly actsFor: readonly string[]
}

export type MessageHandler = (message: ReceivedMessage) => unknown

/** The subscription that `Broker.subscribe` returns. */
export interface LocalSubscription extends AsyncDisposable {
  readonly filter: string
  /** Messages that the handler did not get because too many waited for it. */
  readonly dropped: number
  /** Nothing more is handled, what waits included. */
  unsubscribe(): void
  /** Ends the subscription as `unsubscribe` does; resolves when the handler that runs has ended. */
  [Symbol.asyncDispose](): Promise<void>
}

interface Waiting {
  readonly message: Message
  readonly retain: boolean
}

/** A queue into which nothing is ever put: all messages go out at QoS 0. */
const NO_QUEUE: SubscriberQueue = {
  isReady: true,
  queued: 0,
  capacity: { hasRoomFor: () => true, findsRoomFor: () => true, mayTake: () => true, onMissed: () => {} },
  offer: () => false,
}

/** Takes messages for a handler of the program that embeds the broker, one after the other. */
export class LocalSubscriber implements Subscriber, LocalSubscription {
  readonly clientId = ''
  readonly isStored = false
  readonly isOver = false
  readonly connection = this
  readonly outgoing = NO_QUEUE
  readonly subscriptions = new Map<string, Subscription>()
  readonly leftGroups = new Map<string, SharedGroup>()
  readonly filter: string
  dropped = 0
  readonly #core: Core
  readonly #handler: MessageHandler
  readonly #maximumWaiting: number
  #waiting: Waiting[] = []
  #bytes = 0
  /** Retained messages that are still to come. */
  #retained: Iterator<Message | undefined> | undefined
  #run: Promise<void> | undefined

  /** Throws `BrokerError`. */
  constructor(core: Core, filter: string, options: SubscribeOptions, handler: MessageHandler) {
    const { retained = true, maximumWaiting = MAXIMUM_WAITING } = options
    assertUsable(filter, maximumWaiting, handler)
    if (core.isClosing)
      throw new BrokerError('broker-closed', 'the broker closes; nothing more is subscribed')
    this.#core = core
    this.filter = filter
    this.#handler = handler
    this.#maximumWaiting = maximumWaiting
    core.router.subscribe({
      session: this,
      filter,
      path: filter,
      qos: 0,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
      subscriptionIdentifier: undefined,
      group: undefined,
    })
    if (!retained || !core.capabilities.retainAvailable) return
    this.#retained = core.retained.tree.match(filter)
    this.#begin()
  }

  *sharedGroups(): Generator<SharedGroup> {}

  mayReceive(): boolean {
    return true
  }

  redeliverShared(): void {}

  sendAtMostOnce(message: Message, retain: boolean): void {
    const { counters, limits } = this.#core
    const isFull = this.#waiting.length >= this.#maximumWaiting
    if (isFull || (this.#bytes > 0 && this.#bytes + message.bytes > limits.queuedBytes)) {
      counters.droppedSlow++
      this.dropped++
      return
    }
    this.#bytes += message.bytes
    this.#waiting.push({ message: message.keep(true), retain })
    this.#begin()
  }

  unsubscribe(): void {
    this.#core.router.unsubscribe(this, this.filter)
    this.#waiting = []
    this.#bytes = 0
    this.#retained = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.unsubscribe()
    await this.#run
  }

  /** Handlers begin in a later turn, since what publishes may be in the middle of its work. */
  #begin(): void {
    this.#run ??= Promise.resolve().then(() => this.#handleAll())
  }

  /** Calls the handler with one message after the other. Never rejects. */
  async #handleAll(): Promise<void> {
    for (let count = 1; ; count++) {
      const next = this.#next()
      if (next === 'none') break
      if (next !== undefined) {
        const answer = this.#handle(next)
        if (answer !== undefined) await answer
      }
      if (count % MAXIMUM_PER_TURN === 0) await nextTurn()
    }
    this.#run = undefined
  }

  /** The next message; undefined after a look at the retained ones that found none, 'none' at the end. */
  #next(): Waiting | undefined | 'none' {
    if (this.#retained !== undefined) {
      const { done, value } = this.#retained.next()
      if (done) this.#retained = undefined
      return value && { message: value, retain: true }
    }
    const next = this.#waiting.shift()
    if (next === undefined) return 'none'
    this.#bytes -= next.message.bytes
    return next
  }

  /** A promise, which does not reject, where the handler takes its time. */
  #handle({ message, retain }: Waiting): Promise<void> | undefined {
    const { clock, counters } = this.#core
    if (hasExpired(message.expiresAtMs, clock)) {
      counters.droppedExpired++
      return undefined
    }
    const { topic, payload, qos, properties, publishedBy, stamp } = message
    const { actsFor = [] } = stamp ?? {}
    try {
      const answer = this.#handler({ topic, payload, qos, retain, properties, publishedBy, actsFor })
      if (!(answer instanceof Promise)) return undefined
      return answer.then(
        () => {},
        (error) => this.#onFailed(error),
      )
    } catch (error) {
      this.#onFailed(error)
      return undefined
    }
  }

  #onFailed(err: unknown): void {
    this.#core.counters.handlersFailed++
    this.#core.log.error(
      { event: 'broker.handler.failed', err, filter: this.filter },
      'a handler of the program failed at a message',
    )
  }
}

function assertUsable(filter: string, maximumWaiting: number, handler: MessageHandler): void {
  const where = `subscribe to ${JSON.stringify(filter)}`
  if (typeof handler !== 'function') throw new BrokerError('subscribe-invalid', `${where}: no handler`)
  if (!Number.isInteger(maximumWaiting) || maximumWaiting < 1) {
    const found = `got ${maximumWaiting}; expected a whole number from 1`
    throw new BrokerError('subscribe-invalid', `${where}: maximumWaiting: ${found}`)
  }
  try {
    assertTopicFilter(filter)
  } catch (cause) {
    throw new BrokerError('subscribe-invalid', `${where}: ${(cause as Error).message}`, { cause })
  }
  if (splitShared(filter).group !== undefined) {
    throw new BrokerError('subscribe-invalid', `${where}: the program has no part in shared subscriptions`)
  }
}
