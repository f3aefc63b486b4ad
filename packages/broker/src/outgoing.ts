import { encodeAcknowledgement, ReasonCode } from '@jamey/protocol'
import type { Connection } from './connection.js'
import type { Core } from './core.js'
import { Delivery } from './delivery.js'
import { ConnectionFault } from './errors.js'
import type { Message } from './message.js'
import { PacketTable } from './packet-table.js'
import type { Session } from './session.js'
import type { SharedGroup } from './shared-group.js'

const HIGHEST_IDENTIFIER = 65_535
/** Handled entries at the queue's front are cut off in pieces of at least this many. */
const CUT_FROM = 1024

/** The messages of QoS 1 and 2 one session has yet to take: a queue, and what is in flight by packet identifier. */
export class Outgoing {
  readonly #core: Core
  readonly #session: Session
  readonly #table = new PacketTable<Delivery>()
  #queue: (Delivery | undefined)[] = []
  #head = 0
  #queued = 0
  /** Sent on the present connection and not done. */
  #unacknowledged = 0
  #bytes = 0
  #sequence = 0
  /** Something came through a shared subscription once, so it is worth looking whether something is left. */
  #hasShared = false
  /** The peer's Receive Maximum, within our own limit; the last connection's while there is none. [MQTT-3.3.4-9] */
  quota: number

  constructor(core: Core, session: Session) {
    this.#core = core
    this.#session = session
    this.quota = core.limits.inFlight
  }

  /** Waiting to be sent for the first time, or again. */
  get queued(): number {
    return this.#queued
  }

  /** Deliveries that have a packet identifier. */
  get inFlight(): number {
    return this.#table.size
  }

  /** Memory of everything queued and in flight. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether a message offered now would be sent at once. */
  get isReady(): boolean {
    const { connection } = this.#session
    if (connection === undefined || this.#queued > 0 || !this.#hasQuota) return false
    return connection.isWritable && this.#bytes <= this.#core.limits.queuedBytes
  }

  get #hasQuota(): boolean {
    return this.#unacknowledged < this.quota && this.#table.size < HIGHEST_IDENTIFIER
  }

  /** Sends the message, or queues it. False: the queue was full and the message is lost for this session. */
  offer(
    message: Message,
    qos: 1 | 2,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    group: SharedGroup | undefined,
    frameIndex: number,
  ): boolean {
    const isReady = this.isReady
    if (!isReady && !this.#makeRoom(message)) return false
    message.keep()
    const sequence = ++this.#sequence
    const delivery = new Delivery(message, qos, retain, subscriptionIdentifiers, group, sequence)
    this.#bytes += message.bytes
    if (group !== undefined) this.#hasShared = true
    if (this.#session.isStored) this.#core.persistence.addDelivery(this.#session, delivery)
    if (isReady) this.#send(this.#session.connection as Connection, delivery, frameIndex)
    else this.#enqueue(delivery)
    return true
  }

  /** Takes up a delivery of an earlier life of the broker; `mayHaveBeenSent` and `state` are set. */
  restore(delivery: Delivery): void {
    this.#sequence = Math.max(this.#sequence, delivery.sequence)
    this.#bytes += delivery.message.bytes
    this.#hasShared ||= delivery.group !== undefined
    if (delivery.packetIdentifier !== 0) this.#table.set(delivery.packetIdentifier, delivery)
    if (delivery.state === 'queued') this.#enqueue(delivery)
  }

  /** Sends what the peer, the socket and the quota allow. */
  pump(): void {
    const { connection } = this.#session
    if (connection === undefined) return
    while (this.#head < this.#queue.length && this.#hasQuota && connection.isWritable) {
      const delivery = this.#queue[this.#head]
      this.#queue[this.#head++] = undefined
      if (delivery?.state !== 'queued') continue
      this.#queued--
      if (this.#hasExpired(delivery)) {
        this.#core.counters.droppedExpired++
        this.#release(delivery)
      } else this.#send(connection, delivery, -1)
    }
    this.#cut()
  }

  /** PUBACK. An identifier that is not in flight is ignored: it may belong to the connection before. */
  acknowledge(packetIdentifier: number): void {
    const delivery = this.#table.get(packetIdentifier)
    if (delivery === undefined) return
    if (delivery.qos !== 1) throw mismatch('PUBACK', packetIdentifier, delivery)
    this.#settle(delivery)
  }

  /** PUBREC. False: no such packet, which the answer tells as 0x92. */
  receive(packetIdentifier: number, isFailure: boolean): boolean {
    const delivery = this.#table.get(packetIdentifier)
    if (delivery === undefined) return false
    if (delivery.qos !== 2) throw mismatch('PUBREC', packetIdentifier, delivery)
    if (isFailure) this.#settle(delivery)
    else if (delivery.state !== 'released') {
      if (delivery.state === 'queued') {
        this.#queued--
        this.#unacknowledged++
      }
      delivery.state = 'released'
      if (delivery.isStored) this.#core.persistence.updateDelivery(this.#session, delivery)
    }
    return true
  }

  /** PUBCOMP. */
  complete(packetIdentifier: number): void {
    const delivery = this.#table.get(packetIdentifier)
    if (delivery === undefined) return
    if (delivery.state !== 'released') throw mismatch('PUBCOMP', packetIdentifier, delivery)
    this.#settle(delivery)
  }

  /** A connection has come: sends again what the last one left unacknowledged, in the old order. [MQTT-4.4.0-1] */
  resume(connection: Connection): void {
    this.#unacknowledged = 0
    const again: Delivery[] = []
    const pending = [...this.#table.values()].sort((a, b) => a.sequence - b.sequence)
    for (const delivery of pending) {
      if (delivery.state === 'released') {
        this.#unacknowledged++
        encodeAcknowledgement(
          connection.writer,
          'pubrel',
          delivery.packetIdentifier,
          ReasonCode.success,
          connection.version,
        )
      } else if (delivery.state === 'sent') {
        delivery.state = 'queued'
        delivery.mayHaveBeenSent = true
        again.push(delivery)
      }
    }
    this.#queued += again.length
    this.#queue = [...again, ...this.#queue.slice(this.#head)]
    this.#head = 0
    this.dropDenied()
    this.pump()
    connection.schedule()
  }

  /**
   * Offers what came through shared subscriptions and another member may take, in order; what `handOn` takes is given
   * up. That is everything never sent, and QoS 1 that was not acknowledged. QoS 2 stays with the session that may have
   * seen it. [MQTT-4.8.2-5] Whether anything was given up.
   */
  shareOut(handOn: (delivery: Delivery) => boolean): boolean {
    if (!this.#hasShared) return false
    let isGivenUp = false
    const offered = this.#all().filter(({ group }) => group !== undefined)
    offered.sort((a, b) => a.sequence - b.sequence)
    for (const delivery of offered) {
      const mayBeTaken = delivery.qos === 1 || !delivery.wasSent
      if (!mayBeTaken || !handOn(delivery)) continue
      this.#finish(delivery)
      isGivenUp = true
    }
    return isGivenUp
  }

  /** The permissions are others than when these were queued. What came through a shared subscription goes to others. */
  dropDenied(): void {
    for (const delivery of [...this.#queue]) {
      if (delivery?.state !== 'queued') continue
      if (this.#session.mayReceive(delivery.message.topic)) continue
      const mayBeTaken = delivery.qos === 1 || !delivery.wasSent
      const isTaken = mayBeTaken && this.#core.router.handOn(delivery, this.#session, true)
      if (!isTaken) this.#core.counters.droppedDenied++
      this.#finish(delivery)
    }
  }

  /** The session ends: the store forgets it as a whole, and messages nobody else waits for with it. */
  discard(): void {
    for (const delivery of this.#all()) this.#finish(delivery)
  }

  /** The session has become one that outlives the process. */
  storeAll(): void {
    for (const delivery of this.#all()) this.#core.persistence.addDelivery(this.#session, delivery)
  }

  #all(): Delivery[] {
    // Deliveries that were given an identifier are in the table even while they queue to be sent again.
    const all = [...this.#table.values()]
    for (const delivery of this.#queue) {
      if (delivery?.state === 'queued' && delivery.packetIdentifier === 0) all.push(delivery)
    }
    return all
  }

  #send(connection: Connection, delivery: Delivery, frameIndex: number): void {
    if (delivery.packetIdentifier === 0) this.#identify(delivery)
    delivery.state = 'sent'
    this.#unacknowledged++
    if (connection.sendDelivery(delivery, frameIndex)) return
    // Too large for this client: for it, the message was never there. [MQTT-3.1.2-25]
    this.#core.counters.droppedTooLarge++
    this.#unacknowledged--
    this.#release(delivery)
  }

  /** Identifiers follow the sequence, so a store need not be told; one still in use is stepped over. */
  #identify(delivery: Delivery): void {
    const expected = 1 + (delivery.sequence % HIGHEST_IDENTIFIER)
    let identifier = expected
    while (this.#table.get(identifier) !== undefined) {
      identifier = identifier === HIGHEST_IDENTIFIER ? 1 : identifier + 1
    }
    delivery.packetIdentifier = identifier
    this.#table.set(identifier, delivery)
    if (identifier !== expected && delivery.isStored) {
      this.#core.persistence.updateDelivery(this.#session, delivery)
    }
  }

  #settle(delivery: Delivery): void {
    this.#finish(delivery)
    if (this.#queued > 0) this.pump()
  }

  #enqueue(delivery: Delivery): void {
    this.#queue.push(delivery)
    this.#queued++
  }

  /** Whether one more message may wait here, after the overflow policy had its say. */
  #makeRoom(message: Message): boolean {
    const { limits, overflow, counters } = this.#core
    if (this.hasRoomFor(message)) return true
    if (overflow === 'drop-oldest') {
      for (let oldest = this.#oldestUnsent(); oldest !== undefined; oldest = this.#oldestUnsent()) {
        counters.droppedOverflow++
        this.#finish(oldest)
        if (this.hasRoomFor(message)) return true
      }
    }
    counters.droppedOverflow++
    this.#core.log.debug(
      {
        clientId: this.#session.clientId,
        queued: this.#queued,
        bytes: this.#bytes,
        limit: limits.queuedBytes,
      },
      'queue is full; message dropped',
    )
    if (overflow === 'disconnect') {
      this.#session.connection?.end(ReasonCode.quotaExceeded, 'the queue of this session is full')
    }
    return false
  }

  /** Whether one more message may wait here, if nothing is dropped for it. */
  hasRoomFor(message: Message): boolean {
    const { queuedMessages, queuedBytes } = this.#core.limits
    if (this.#queued >= queuedMessages) return false
    // One message always fits, however small the limit was set.
    return this.#bytes === 0 || this.#bytes + message.bytes <= queuedBytes
  }

  /** One with an identifier may be half way through; the client could still acknowledge it. */
  #oldestUnsent(): Delivery | undefined {
    for (let at = this.#head; at < this.#queue.length; at++) {
      const delivery = this.#queue[at]
      if (delivery?.state === 'queued' && delivery.packetIdentifier === 0) return delivery
    }
    return undefined
  }

  /** Takes a delivery off the books, in whatever state; in the queue it stays as an entry to be skipped. */
  #finish(delivery: Delivery): void {
    const wasQueued = delivery.state === 'queued'
    if (wasQueued) this.#queued--
    else this.#unacknowledged--
    this.#release(delivery)
    if (this.#queued === 0) this.#clearQueue()
    else if (wasQueued) this.#letGo()
  }

  #release(delivery: Delivery): void {
    delivery.state = 'done'
    this.#bytes -= delivery.message.bytes
    if (delivery.packetIdentifier !== 0) this.#table.delete(delivery.packetIdentifier)
    if (delivery.isStored) this.#core.persistence.removeDelivery(this.#session, delivery)
  }

  #clearQueue(): void {
    if (this.#queue.length === 0) return
    this.#queue = []
    this.#head = 0
  }

  /** While nobody pumps, entries to be skipped do not pile up: of a session that is away, for one. */
  #letGo(): void {
    while (this.#head < this.#queue.length && this.#queue[this.#head]?.state !== 'queued') {
      this.#queue[this.#head++] = undefined
    }
    this.#cut()
    const toSkip = this.#queue.length - this.#head - this.#queued
    if (toSkip < CUT_FROM || toSkip < this.#queued) return
    this.#queue = this.#queue.filter((delivery) => delivery?.state === 'queued')
    this.#head = 0
  }

  #cut(): void {
    if (this.#head === this.#queue.length) this.#clearQueue()
    else if (this.#head >= CUT_FROM && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
  }

  #hasExpired(delivery: Delivery): boolean {
    const { expiresAtMs } = delivery.message
    // One whose delivery has begun is completed all the same. [MQTT-3.3.2-5]
    if (expiresAtMs === Number.POSITIVE_INFINITY || delivery.mayHaveBeenSent) return false
    return expiresAtMs <= this.#core.clock.now()
  }
}

function mismatch(packet: string, packetIdentifier: number, { qos, state }: Delivery): ConnectionFault {
  return new ConnectionFault(
    ReasonCode.protocolError,
    `${packet} ${packetIdentifier} does not fit a message of QoS ${qos} that is ${state}`,
  )
}
