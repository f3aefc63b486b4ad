import { ReasonCode } from '@jamey/protocol'
import { Delivery, identifierOf, MAXIMUM_IDENTIFIER, type ShareGroup } from '../messages/delivery.js'
import type { Message } from '../messages/message.js'
import type { QueueRecord } from '../ports/broker-store.js'
import { PacketTable } from '../support/packet-table.js'
import { Backlog, WINDOW_BYTES, WINDOW_MESSAGES } from './backlog.js'
import type { ClientLink } from './client-link.js'
import { DeliveryQueue } from './delivery-queue.js'
import type { OutgoingContext } from './outgoing-context.js'
import { QueueCapacity } from './queue-capacity.js'
import { QueueExpiry } from './queue-expiry.js'
import type { ReceivingSession } from './receiving-session.js'

/**
 * The messages of QoS 1 and 2 one session has yet to take: a queue, and what is in flight by packet identifier. Of a
 * session that is stored, memory holds what is in flight and a window of the queue while it is connected, and nothing
 * while it is away.
 */
export class Outgoing {
  readonly #context: OutgoingContext
  readonly #session: ReceivingSession
  readonly #table = new PacketTable<Delivery>()
  readonly capacity: QueueCapacity
  readonly expiry: QueueExpiry
  /** Deliveries in memory that wait to be sent. */
  readonly #queue = new DeliveryQueue()
  /** Number of deliveries that were sent on the present connection and are not done. */
  #unacknowledged = 0
  /** Bytes of the deliveries in memory. */
  #bytes = 0
  #sequence = 0
  /** Moment from which on something has waited without a break, where something does. */
  waitingSinceMs = 0
  /** Deliveries behind those in memory; undefined until the session is stored. */
  #backlog: Backlog | undefined
  /** Something came through a shared subscription once, so it is worth looking whether something is left. */
  #hasShared = false
  /** The peer's Receive Maximum, within our own limit; the last connection's while there is none. [MQTT-3.3.4-9] */
  quota: number

  constructor(context: OutgoingContext, session: ReceivingSession) {
    this.#context = context
    this.#session = session
    this.capacity = new QueueCapacity(context, session, this)
    this.expiry = new QueueExpiry(context, this.capacity, this.#queue, (delivery) => this.#finish(delivery))
    this.quota = context.limits.inFlight
  }

  /** Waiting to be sent for the first time, or again. */
  get queued(): number {
    const backlog = this.#backlog
    const { waiting } = this.#queue
    return backlog === undefined ? waiting : waiting + backlog.messages - backlog.sent
  }

  /** True while there is more to send, whatever damaged records did to the count. */
  get isWaiting(): boolean {
    return this.#queue.waiting > 0 || this.#backlog?.isEmpty === false
  }

  /** Deliveries that have a packet identifier. */
  get inFlight(): number {
    return this.#table.size + (this.#backlog?.sent ?? 0)
  }

  /** Memory of everything queued and in flight, if all of it were there. */
  get bytes(): number {
    return this.#bytes + (this.#backlog?.bytes ?? 0)
  }

  /** The sums that a start needs to know of the queue. */
  get record(): QueueRecord {
    return {
      messages: this.#queue.waiting + this.#unacknowledged + (this.#backlog?.messages ?? 0),
      bytes: this.bytes,
      lastSequence: this.#sequence,
      hasShared: this.#hasShared,
    }
  }

  /** Sequence of the delivery that was offered last. */
  get lastSequence(): number {
    return this.#sequence
  }

  /** True where a message offered now would be sent at once. */
  get isReady(): boolean {
    const { connection } = this.#session
    if (connection === undefined || this.isWaiting || !this.#hasQuota) return false
    const most = this.#backlog === undefined ? Number.POSITIVE_INFINITY : WINDOW_BYTES
    return connection.isWritable && this.#bytes <= Math.min(most, this.#context.limits.queuedBytes)
  }

  get #hasQuota(): boolean {
    return this.#unacknowledged < this.quota && this.#table.size < MAXIMUM_IDENTIFIER
  }

  /** Sends the message, or queues it. False: the queue was full and the message is lost for this session. */
  offer(
    message: Message,
    qos: 1 | 2,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    group: ShareGroup | undefined,
    frameIndex: number,
  ): boolean {
    const isReady = this.isReady
    if (!isReady && !this.capacity.makeFor(message)) return false
    if (!isReady && !this.isWaiting) this.waitingSinceMs = this.#context.clock.now()
    message.keep(isReady)
    const sequence = ++this.#sequence
    const delivery = new Delivery(message, qos, retain, subscriptionIdentifiers, group, sequence)
    if (group !== undefined) this.#hasShared = true
    if (!isReady) {
      this.#context.backpressure.note(this.capacity)
      if (this.expiry.note(message)) this.#context.expirySweep.add(this)
    }
    const backlog = isReady || !this.#session.isStored ? undefined : this.#beyondWindow
    if (backlog !== undefined) {
      this.#context.persistence.append(this.#session, delivery)
      backlog.add(delivery)
      return true
    }
    this.#bytes += message.bytes
    if (this.#session.isStored) {
      const isBrief = isReady && qos === 1 && message.isExchange
      this.#context.persistence.addDelivery(this.#session, delivery, isBrief)
    }
    if (isReady) this.#send(this.#session.connection as ClientLink, delivery, frameIndex)
    else this.#queue.push(delivery)
    return true
  }

  /** Takes up what an earlier life of the broker left; as many of the oldest as `inFlightWindow` may have been sent. */
  restore(queue: QueueRecord | undefined, inFlightWindow: number): void {
    this.#backlog = new Backlog(this.#context, this.#session)
    this.waitingSinceMs = this.#context.clock.now()
    if (queue === undefined) return
    const { messages, bytes, lastSequence, hasShared } = queue
    this.#sequence = lastSequence
    this.#hasShared = hasShared
    this.#backlog.takeBack(messages, bytes, Math.min(messages, inFlightWindow), lastSequence)
    if (messages === 0) return
    this.expiry.noteUnknown()
    this.#context.expirySweep.add(this)
  }

  /** Drops expired deliveries as `QueueExpiry.sweep` says. */
  dropExpired(maximum: number): boolean {
    return this.expiry.sweep(this.#backlog, maximum)
  }

  /** Sends what the peer, the socket and the quota allow. */
  pump(): void {
    const { connection } = this.#session
    if (connection === undefined) return
    this.#sendQueued(connection)
    if (this.#backlog !== undefined && this.#mayReadOn(connection, this.#backlog)) {
      if (!this.#takePage(this.#backlog)) return
      this.dropDenied()
      this.#sendQueued(connection)
      // A page at a time, so that others get their turn; the end of this one brings the next.
      if (this.#mayReadOn(connection, this.#backlog)) connection.schedule()
    }
    this.#queue.cut()
  }

  /** PUBACK. An identifier that is not in flight is ignored: it may belong to the connection before. */
  acknowledge(packetIdentifier: number): void {
    const delivery = this.#table.get(packetIdentifier)
    if (delivery === undefined) return
    if (delivery.qos !== 1) throw delivery.mismatch('PUBACK')
    this.#settle(delivery)
  }

  /** PUBREC. False: no such packet, which the answer tells as 0x92. */
  receive(packetIdentifier: number, isFailure: boolean): boolean {
    const delivery = this.#table.get(packetIdentifier)
    if (delivery === undefined) return false
    if (delivery.qos !== 2) throw delivery.mismatch('PUBREC')
    if (isFailure) this.#settle(delivery)
    else if (delivery.state !== 'released') {
      const wasQueued = delivery.state === 'queued'
      delivery.state = 'released'
      if (wasQueued) {
        this.#queue.onLeft()
        this.#unacknowledged++
      }
      if (delivery.isStored) this.#context.persistence.updateDelivery(this.#session, delivery)
    }
    return true
  }

  /** PUBCOMP. */
  complete(packetIdentifier: number): void {
    const delivery = this.#table.get(packetIdentifier)
    if (delivery === undefined) return
    if (delivery.state !== 'released') throw delivery.mismatch('PUBCOMP')
    this.#settle(delivery)
  }

  /** A connection has come: sends again what the last one left unacknowledged, in the old order. [MQTT-4.4.0-1] */
  resume(connection: ClientLink): void {
    const backlog = this.#backlog
    while (backlog !== undefined && backlog.sent > 0) if (!this.#takePage(backlog)) return
    this.#unacknowledged = 0
    const again: Delivery[] = []
    const pending = [...this.#table.values()].sort((a, b) => a.sequence - b.sequence)
    for (const delivery of pending) {
      if (delivery.state === 'released') {
        this.#unacknowledged++
        connection.writeAcknowledgement('pubrel', delivery.packetIdentifier, ReasonCode.success)
      } else if (delivery.state === 'sent') {
        delivery.state = 'queued'
        delivery.mayHaveBeenSent = true
        again.push(delivery)
      }
    }
    this.#queue.putBack(again)
    this.dropDenied()
    this.pump()
    connection.schedule()
  }

  /** Shows what lies in memory and came through shared subscriptions, in order; what `isTaken` is over. Whether any was. */
  shareOut(isTaken: (delivery: Delivery) => boolean): boolean {
    if (!this.#hasShared) return false
    let isGivenUp = false
    const shared = this.#all().filter(({ group }) => group !== undefined)
    for (const delivery of shared.sort((a, b) => a.sequence - b.sequence)) {
      if (!isTaken(delivery)) continue
      this.#finish(delivery)
      isGivenUp = true
    }
    return isGivenUp
  }

  /** Deliveries in the store, where some of them may have come through a shared subscription. */
  get sharedBacklog(): Backlog | undefined {
    return this.#hasShared ? this.#backlog : undefined
  }

  /** The permissions are others than when these were queued. What came through a shared subscription goes to others. */
  dropDenied(): void {
    for (const delivery of this.#queue.all()) {
      if (this.#session.mayReceive(delivery.message.topic)) continue
      const mayBeTaken = delivery.qos === 1 || !delivery.wasSent
      const isTaken = mayBeTaken && this.#context.router.handOn(delivery, this.#session, true)
      if (!isTaken) this.capacity.onDropped(delivery.message, 'denied')
      this.#finish(delivery)
    }
  }

  /** The session is stored, and its client away: nothing of it need be in memory. */
  unload(): void {
    const messages = this.#queue.waiting + this.#unacknowledged
    // Deliveries that were sent come first, and only those have an identifier.
    this.#backlog?.takeBack(messages, this.#bytes, this.#table.size, this.#sequence)
    this.discard()
  }

  /** Lets go of what is in memory. Where the session ends, the store forgets it as a whole. */
  discard(): void {
    for (const delivery of this.#all()) {
      if (delivery.isStored) this.#context.persistence.letGo(delivery.message)
      delivery.state = 'done'
    }
    this.#table.clear()
    this.#queue.clear()
    this.#unacknowledged = this.#bytes = 0
  }

  /** The session has become one that outlives the process. */
  storeAll(): void {
    this.#backlog ??= new Backlog(this.#context, this.#session)
    for (const delivery of this.#all()) this.#context.persistence.addDelivery(this.#session, delivery)
  }

  /** The backlog, where one more delivery has to wait there and not in memory. */
  get #beyondWindow(): Backlog | undefined {
    const backlog = this.#backlog
    if (this.#session.connection === undefined || backlog?.isEmpty === false) return backlog
    return this.#queue.waiting >= WINDOW_MESSAGES || this.#bytes >= WINDOW_BYTES ? backlog : undefined
  }

  /** True where the next page of the queue may be read. */
  #mayReadOn(connection: ClientLink, backlog: Backlog): boolean {
    if (backlog.isEmpty || this.#queue.waiting > 0) return false
    return this.#hasQuota && connection.isWritable && this.#bytes < WINDOW_BYTES
  }

  /** False: the store cannot be read, which ends the connection; the session stays as it is. */
  #takePage(backlog: Backlog): boolean {
    try {
      for (const delivery of backlog.take()) this.#takeUp(delivery)
      return true
    } catch (error) {
      this.onUnreadable(error)
      return false
    }
  }

  #takeUp(delivery: Delivery): void {
    this.#bytes += delivery.message.bytes
    if (delivery.packetIdentifier === 0) return this.#queue.push(delivery)
    if (this.#table.get(delivery.packetIdentifier) === undefined) {
      this.#table.set(delivery.packetIdentifier, delivery)
      this.#unacknowledged++
      return
    }
    // An older one was given this identifier, so this was not sent yet: it would have got another.
    delivery.forgetSending()
    this.#queue.push(delivery)
  }

  /** The store cannot be read, which ends the connection. */
  onUnreadable(err: unknown): void {
    const { clientId, connection } = this.#session
    const { log } = this.#context
    log.error({ event: 'broker.queue.unreadable', clientId, err }, 'the queue of a session cannot be read')
    connection?.end(ReasonCode.unspecifiedError, 'the queue of this session cannot be read')
  }

  #sendQueued(connection: ClientLink): void {
    while (this.#hasQuota && connection.isWritable) {
      const delivery = this.#queue.shift()
      if (delivery === undefined) return
      if (delivery.hasExpired(this.#context.clock)) {
        this.capacity.onDropped(delivery.message, 'expired')
        this.#release(delivery)
      } else this.#send(connection, delivery, -1)
    }
  }

  #all(): Delivery[] {
    // Deliveries that were given an identifier are in the table even while they queue to be sent again.
    const all = [...this.#table.values()]
    return all.concat(this.#queue.all().filter(({ packetIdentifier }) => packetIdentifier === 0))
  }

  #send(connection: ClientLink, delivery: Delivery, frameIndex: number): void {
    if (delivery.packetIdentifier === 0) this.#identify(delivery)
    delivery.state = 'sent'
    this.#unacknowledged++
    if (connection.sendDelivery(delivery, frameIndex)) return
    // Too large for this client: for it, the message was never there. [MQTT-3.1.2-25]
    this.capacity.onDropped(delivery.message, 'too-large')
    this.#unacknowledged--
    this.#release(delivery)
  }

  /** Identifiers follow the sequence, so a store need not be told; one still in use is stepped over. */
  #identify(delivery: Delivery): void {
    const expected = identifierOf(delivery.sequence)
    const identifier = this.#table.freeFrom(expected)
    delivery.packetIdentifier = identifier
    this.#table.set(identifier, delivery)
    if (identifier !== expected && delivery.isStored) {
      this.#context.persistence.updateDelivery(this.#session, delivery)
    }
  }

  #settle(delivery: Delivery): void {
    this.#finish(delivery)
    if (this.isWaiting) this.pump()
  }

  /** Drops the oldest delivery that the client cannot have seen, and counts it. False where there is none. */
  dropOldest(): boolean {
    const oldest = this.#oldestUnsent()
    if (oldest === undefined) return false
    this.capacity.onDropped(oldest.message, 'overflow')
    this.#finish(oldest)
    return true
  }

  #oldestUnsent(): Delivery | undefined {
    let oldest = this.#queue.oldestUnsent
    while (oldest === undefined && this.#backlog?.isEmpty === false && this.#takePage(this.#backlog)) {
      oldest = this.#queue.oldestUnsent
    }
    return oldest
  }

  /** Takes a delivery off the books, in whatever state. */
  #finish(delivery: Delivery): void {
    const wasQueued = delivery.state === 'queued'
    this.#release(delivery)
    if (wasQueued) this.#queue.onLeft()
    else this.#unacknowledged--
  }

  #release(delivery: Delivery): void {
    delivery.state = 'done'
    this.#bytes -= delivery.message.bytes
    if (delivery.packetIdentifier !== 0) this.#table.delete(delivery.packetIdentifier)
    if (delivery.isStored) this.#context.persistence.removeDelivery(this.#session, delivery)
    if (this.capacity.isWatched) this.capacity.onSettled()
  }
}
