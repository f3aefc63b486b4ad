import { randomUUID } from 'node:crypto'
import { type Delivery, identifierOf } from '../messages/delivery.js'
import { Message } from '../messages/message.js'
import { type Stamping, withoutReserved } from '../messages/stamping.js'
import type {
  BrokerStore,
  Damaged,
  DeliveryRecord,
  MessageRecord,
  SessionRecord,
  StoredDelivery,
} from '../ports/broker-store.js'
import type { Clock } from '../support/clock.js'
import type { StorableSession, StorableSubscription } from './storable-session.js'
import { StoredTime } from './stored-time.js'

const NEVER = Number.POSITIVE_INFINITY

/**
 * Tells the store what changes in sessions that outlive the process. Without a store every method returns at once,
 * and the hot path does not even call: see `StorableSession.isStored` and `Delivery.isStored`.
 */
export class Persistence {
  readonly #store: BrokerStore | undefined
  readonly #clock: Clock
  readonly #stamping: Stamping | undefined
  readonly #time: StoredTime
  readonly #onDirty: () => void
  #nextMessageId = 1
  /** Something was staged since the last commit. */
  #isDirty = false
  #isUrgent = false
  /** Counts commits, for `Message.storeTurn`. */
  #turn = 0
  /** Sessions whose deliveries changed since the last commit. */
  readonly #changedQueues = new Set<StorableSession>()
  /** Messages that were read from the store and are still held, by number: sessions that wait for one share it. */
  readonly #loaded = new Map<number, Message>()

  constructor(
    store: BrokerStore | undefined,
    clock: Clock,
    stamping: Stamping | undefined,
    onDirty: () => void,
  ) {
    this.#store = store
    this.#clock = clock
    this.#stamping = stamping
    this.#time = new StoredTime(clock)
    this.#onDirty = onDirty
  }

  get isCheckable(): boolean {
    return this.#store?.check !== undefined
  }

  /** As `BrokerStore.check`. */
  check(): void {
    this.#store?.check?.()
  }

  get isDirty(): boolean {
    return this.#isDirty
  }

  /** Something was staged that is to be on the disk soon, whether anybody waits for it or not. */
  get isUrgent(): boolean {
    return this.#isUrgent
  }

  /** Message numbers of an earlier life are not used again. */
  startMessagesAfter(messageId: number): void {
    this.#nextMessageId = messageId + 1
  }

  /** Everything staged is durable when the promise resolves. */
  async commit(): Promise<void> {
    const store = this.#store
    for (const session of this.#changedQueues) {
      if (session.isStored) store?.putQueue(session.clientId, session.outgoing.record)
    }
    this.#changedQueues.clear()
    this.#isDirty = this.#isUrgent = false
    this.#turn++
    await store?.commit()
  }

  /** Stores a session that outlives its connection, or whose will must be published if the process dies. */
  putSession(session: StorableSession): void {
    if (this.#store === undefined) return
    const isWorthIt = session.expirySeconds > 0 || session.will !== undefined
    // Messages that wait may lie in the store alone; then they stay there for as long as the session lives.
    if (!isWorthIt && (!session.isStored || session.outgoing.record.messages === 0)) {
      return this.removeSession(session)
    }
    const isNew = !session.isStored
    session.isStored = true
    this.#stage().putSession(this.#sessionRecord(session))
    if (!isNew) return
    // A session may become durable after it subscribed: DISCONNECT can raise the expiry of CONNECT.
    for (const subscription of session.subscriptions.values()) this.putSubscription(subscription)
    for (const packetIdentifier of session.incoming) this.putIncoming(session, packetIdentifier)
    session.outgoing.storeAll()
  }

  /** Keeps what is stored of a session that is over under another name, so that its client can begin a new one. */
  renameEnded(session: StorableSession): void {
    const { clientId } = session
    // No client can have U+0000 in its identifier. [MQTT-1.5.4-2]
    if (clientId.startsWith('\0')) return
    session.clientId = `\0${randomUUID()} ${clientId}`
    this.#stage().renameSession(clientId, this.#sessionRecord(session))
  }

  /** Called after the session's deliveries were discarded, so that their messages go, too. */
  removeSession(session: StorableSession): void {
    if (!session.isStored) return
    session.isStored = false
    this.#stage().removeSession(session.clientId)
  }

  putSubscription(subscription: StorableSubscription): void {
    const { session, filter, qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifier } =
      subscription
    if (!session.isStored) return
    const record = { filter, qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifier }
    this.#stage().putSubscription(session.clientId, record)
  }

  removeSubscription({ session, filter }: StorableSubscription): void {
    if (session.isStored) this.#stage().removeSubscription(session.clientId, filter)
  }

  /** `isBrief`: it is likely to be acknowledged before anybody misses it on the disk. */
  addDelivery(session: StorableSession, delivery: Delivery, isBrief = false): void {
    this.#append(session, delivery, isBrief)
    delivery.message.storeHolders++
    delivery.isStored = true
  }

  /** A delivery that memory does not hold. */
  append(session: StorableSession, delivery: Delivery): void {
    this.#append(session, delivery, false)
  }

  #append(session: StorableSession, delivery: Delivery, isBrief: boolean): void {
    const { message } = delivery
    message.unsettled++
    const record = deliveryRecord(delivery, this.#numberOf(message, isBrief))
    this.#stageQueue(session, isBrief).putDelivery(session.clientId, delivery.sequence, record)
  }

  updateDelivery(session: StorableSession, delivery: Delivery): void {
    const record = deliveryRecord(delivery, delivery.message.storeId)
    this.#stage().updateDelivery(session.clientId, delivery.sequence, record)
  }

  /** A request or an answer that comes back after a crash comes once more, so its removal is in no hurry. */
  removeDelivery(session: StorableSession, delivery: Delivery): void {
    delivery.isStored = false
    const { message, sequence, qos } = delivery
    this.#stageQueue(session, qos === 1 && message.isExchange).removeDelivery(
      session.clientId,
      sequence,
      message.storeId,
    )
    this.letGo(message)
    if (--message.unsettled === 0) message.onSettled?.()
  }

  /** Quarantines a delivery that cannot be read. */
  quarantineDelivery(session: StorableSession, sequence: number): void {
    this.#stageQueue(session).quarantineDelivery?.(session.clientId, sequence)
  }

  /** As `BrokerStore.takeDamage`. */
  takeDamage(): readonly Error[] {
    return this.#store?.takeDamage?.() ?? []
  }

  /** A delivery of the message is in memory no longer; it may still be in the store. */
  letGo(message: Message): void {
    if (--message.storeHolders > 0) return
    const { storeId } = message
    if (this.#loaded.get(storeId) === message) this.#loaded.delete(storeId)
  }

  /** A retained message of an earlier life. */
  restoreRetained(record: MessageRecord): Message {
    return this.#revive(record, this.#time.moment(record.expiresAtMs ?? NEVER))
  }

  /**
   * Moment at which a session of an earlier life lost its connection; now, where the time of day was set back since.
   */
  restoreDisconnected({ disconnectedAtMs }: SessionRecord): number {
    const nowMs = this.#clock.now()
    return disconnectedAtMs === undefined ? nowMs : Math.min(this.#time.moment(disconnectedAtMs), nowMs)
  }

  /** As `BrokerStore.readDeliveries`. */
  readDeliveries(session: StorableSession, after: number, maximum: number): readonly StoredDelivery[] {
    return this.#store?.readDeliveries(session.clientId, after, maximum) ?? []
  }

  /** The message, held until `letGo`. Throws where the store cannot be read. */
  readMessage(messageId: number): Message | Damaged {
    let message = this.#loaded.get(messageId)
    if (message === undefined) {
      const record = (this.#store as BrokerStore).readMessage(messageId)
      if ('damage' in record) return record
      message = this.#revive(record, this.#time.messageMoment(record.expiresAtMs ?? NEVER, messageId))
      message.storeId = messageId
      this.#loaded.set(messageId, message)
    }
    message.storeHolders++
    return message
  }

  putIncoming(session: StorableSession, packetIdentifier: number): void {
    if (session.isStored) this.#stage().putIncoming(session.clientId, packetIdentifier)
  }

  removeIncoming(session: StorableSession, packetIdentifier: number): void {
    if (session.isStored) this.#stage().removeIncoming(session.clientId, packetIdentifier)
  }

  putRetained(message: Message): void {
    if (this.#store !== undefined)
      this.#stage().putRetained(messageRecord(message, this.#time.of(message.expiresAtMs)))
  }

  removeRetained(topic: string): void {
    if (this.#store !== undefined) this.#stage().removeRetained(topic)
  }

  /**
   * Its number in the store, where it is put unless a delivery surely names it there: one in memory, or one that was
   * staged in this turn. The store forgets a message with the last that names it, and does not tell.
   */
  #numberOf(message: Message, isBrief: boolean): number {
    if (message.storeHolders > 0 || message.storeTurn === this.#turn) return message.storeId
    message.storeId = this.#nextMessageId++
    message.storeTurn = this.#turn
    const { storeId } = message
    const record = messageRecord(message, this.#time.ofMessage(message.expiresAtMs, storeId))
    this.#stage(isBrief).putMessage(storeId, record)
    return storeId
  }

  /**
   * No message lives longer than from now on, however the time of day was set back. It is stamped as topics are now:
   * when it was stored, it may have said of itself who had published it.
   */
  #revive(record: MessageRecord, momentMs: number): Message {
    const { topic, payload, qos, retain, publishedBy, actsFor = [] } = record
    const isStamped = this.#stamping?.selects(topic) === true
    // Nobody's identifier is empty: the program that embeds the broker published it.
    const stamp = isStamped && publishedBy !== '' ? this.#stamping?.stampOf(publishedBy, actsFor) : undefined
    const properties = isStamped ? withoutReserved(record.properties) : record.properties
    const seconds = properties?.messageExpiryInterval
    const longestMs = seconds === undefined ? NEVER : this.#clock.now() + seconds * 1000
    const expiresAtMs = Math.min(momentMs, longestMs)
    return new Message(topic, payload, qos, retain, properties, expiresAtMs, publishedBy, stamp).keep()
  }

  #sessionRecord(session: StorableSession): SessionRecord {
    const { disconnectedAtMs } = session
    return sessionRecord(
      session,
      disconnectedAtMs === undefined ? undefined : this.#time.of(disconnectedAtMs),
    )
  }

  #stageQueue(session: StorableSession, mayWait = false): BrokerStore {
    this.#changedQueues.add(session)
    return this.#stage(mayWait)
  }

  /** The store; only called where there is one, since without one nothing is marked as stored. */
  #stage(mayWait = false): BrokerStore {
    const isNews = !this.#isDirty || (!mayWait && !this.#isUrgent)
    this.#isDirty = true
    if (!mayWait) this.#isUrgent = true
    if (isNews) this.#onDirty()
    return this.#store as BrokerStore
  }
}

function sessionRecord(session: StorableSession, disconnectedAtMs: number | undefined): SessionRecord {
  const { clientId, username, version, expirySeconds, will } = session
  const { inFlight, quota } = session.outgoing
  // What was sent is the oldest: with a connection, as many as its quota may be out at any moment, and those that an
  // earlier connection with a larger one has left.
  return {
    clientId,
    username,
    protocolVersion: version,
    expirySeconds,
    disconnectedAtMs,
    will,
    inFlightWindow: session.connection === undefined ? inFlight : Math.max(quota, inFlight),
  }
}

function messageRecord(message: Message, expiresAtMs: number): MessageRecord {
  const { topic, payload, qos, retain, properties, publishedBy, stamp } = message
  return {
    topic,
    payload,
    qos,
    retain,
    properties,
    expiresAtMs: expiresAtMs === NEVER ? undefined : expiresAtMs,
    publishedBy,
    actsFor: stamp === undefined || stamp.actsFor.length === 0 ? undefined : stamp.actsFor,
  }
}

function deliveryRecord(delivery: Delivery, messageId: number): DeliveryRecord {
  const { qos, retain, subscriptionIdentifiers, group, packetIdentifier, sequence, state } = delivery
  return {
    messageId,
    qos,
    retain,
    subscriptionIdentifiers,
    sharedFilter: group?.filter,
    packetIdentifier:
      packetIdentifier === 0 || packetIdentifier === identifierOf(sequence) ? undefined : packetIdentifier,
    isReleased: state === 'released',
  }
}
