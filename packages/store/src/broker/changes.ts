import type {
  DeliveryRecord,
  MessageRecord,
  QueueRecord,
  SessionRecord,
  SubscriptionRecord,
} from '@jamey/broker'

/**
 * What becomes of a delivery. 'removed' is one that is in the store, or will be by an earlier commit; one that comes
 * and goes between two commits leaves nothing. 'quarantined' is one that cannot be read.
 */
export type DeliveryChange =
  | { readonly kind: 'new' | 'updated'; readonly delivery: DeliveryRecord }
  | { readonly kind: 'removed'; readonly messageId: number }
  | { readonly kind: 'quarantined' }

/** The staged changes of one session. In every map undefined removes. */
export class SessionPartChanges {
  record: SessionRecord | undefined
  queue: QueueRecord | undefined
  /** The session goes with all that is its own; of its changes only deliveries that were removed before matter. */
  isRemoved = false
  readonly subscriptions = new Map<string, SubscriptionRecord | undefined>()
  readonly deliveries = new Map<number, DeliveryChange>()
  readonly incoming = new Map<number, boolean>()

  change(sequence: number, change: DeliveryChange): void {
    const { deliveries } = this
    const isNew = deliveries.get(sequence)?.kind === 'new'
    if (!isNew) deliveries.set(sequence, change)
    else if (change.kind === 'removed') deliveries.delete(sequence)
    else if (change.kind !== 'quarantined')
      deliveries.set(sequence, { kind: 'new', delivery: change.delivery })
  }

  remove(): void {
    this.isRemoved = true
    this.record = this.queue = undefined
    this.subscriptions.clear()
    this.incoming.clear()
    // Deliveries in the store are found there.
    for (const [sequence, { kind }] of this.deliveries)
      if (kind !== 'removed') this.deliveries.delete(sequence)
  }

  /** Adds changes that came later. */
  add(later: SessionPartChanges): void {
    this.record = later.record ?? this.record
    this.queue = later.queue ?? this.queue
    overlay(this.subscriptions, later.subscriptions)
    overlay(this.incoming, later.incoming)
    for (const [sequence, change] of later.deliveries) this.change(sequence, change)
    if (later.isRemoved) this.remove()
  }
}

/** Changes that a broker staged since its last commit: of several changes of one thing only the last. */
export class BrokerChanges {
  /** Changes by the session's number. */
  readonly sessions = new Map<number, SessionPartChanges>()
  /** New ones. Whether anything names them is found when they are written. */
  readonly messages = new Map<number, MessageRecord>()
  readonly retained = new Map<string, MessageRecord | undefined>()

  get isEmpty(): boolean {
    return this.sessions.size + this.messages.size + this.retained.size === 0
  }

  ofSession(session: number): SessionPartChanges {
    let changes = this.sessions.get(session)
    if (changes === undefined) {
      changes = new SessionPartChanges()
      this.sessions.set(session, changes)
    }
    return changes
  }

  /** Puts these changes, which came later, over those that did not commit. */
  over(failed: BrokerChanges): BrokerChanges {
    for (const [session, later] of this.sessions) failed.ofSession(session).add(later)
    overlay(failed.messages, this.messages)
    overlay(failed.retained, this.retained)
    return failed
  }
}

function overlay<Key, Value>(under: Map<Key, Value>, over: ReadonlyMap<Key, Value>): void {
  for (const [key, value] of over) under.set(key, value)
}
