import type { BrokerStore, DeliveryRecord, MessageRecord, SessionRecord } from './broker-store.js'
import type { Delivery } from './delivery.js'
import type { Message } from './message.js'
import type { Session } from './session.js'
import type { Subscription } from './subscription.js'

/**
 * Tells the store what changes in sessions that outlive the process. Without a store every method returns at once,
 * and the hot path does not even call: see `Session.isStored` and `Delivery.isStored`.
 */
export class Persistence {
  readonly #store: BrokerStore | undefined
  readonly #onDirty: () => void
  #nextMessageId = 1
  /** Something was staged since `takeDirty`. */
  #isDirty = false

  constructor(store: BrokerStore | undefined, onDirty: () => void) {
    this.#store = store
    this.#onDirty = onDirty
  }

  get isDirty(): boolean {
    return this.#isDirty
  }

  /** Message numbers of an earlier life are not used again. */
  startMessagesAfter(messageId: number): void {
    this.#nextMessageId = messageId + 1
  }

  /** Everything staged is durable when the promise resolves. */
  async commit(): Promise<void> {
    this.#isDirty = false
    await this.#store?.commit()
  }

  /** Stores a session that outlives its connection, or whose will must be published if the process dies. */
  putSession(session: Session): void {
    if (this.#store === undefined) return
    const isStored = session.expirySeconds > 0 || session.will !== undefined
    if (!isStored) {
      if (session.isStored) this.removeSession(session)
      return
    }
    const isNew = !session.isStored
    session.isStored = true
    this.#stage().putSession(sessionRecord(session))
    if (!isNew) return
    // A session may become durable after it subscribed: DISCONNECT can raise the expiry of CONNECT.
    for (const subscription of session.subscriptions.values()) this.putSubscription(subscription)
    for (const packetIdentifier of session.incoming) this.putIncoming(session, packetIdentifier)
    session.outgoing.storeAll()
  }

  /** After the session's deliveries were discarded, so that their messages go, too. */
  removeSession(session: Session): void {
    if (!session.isStored) return
    session.isStored = false
    this.#stage().removeSession(session.clientId)
  }

  putSubscription(subscription: Subscription): void {
    const { session, filter, qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifier } =
      subscription
    if (!session.isStored) return
    const record = { filter, qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifier }
    this.#stage().putSubscription(session.clientId, record)
  }

  removeSubscription({ session, filter }: Subscription): void {
    if (session.isStored) this.#stage().removeSubscription(session.clientId, filter)
  }

  addDelivery(session: Session, delivery: Delivery): void {
    const store = this.#stage()
    const { message } = delivery
    if (message.storeId === 0) {
      message.storeId = this.#nextMessageId++
      store.putMessage(message.storeId, messageRecord(message))
    }
    message.storeReferences++
    delivery.isStored = true
    store.putDelivery(session.clientId, delivery.sequence, deliveryRecord(delivery))
  }

  updateDelivery(session: Session, delivery: Delivery): void {
    this.#stage().putDelivery(session.clientId, delivery.sequence, deliveryRecord(delivery))
  }

  removeDelivery(session: Session, delivery: Delivery): void {
    const store = this.#stage()
    const { message } = delivery
    delivery.isStored = false
    store.removeDelivery(session.clientId, delivery.sequence)
    if (--message.storeReferences > 0) return
    store.removeMessage(message.storeId)
    message.storeId = 0
  }

  putIncoming(session: Session, packetIdentifier: number): void {
    if (session.isStored) this.#stage().putIncoming(session.clientId, packetIdentifier)
  }

  removeIncoming(session: Session, packetIdentifier: number): void {
    if (session.isStored) this.#stage().removeIncoming(session.clientId, packetIdentifier)
  }

  putRetained(message: Message): void {
    if (this.#store !== undefined) this.#stage().putRetained(messageRecord(message))
  }

  removeRetained(topic: string): void {
    if (this.#store !== undefined) this.#stage().removeRetained(topic)
  }

  /** Called only where there is a store: without one, nothing is marked as stored. */
  #stage(): BrokerStore {
    if (!this.#isDirty) {
      this.#isDirty = true
      this.#onDirty()
    }
    return this.#store as BrokerStore
  }
}

function sessionRecord(session: Session): SessionRecord {
  const { clientId, username, version, expirySeconds, disconnectedAtMs, will } = session
  return {
    clientId,
    username,
    protocolVersion: version,
    expirySeconds,
    disconnectedAtMs,
    will,
    // What was sent is the oldest: with a connection, as many as its quota may be out at any moment.
    inFlightWindow: session.connection === undefined ? session.outgoing.inFlight : session.outgoing.quota,
  }
}

function messageRecord(message: Message): MessageRecord {
  const { topic, payload, qos, retain, properties, expiresAtMs, publishedBy } = message
  return {
    topic,
    payload,
    qos,
    retain,
    properties,
    expiresAtMs: expiresAtMs === Number.POSITIVE_INFINITY ? undefined : expiresAtMs,
    publishedBy,
  }
}

function deliveryRecord(delivery: Delivery): DeliveryRecord {
  const { message, qos, retain, subscriptionIdentifiers, group, packetIdentifier, sequence, state } = delivery
  return {
    messageId: message.storeId,
    qos,
    retain,
    subscriptionIdentifiers,
    sharedFilter: group?.filter,
    packetIdentifier:
      packetIdentifier === 0 || packetIdentifier === 1 + (sequence % 65_535) ? undefined : packetIdentifier,
    isReleased: state === 'released',
  }
}
