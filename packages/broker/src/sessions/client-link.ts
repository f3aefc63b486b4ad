import type { Delivery } from '../messages/delivery.js'
import type { SubscriberLink } from '../routing/subscription.js'
import type { AcknowledgementType } from '../storage/group-commit.js'

/** Facts about a connection for whoever looks at it. */
export interface LinkFacts {
  readonly remoteAddress: string
  /** Milliseconds since 1970. */
  readonly connectedAtMs: number
  /** 0 for none. */
  readonly keepAliveSeconds: number
  /** PUBLISH packets that came. */
  readonly publishesReceived: number
}

/** The connection of a session, as far as the session uses it. */
export interface ClientLink extends SubscriberLink {
  readonly facts: LinkFacts
  /** PUBLISH packets that were written. */
  readonly publishesSent: number
  /** PUBLISH packets of both directions, since somebody asked before. */
  publishesPerSecond(): number
  /** True while queues may go on filling it. */
  readonly isWritable: boolean
  /** Nothing more is read from its client until this has room. */
  waitsFor: AwaitedQueue | undefined
  /** QoS 1 and 2. False: larger than the peer takes. */
  sendDelivery(delivery: Delivery, frameIndex: number): boolean
  writeAcknowledgement(type: AcknowledgementType, packetIdentifier: number, reasonCode: number): void
  /** Has this turn end with a write, after which more is asked for. */
  schedule(): void
  end(reasonCode: number, reasonString: string): void
}

/** A queue that somebody waits for. */
export interface AwaitedQueue {
  /** The connection that takes what is in the queue; undefined while the client is away. */
  readonly reader: ClientLink | undefined
}
