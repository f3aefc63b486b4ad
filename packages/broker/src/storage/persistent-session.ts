import type { ProtocolVersion, Will } from '@jamey/protocol'
import type { QueueRecord, SubscriptionRecord } from '../ports/broker-store.js'

/** A session, as far as it is stored. */
export interface PersistentSession {
  /** Becomes another where it is set aside. */
  clientId: string
  readonly username: string
  readonly version: ProtocolVersion
  readonly expirySeconds: number
  readonly disconnectedAtMs: number | undefined
  readonly will: Will | undefined
  /** Undefined while it is away. */
  readonly connection: object | undefined
  /** It outlives the process, so its changes go to the store. */
  isStored: boolean
  readonly subscriptions: ReadonlyMap<string, PersistentSubscription>
  readonly incoming: ReadonlySet<number>
  readonly outgoing: PersistentQueue
}

export interface PersistentSubscription extends Readonly<SubscriptionRecord> {
  readonly session: { readonly clientId: string; readonly isStored: boolean }
}

export interface PersistentQueue {
  readonly record: QueueRecord
  /** Deliveries that have a packet identifier. */
  readonly inFlight: number
  /** The most there may be of them. */
  readonly quota: number
  /** The session has become one that outlives the process. */
  storeAll(): void
}
