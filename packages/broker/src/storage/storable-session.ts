import type { ProtocolVersion, Will } from '@jamey/protocol'
import type { QueueRecord, SubscriptionRecord } from '../ports/broker-store.js'

/** A session as storage knows it, so that it may be stored. */
export interface StorableSession {
  /** Becomes a name that no client can have where the session is over and still stored. */
  clientId: string
  readonly username: string
  readonly version: ProtocolVersion
  readonly expirySeconds: number
  readonly disconnectedAtMs: number | undefined
  readonly will: Will | undefined
  /** Undefined while its client is away. */
  readonly connection: object | undefined
  /** It outlives the process, so its changes go to the store. */
  isStored: boolean
  readonly subscriptions: ReadonlyMap<string, StorableSubscription>
  readonly incoming: ReadonlySet<number>
  readonly outgoing: StorableQueue
}

export interface StorableSubscription extends Readonly<SubscriptionRecord> {
  readonly session: { readonly clientId: string; readonly isStored: boolean }
}

interface StorableQueue {
  readonly record: QueueRecord
  /** Deliveries that have a packet identifier. */
  readonly inFlight: number
  /** Number of packet identifiers that may be in use at once. */
  readonly quota: number
  /** The session has become one that outlives the process. */
  storeAll(): void
}
