import { describeReasonCode } from '@jamey/protocol'
import type { Connection } from '../connection/connection.js'
import type { Finding } from '../connection/connector-listener.js'
import { type MqttError, PublishError, SubscriptionError } from '../model/errors.js'
import type { Counters } from '../model/stats.js'
import type { Outgoing } from '../publishing/outgoing.js'
import type { Publication } from '../publishing/publication.js'
import type { Subscriptions } from '../receiving/subscriptions.js'

/** Number of connections in a row that must end under one packet, alone on it, until that packet is the cause. */
const STRIKES = 3

/** The session whose packets are tried. */
export interface SearchedSession {
  readonly outgoing: Outgoing
  readonly subscriptions: Subscriptions
  readonly counters: Counters
  readonly report: (error: MqttError) => void
  /** Undefined when the search is over. */
  poisonSearch: PoisonSearch | undefined
}

/**
 * Finds the packet under which connections end again and again. First the server has to answer PINGREQ, so that the
 * connection is known to hold without it; then SUBSCRIBE and UNSUBSCRIBE go one by one, then messages: one, and with
 * each round that is acknowledged twice as many. What is alone whenever the connection ends is the cause: it is refused,
 * or becomes a dead letter where nobody waits for it, and the others go on.
 */
export class PoisonSearch {
  readonly #session: SearchedSession
  /** `pinged`: nothing is sent until the server has answered. */
  #stage: 'pinged' | 'subscribing' | 'publishing' = 'pinged'
  /** Messages that may be on their way at once. */
  #most = 0
  #accused: unknown
  #strikes = 0
  /** Messages sent before the last round. */
  #sentBefore = 0

  constructor(session: SearchedSession) {
    this.#session = session
  }

  /** Called before anything else is sent on a connection. */
  begin(connection: Connection): void {
    const { outgoing, subscriptions } = this.#session
    this.#stage = 'pinged'
    this.#most = 0
    subscriptions.allow(0)
    outgoing.allow(0)
    connection.send({ type: 'pingreq' })
  }

  onPong(): void {
    if (this.#stage !== 'pinged') return
    this.#stage = 'subscribing'
    this.#sentBefore = this.#sent
    this.#session.subscriptions.allow(1)
    this.onAnswer()
  }

  /** A packet was answered. */
  onAnswer(): void {
    const { outgoing, subscriptions } = this.#session
    if (this.#stage === 'pinged') return
    if (this.#stage === 'subscribing' && subscriptions.isIdle) this.#stage = 'publishing'
    if (outgoing.inFlight.onWire > 0) return
    this.#sentBefore = this.#sent
    if (this.#stage === 'subscribing') return
    this.#most = Math.max(1, 2 * this.#most)
    if (this.#most > outgoing.mostOnWire || outgoing.unacknowledged === 0) return this.#end()
    outgoing.allow(this.#most)
  }

  /** The connection ended with `error`. */
  onEnding(error: MqttError): Finding {
    const { outgoing, subscriptions } = this.#session
    const { onWire } = outgoing.inFlight
    const message = onWire === 1 ? outgoing.inFlight.oldest : undefined
    const [asked] = subscriptions.asked.values()
    const suspect = asked === undefined ? message : `${asked.kind} ${asked.filter}`
    // QoS 0 that left meanwhile may have been the cause as well.
    const isAlone = subscriptions.asked.size + onWire === 1 && this.#sent - this.#sentBefore <= onWire
    if (this.#stage === 'pinged' || !isAlone || suspect !== this.#accused) this.#strikes = 0
    this.#accused = suspect
    if (this.#stage === 'pinged') return 'none'
    if (!isAlone || ++this.#strikes < STRIKES) return 'near'
    this.#strikes = 0
    if (message === undefined) this.#refuseAsked(error)
    else this.#refuse(message, error)
    return 'found'
  }

  /** It is not asked again, unless somebody wants that. */
  #refuseAsked(cause: MqttError): void {
    const { subscriptions } = this.#session
    for (const asked of subscriptions.asked.take()) {
      const error = refusedSubscription(asked.filter, cause)
      if (asked.kind === 'subscribe') {
        subscriptions.refuse(asked.entry, error)
        asked.entry.state = 'withheld'
      } else for (const waiter of asked.waiters) waiter.reject(error)
    }
  }

  #refuse(message: Publication, cause: MqttError): void {
    const { outgoing, counters, report } = this.#session
    outgoing.inFlight.remove(message)
    counters.messagesRefused++
    const error = new PublishError(
      'refused',
      `publish to '${message.topic}' (${message.payload.length} bytes): ${reasonOf(cause)}`,
      { cause, reasonCode: cause.reasonCode, mayBeDelivered: true },
    )
    // The publisher has given up and hears no more.
    if (message.isAbandoned) report(error)
    outgoing.refuse(message, error)
  }

  /** Ends the search: everything is sent as ever again. */
  #end(): void {
    const { outgoing, subscriptions } = this.#session
    this.#session.poisonSearch = undefined
    subscriptions.allow(Number.POSITIVE_INFINITY)
    outgoing.allow(Number.POSITIVE_INFINITY)
  }

  get #sent(): number {
    const { messagesPublished, messagesRetransmitted } = this.#session.counters
    return messagesPublished + messagesRetransmitted
  }
}

function refusedSubscription(filter: string, cause: MqttError): SubscriptionError {
  return new SubscriptionError('refused', `subscription to '${filter}': ${reasonOf(cause)}`, {
    cause,
    reasonCode: cause.reasonCode,
  })
}

function reasonOf({ message, reasonCode }: MqttError): string {
  const said = reasonCode === undefined ? message : describeReasonCode(reasonCode)
  return `the connection ends whenever it is sent, also where it is sent alone: ${said}`
}
