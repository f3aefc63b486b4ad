import type { ProtocolVersion, PublishProperties, QoS, SubscriptionRequest, Will } from '@jamey/protocol'

/** A message as it is kept; `payload` and binary properties belong to the record. */
export interface MessageRecord {
  topic: string
  payload: Uint8Array
  qos: QoS
  retain: boolean
  /** Properties without topic alias and subscription identifiers. */
  properties: PublishProperties | undefined
  /** Milliseconds since 1970; undefined: never. */
  expiresAtMs: number | undefined
  /** Client identifier of the publisher, for No Local and for the stamp. */
  publishedBy: string
  /** Clients for which the publisher could act when its message was stamped; absent: none. */
  actsFor?: readonly string[] | undefined
}

/** A session that outlives its connection. */
export interface SessionRecord {
  clientId: string
  username: string
  protocolVersion: ProtocolVersion
  /** Seconds; 4294967295 never expires. */
  expirySeconds: number
  /** Milliseconds since 1970; undefined while connected, so after a crash all of these count as just disconnected. */
  disconnectedAtMs: number | undefined
  will: Will | undefined
  /** Number of the oldest deliveries that may have been on the wire, and carry DUP when they are sent again. */
  inFlightWindow: number
}

export interface SubscriptionRecord extends SubscriptionRequest {
  /** The filter with its `$share/<group>/`. */
  filter: string
  subscriptionIdentifier: number | undefined
}

/** One message of QoS 1 or 2 on its way to one session. */
export interface DeliveryRecord {
  messageId: number
  qos: 1 | 2
  retain: boolean
  subscriptionIdentifiers: readonly number[] | undefined
  /** `$share/<group>/<filter>` it came through; undefined for an ordinary subscription. */
  sharedFilter: string | undefined
  /** Undefined where it follows from the sequence number: 1 + sequence % 65535. */
  packetIdentifier: number | undefined
  /** PUBREC came: only PUBREL and PUBCOMP are left of QoS 2. */
  isReleased: boolean
}

/** Sums over one session's deliveries, so that a start need not read them. */
export interface QueueRecord {
  /** Deliveries, those in flight included. */
  messages: number
  /** Estimate of the memory that their messages would take. */
  bytes: number
  /** Sequence of the delivery that was put last: sequences ascend. */
  lastSequence: number
  /** Something came through a shared subscription. */
  hasShared: boolean
}

/** A record that cannot be read. */
export interface Damaged {
  readonly damage: Error
}

export interface StoredDelivery {
  sequence: number
  delivery: DeliveryRecord | Damaged
}

/** The state that a broker holds in memory, read once at start: everything but deliveries and their messages. */
export interface StoredState {
  sessions: readonly SessionRecord[]
  subscriptions: readonly { clientId: string; subscription: SubscriptionRecord }[]
  queues: readonly { clientId: string; queue: QueueRecord }[]
  /** Packet identifiers of QoS 2 messages taken from clients and not yet released. */
  incoming: readonly { clientId: string; packetIdentifier: number }[]
  retained: readonly MessageRecord[]
  /** No message has a higher number. */
  lastMessageId: number
}

/**
 * Where a broker keeps what must outlive its process. Of queues it is more than a copy: what memory has no window for
 * lies here alone, and is read when its turn comes.
 *
 * `put`, `update` and `remove` only stage, in memory, and return at once. `commit` makes everything staged so far
 * durable in one step, all or nothing and in order; the broker calls it once per turn of the event loop, one at a
 * time, and sends the acknowledgements of that turn when it resolves. Nothing is acknowledged that is not safe: after a
 * rejected `commit` everything stays staged, and the broker calls again soon. An error with the `code` 'full' says that
 * there is no room.
 *
 * A message lives as long as a delivery names it; the store counts. It is put before the deliveries that name it,
 * the first of them before the next `commit`.
 */
export interface BrokerStore {
  /** The state that was committed before; called once, before anything else. */
  load(): Promise<StoredState>
  /**
   * At most so many deliveries of a session with sequences above `after`, ascending; fewer: there are no more. What
   * is staged is part of it. Synchronous, so that whoever reads need not wait and nothing changes meanwhile: a store
   * is to answer from the memory of this machine, within a few milliseconds. Throws where it cannot be read.
   */
  readDeliveries(clientId: string, after: number, maximum: number): readonly StoredDelivery[]
  /** One message, read as `readDeliveries` reads. One that is missing is damaged, too. */
  readMessage(messageId: number): MessageRecord | Damaged
  putSession(session: SessionRecord): void
  /**
   * Removes the session with its subscriptions, deliveries and incoming identifiers. It may take its time to make
   * room on the disk, also after `commit`.
   */
  removeSession(clientId: string): void
  /** `session`, which has another client identifier, takes the place of that of `clientId`, with all that is its own. */
  renameSession(clientId: string, session: SessionRecord): void
  putSubscription(clientId: string, subscription: SubscriptionRecord): void
  removeSubscription(clientId: string, filter: string): void
  putMessage(messageId: number, message: MessageRecord): void
  /** A new one, with a sequence that the session has not used before. */
  putDelivery(clientId: string, sequence: number, delivery: DeliveryRecord): void
  /** Replaces a delivery of the same message. */
  updateDelivery(clientId: string, sequence: number, delivery: DeliveryRecord): void
  /** Removes a delivery that is there; `messageId` is the message it names. */
  removeDelivery(clientId: string, sequence: number, messageId: number): void
  /**
   * Quarantines a delivery that cannot be read, or whose message cannot: it is kept apart for whoever repairs it, and
   * read no more.
   */
  quarantineDelivery?(clientId: string, sequence: number): void
  putQueue(clientId: string, queue: QueueRecord): void
  putIncoming(clientId: string, packetIdentifier: number): void
  removeIncoming(clientId: string, packetIdentifier: number): void
  /** Replaces the retained message of its topic. */
  putRetained(message: MessageRecord): void
  removeRetained(topic: string): void
  commit(): Promise<void>
  /**
   * Throws where nothing could be committed now, as `commit` would reject; asked every few seconds, so that it is noticed
   * before anybody publishes. Within a millisecond.
   */
  check?(): void
  /** Errors about what was quarantined since the last call, each with what was found and where it is kept. */
  takeDamage?(): readonly Error[]
  /** Commits what is staged and lets go of files. */
  close(): Promise<void>
}
