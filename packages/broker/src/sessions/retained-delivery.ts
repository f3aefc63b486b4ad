import type { Message } from '../messages/message.js'
import { hasExpired } from '../messages/message-expiry.js'
import type { Subscription } from '../routing/subscription.js'
import type { RetainedMessages } from '../storage/retained-messages.js'
import type { Context } from '../support/context.js'
import type { Session, UnsentRetained } from './session.js'

/** Nodes of the retained tree to look at in one turn of the event loop; some milliseconds. */
const MAXIMUM_VISITED_PER_TURN = 20_000

interface RetainedContext extends Context {
  readonly retained: RetainedMessages
}

/** The connection that is sent to. */
interface Receiver {
  /** The session of the connection; undefined once that is closed. */
  readonly session: Session | undefined
  readonly sender: { readonly isWritable: boolean }
  pauseReading(): void
  resumeReading(): void
}

/**
 * Sends new subscriptions what is retained, filter by filter. A filter may select everything, and a client may send
 * thousands of them at once: what is more than one turn's share, or more than the socket takes, waits, so that nobody
 * but the client waits and a reader of QoS 0 misses nothing.
 */
export class RetainedDelivery {
  readonly #context: RetainedContext
  readonly #connection: Receiver
  #waiting: Subscription[] = []
  /** Retained messages for the first subscription that are still to be looked at, and the message whose turn it is. */
  #left: Iterator<Message | undefined> | undefined
  #message: Message | undefined
  #identifiers: readonly number[] | undefined
  #visited = 0
  #isTurnBegun = false
  #isHolding = false
  #isWaitingForRoom = false

  constructor(context: RetainedContext, connection: Receiver) {
    this.#context = context
    this.#connection = connection
  }

  get isBusy(): boolean {
    return this.#waiting.length > 0
  }

  send(subscriptions: readonly Subscription[]): void {
    if (subscriptions.length === 0) return
    this.#waiting.push(...subscriptions)
    this.#run()
  }

  /** The connection is over; undefined: all was sent. */
  leave(): UnsentRetained | undefined {
    if (!this.isBusy) return undefined
    const rest = {
      waiting: this.#waiting,
      left: this.#left,
      message: this.#message,
      identifiers: this.#identifiers,
    }
    this.#waiting = []
    this.#left = this.#message = undefined
    return rest
  }

  /** Goes on where another connection of the session ended. */
  takeUp({ waiting, left, message, identifiers }: UnsentRetained): void {
    this.#waiting = waiting
    this.#left = left
    this.#message = message
    this.#identifiers = identifiers
    this.#run()
  }

  /** The socket takes more. */
  onWritable(): void {
    if (this.isBusy && !this.#isTurnBegun) this.#run()
  }

  #run(): void {
    const { session } = this.#connection
    if (session === undefined) {
      this.#waiting = []
      this.#left = this.#message = undefined
      return
    }
    // A message that waited may have been replaced or deleted since, and then is not sent behind its successor.
    if (this.#message !== undefined) this.#message = this.#context.retained.tree.get(this.#message.topic)
    const isWaiting = !this.#send(session)
    // Other packets of the client wait their turn. A slow reader has to be heard all the same, or its end would go
    // unnoticed.
    const holds = this.isBusy && !isWaiting
    if (holds === this.#isHolding) return
    this.#isHolding = holds
    if (holds) this.#connection.pauseReading()
    else this.#connection.resumeReading()
  }

  /** False: the socket has to take what was written first, or the queue has to shrink. */
  #send(session: Session): boolean {
    for (let subscription = this.#next(); subscription !== undefined; subscription = this.#next()) {
      if (this.#message !== undefined && !this.#sendRetained(session, subscription, this.#message))
        return false
      this.#message = undefined
      if (this.#visited >= MAXIMUM_VISITED_PER_TURN) return true
      this.#left ??= this.#begin(subscription)
      const { done, value } = this.#left.next()
      this.#countVisit()
      this.#message = value ?? undefined
      if (!done) continue
      this.#waiting.shift()
      this.#left = undefined
    }
    return true
  }

  #begin({ path, subscriptionIdentifier }: Subscription): Iterator<Message | undefined> {
    this.#identifiers = subscriptionIdentifier === undefined ? undefined : [subscriptionIdentifier]
    return this.#context.retained.tree.match(path)
  }

  #onRoom(): void {
    this.#isWaitingForRoom = false
    this.onWritable()
  }

  /** The first that is still subscribed. */
  #next(): Subscription | undefined {
    for (;;) {
      const [first] = this.#waiting
      if (first === undefined || first.session.subscriptions.has(first.filter)) return first
      this.#waiting.shift()
      this.#left = this.#message = undefined
    }
  }

  #countVisit(): void {
    this.#visited++
    if (this.#isTurnBegun) return
    this.#isTurnBegun = true
    setImmediate(() => {
      this.#isTurnBegun = false
      this.#visited = 0
      if (this.isBusy) this.#run()
    })
  }

  /** False: it has to wait for the socket. */
  #sendRetained(session: Session, { qos: mostQoS }: Subscription, message: Message): boolean {
    const { counters, clock } = this.#context
    if (hasExpired(message.expiresAtMs, clock)) {
      counters.droppedExpired++
      this.#context.retained.forget(message.topic)
      return true
    }
    if (!session.mayReceive(message.topic)) return true
    const identifiers = this.#identifiers
    const qos = mostQoS < message.qos ? mostQoS : message.qos
    // It is sent because of the subscription, so RETAIN is set whatever Retain As Published says. [MQTT-3.3.1-8]
    if (qos !== 0) return this.#offer(session, message, qos)
    if (!this.#connection.sender.isWritable) return false
    session.connection?.sendAtMostOnce(message, true, identifiers, -1)
    return true
  }

  /** False: its queue is to shrink first, so that what is retained does not overflow it. [MQTT-3.3.1-9] */
  #offer({ outgoing }: Session, message: Message, qos: 1 | 2): boolean {
    const { capacity } = outgoing
    if (!outgoing.isReady && (capacity.isCrowded || !capacity.hasRoomFor(message))) {
      if (!this.#isWaitingForRoom) capacity.whenRoomier(() => this.#onRoom())
      this.#isWaitingForRoom = true
      return false
    }
    outgoing.offer(message, qos, true, this.#identifiers, undefined, -1)
    return true
  }
}
