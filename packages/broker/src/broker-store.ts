import type { ProtocolVersion, PublishProperties, QoS, SubscriptionRequest, Will } from '@jamey/protocol'

/** A message as it is kept; `payload` and binary properties belong to the record. */
export interface MessageRecord {
  topic: string
  payload: Uint8Array
  qos: QoS
  retain: boolean
  /** Without topic alias and subscription identifiers. */
  properties: PublishProperties | undefined
  /** Milliseconds since 1970; undefined: never. */
  expiresAtMs: number | undefined
  /** Client identifier of the publisher, for No Local. */
  publishedBy: string
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
  /** How many of the oldest deliveries may have been on the wire, so they carry DUP when sent again. */
  inFlightWindow: number
}

export interface SubscriptionRecord extends SubscriptionRequest {
  /** With its `$share/<group>/`. */
  filter: string
  subscriptionIdentifier: number | undefined
}

/** One message on its way to one session, QoS 1 or 2. */
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

/** Everything a store holds, read once at start. */
export interface StoredState {
  sessions: readonly SessionRecord[]
  subscriptions: readonly { clientId: string; subscription: SubscriptionRecord }[]
  messages: ReadonlyMap<number, MessageRecord>
  /** Ascending by sequence within a client. */
  deliveries: readonly { clientId: string; sequence: number; delivery: DeliveryRecord }[]
  /** Packet identifiers of QoS 2 messages taken from clients and not yet released. */
  incoming: readonly { clientId: string; packetIdentifier: number }[]
  retained: readonly MessageRecord[]
}

/**
 * Where a broker keeps what must outlive its process: a journal of changes to a state that the broker holds itself.
 *
 * `put` and `remove` only stage, in memory, and return at once. `commit` makes everything staged so far durable in
 * one step, all or nothing and in order; the broker calls it once per turn of the event loop, one at a time, and
 * sends the acknowledgements of that turn when it resolves. A rejected `commit` is fatal to the broker's clients:
 * nothing is acknowledged that is not safe.
 */
export interface BrokerStore {
  /** What was committed before; called once, before anything else. */
  load(): Promise<StoredState>
  putSession(session: SessionRecord): void
  /** Removes the session with its subscriptions, deliveries and incoming identifiers. */
  removeSession(clientId: string): void
  putSubscription(clientId: string, subscription: SubscriptionRecord): void
  removeSubscription(clientId: string, filter: string): void
  /** A message is put before the deliveries that name it and removed after the last of them. */
  putMessage(messageId: number, message: MessageRecord): void
  removeMessage(messageId: number): void
  putDelivery(clientId: string, sequence: number, delivery: DeliveryRecord): void
  removeDelivery(clientId: string, sequence: number): void
  putIncoming(clientId: string, packetIdentifier: number): void
  removeIncoming(clientId: string, packetIdentifier: number): void
  /** Replaces the retained message of its topic. */
  putRetained(message: MessageRecord): void
  removeRetained(topic: string): void
  commit(): Promise<void>
  /** Commits what is staged and lets go of files. */
  close(): Promise<void>
}
