import { isFailure, type Puback, type Pubcomp, type Publish, type Pubrec, ReasonCode } from '@jamey/protocol'
import type { Connection } from '../connection/connection.js'
import type { SocketWriter } from '../connection/socket-writer.js'
import type { MqttError, PublishError } from '../model/errors.js'
import type { ServerInformation } from '../model/server-information.js'
import type { DeadLetter, StoredPage, StoredSession } from '../model/session-store.js'
import type { Settings } from '../model/settings.js'
import type { Counters } from '../model/stats.js'
import type { Backlog } from './backlog.js'
import { expiryRefusal, startAging } from './expiry.js'
import { InFlight } from './in-flight.js'
import { type Publication, publicationOf } from './publication.js'
import { PublicationOutcomes } from './publication-outcomes.js'
import { queueFull } from './publish-errors.js'
import { PublishQueue } from './publish-queue.js'
import { PublishWire } from './publish-wire.js'
import { RateAdapter, type RateLimitSource } from './rate-adapter.js'
import type { PendingOutcome } from './receipt-lookup.js'
import type { AppendListener } from './store-transactions.js'
import type { StoreWriter } from './store-writer.js'

/**
 * The publishing half of a session: every QoS 1 and 2 message goes store -> queue -> in flight -> acknowledged, in
 * the order of publishing, over as many connections as it takes.
 */
export class Outgoing implements AppendListener {
  readonly outcomes: PublicationOutcomes
  readonly rate: RateAdapter
  readonly #settings: Settings
  readonly #counters: Counters
  readonly #storeWriter: StoreWriter
  readonly queue: PublishQueue
  readonly inFlight = new InFlight()
  #wire: PublishWire | undefined
  /** Number of messages that may be unacknowledged on this connection: the peer's Receive Maximum. [MQTT-3.3.4-7] */
  mostOnWire = 0
  /** The part of `mostOnWire` that may be used now. */
  quota = 0
  #allowed = Number.POSITIVE_INFINITY
  #onIdle: (() => void)[] = []

  constructor(
    settings: Settings,
    limits: RateLimitSource,
    counters: Counters,
    storeWriter: StoreWriter,
    report: (error: MqttError) => void,
    onRateOpen: () => void,
    opened: () => Promise<void>,
  ) {
    const { store, queue: bounds, clock } = settings
    this.#settings = settings
    this.#counters = counters
    this.#storeWriter = storeWriter
    storeWriter.listen(this)
    this.rate = new RateAdapter(clock, limits, onRateOpen)
    const requeue = (message: DeadLetter): string => this.#requeue(message)
    this.outcomes = new PublicationOutcomes({ bounds, counters, store, storeWriter, report, requeue, opened })
    this.queue = new PublishQueue(bounds, clock, store, this.outcomes, () => {
      this.pump()
      this.#checkIdle()
    })
  }

  /** Messages that are queued or in flight. */
  get unacknowledged(): number {
    return this.inFlight.count + this.queue.messages + this.queue.held
  }

  /** Calls back once nothing is queued or in flight. */
  whenIdle(callback: () => void): void {
    if (this.unacknowledged === 0) callback()
    else this.#onIdle.push(callback)
  }

  /** Loads what an earlier process left; it is sent first. */
  restore(session: StoredSession, backlog: typeof Backlog, firstPage: StoredPage): void {
    this.outcomes.restore(session)
    this.queue.restore(session, backlog, firstPage)
  }

  /** QoS 1 and 2. Throws `PublishError` where the queue does not take it. */
  enqueue(publication: Publication): void {
    if (this.queue.isFullFor(publication) && !this.#canSendAtOnce()) {
      this.queue.makeRoomFor(publication, this.#counters)
    }
    startAging(publication, this.#settings)
    if (!this.#storeWriter.isNeeded) {
      publication.sequence = this.#storeWriter.nextSequence()
      if (publication.settlesWhenStored) this.#settleStored(publication)
      return this.#accept(publication)
    }
    // It waits with those before it that are on their way into the store, since order is kept.
    if (!publication.isRecorded && this.queue.held === 0 && this.#storeWriter.transactions !== undefined) {
      publication.sequence = this.#storeWriter.nextSequence()
      return this.#accept(publication)
    }
    publication.stage = 'storing'
    this.queue.hold(publication)
    this.#storeWriter.append(publication)
  }

  /** QoS 0, while connected: written at once. Throws `PublishError`. False where there is no connection. */
  sendOnce(publish: Publish): boolean {
    const wire = this.#wire
    if (wire === undefined) return false
    if (wire.connection.output.writer.pendingBytes > this.#settings.queue.maximumBytes) {
      throw queueFull(publish.topic, this.#settings.queue)
    }
    const refusal = wire.refusalOf(publish)
    if (refusal !== undefined) throw refusal
    wire.encode(publish)
    this.#counters.messagesPublished++
    this.rate.take()
    return true
  }

  /** The writer of the present connection, if there is one. */
  get output(): SocketWriter | undefined {
    return this.#wire?.connection.output
  }

  /** True where one more message could leave at once, as far as the socket and the server's complaints go. */
  get isOpen(): boolean {
    return this.output?.isWritable === true && this.rate.isOpen
  }

  onConnected(connection: Connection, server: ServerInformation, isResumed: boolean): void {
    const { maximumInFlight, maximumInFlight311 } = this.#settings
    this.#wire = new PublishWire(connection, server)
    const bound = server.protocolVersion === 5 ? maximumInFlight : maximumInFlight311
    this.mostOnWire = Math.min(server.receiveMaximum, bound)
    if (!isResumed) this.#forgetServerState()
    this.inFlight.restart()
    this.allow(this.#allowed)
  }

  /** Bounds what may be unacknowledged on a connection further. */
  allow(messages: number): void {
    this.#allowed = messages
    this.quota = Math.min(this.mostOnWire, messages)
    this.pump()
  }

  onDisconnected(): void {
    this.#wire = undefined
    this.quota = this.mostOnWire = 0
  }

  /** Sends what may be sent: first what was sent on an earlier connection, then the queue. [MQTT-4.4.0-1] */
  pump(): void {
    const wire = this.#wire
    if (wire === undefined) return
    while (this.inFlight.onWire < this.quota && wire.connection.output.isWritable) {
      if (!this.inFlight.hasRepeats && this.queue.peek() === undefined) return
      if (!this.rate.isOpen) return
      const repeated = this.inFlight.nextToRepeat()
      if (repeated !== undefined) {
        this.#repeat(wire, repeated)
        continue
      }
      const next = this.queue.peek()
      if (next === undefined || !this.inFlight.hasRoomFor(next)) return
      this.queue.shift()
      this.#begin(wire, next)
    }
  }

  onPuback(packet: Puback): void {
    const publication = this.inFlight.get(packet.packetIdentifier)
    if (publication === undefined || publication.qos !== 1) return
    this.#finish(publication, packet)
  }

  onPubrec(connection: Connection, packet: Pubrec): void {
    const publication = this.inFlight.get(packet.packetIdentifier)
    if (publication === undefined || publication.qos !== 2) {
      // [MQTT-4.3.3-4] asks for an answer; 0x92 says that there is nothing of the kind here.
      connection.acknowledge('pubrel', packet.packetIdentifier, ReasonCode.packetIdentifierNotFound)
      return
    }
    if (isFailure(packet.reasonCode)) return this.#finish(publication, packet)
    if (packet.reasonCode !== ReasonCode.success) publication.received = packet
    if (publication.stage === 'releasing') return
    publication.stage = 'released'
    if (!this.#storeWriter.isNeeded) return connection.acknowledge('pubrel', packet.packetIdentifier, 0)
    publication.stage = 'releasing'
    this.#storeWriter.transactions?.release(publication, this.#onReleased, this.#onNotReleased)
  }

  onPubcomp(packet: Pubcomp): void {
    const publication = this.inFlight.get(packet.packetIdentifier)
    if (publication === undefined || publication.qos !== 2) return
    // The server is done with it and its PUBCOMP was lost: no failure. [MQTT 5.0 section 4.13.2, 0x92]
    const isDone = packet.reasonCode === ReasonCode.packetIdentifierNotFound
    this.#finish(publication, publication.received ?? (isDone ? { ...packet, reasonCode: 0 } : packet))
  }

  /** The caller gives up. True where the message may be delivered all the same. */
  giveUp(publication: Publication): boolean {
    switch (publication.stage) {
      case 'queued':
        this.queue.withdraw(publication)
        this.outcomes.withdrawn(publication)
        this.#checkIdle()
        return false
      case 'storing':
        // It leaves the store again as soon as it is in.
        publication.isAbandoned = true
        return false
      case 'settled':
        return true
      default:
        publication.isAbandoned = true
        return true
    }
  }

  /** See `Receipts.ask`. */
  ask(receipt: string): Promise<PendingOutcome> {
    return this.outcomes.receipts.ask(receipt, this.inFlight, this.queue.inMemory)
  }

  /** Rejects everything that waits; nothing will be sent any more. */
  close(makeError: (publication: Publication) => PublishError): void {
    for (const publication of this.queue.close()) publication.fail(makeError(publication))
    for (const publication of this.inFlight.all()) publication.fail(makeError(publication))
    this.inFlight.clear()
    this.rate.stop()
    this.outcomes.receipts.close()
    this.#storeWriter.failAppending(makeError)
    this.#wire = undefined
    this.#checkIdle()
  }

  /** `AppendListener`. */
  onStored(publication: Publication): void {
    this.queue.unhold(publication)
    if (publication.isAbandoned) {
      this.queue.skip(publication)
      this.outcomes.withdrawn(publication)
      return this.#checkIdle()
    }
    if (publication.settlesWhenStored) this.#settleStored(publication)
    this.#accept(publication)
  }

  onNotStored(publication: Publication, error: PublishError): void {
    this.queue.unhold(publication)
    publication.stage = 'settled'
    publication.fail(error)
    this.#checkIdle()
  }

  #settleStored(publication: Publication): void {
    publication.settle({ reasonCode: 0, receipt: this.outcomes.receipts.of(publication.sequence) })
  }

  /** PUBREL must not go. PUBLISH is repeated with the next connection, and answered with PUBREC again. */
  readonly #onNotReleased = (publication: Publication): void => {
    if (publication.stage === 'releasing') publication.stage = 'sent'
  }

  readonly #onReleased = (publication: Publication): void => {
    publication.stage = 'released'
    this.#wire?.connection.acknowledge('pubrel', publication.packetIdentifier, 0)
  }

  /** The message is as safe as the store makes it: it may go. */
  #accept(publication: Publication): void {
    publication.stage = 'queued'
    const wire = this.#wire
    if (wire !== undefined && this.#canSendAtOnce() && this.inFlight.hasRoomFor(publication)) {
      return this.#begin(wire, publication)
    }
    this.queue.push(publication)
    this.pump()
  }

  #canSendAtOnce(): boolean {
    return this.inFlight.onWire < this.quota && this.queue.isEmpty && !this.inFlight.hasRepeats && this.isOpen
  }

  #begin(wire: PublishWire, publication: Publication): void {
    // The server had received it from an earlier process.
    if (publication.stage === 'released') {
      this.inFlight.add(publication)
      return this.#repeat(wire, publication)
    }
    const refusal = expiryRefusal(publication, this.#settings, this.#counters) ?? wire.refusalOf(publication)
    if (refusal !== undefined) return this.refuse(publication, refusal)
    publication.stage = 'sent'
    const isRepeated = publication.dup
    this.inFlight.add(publication)
    this.#write(wire, publication, isRepeated)
  }

  #repeat(wire: PublishWire, publication: Publication): void {
    if (publication.stage === 'released') {
      wire.connection.acknowledge('pubrel', publication.packetIdentifier, 0)
      return this.inFlight.sent()
    }
    const refusal = wire.refusalOf(publication)
    if (refusal !== undefined) {
      this.inFlight.remove(publication)
      return this.refuse(publication, refusal)
    }
    // PUBREC came, but the store does not know yet: PUBREL follows when it does. [MQTT-4.3.3-6]
    if (publication.stage === 'releasing') return this.inFlight.sent()
    this.#write(wire, publication, true)
  }

  #write(wire: PublishWire, publication: Publication, isRepeated: boolean): void {
    try {
      wire.encode(publication)
    } catch (error) {
      this.inFlight.remove(publication)
      return this.refuse(publication, error as Error)
    }
    this.inFlight.sent()
    this.rate.take()
    if (isRepeated) this.#counters.messagesRetransmitted++
    else this.#counters.messagesPublished++
  }

  #finish(publication: Publication, packet: Puback | Pubrec | Pubcomp): void {
    this.inFlight.acknowledged(publication)
    if (packet.reasonCode === ReasonCode.quotaExceeded && publication.isPaced) this.rate.slow()
    this.outcomes.answered(publication, packet)
    this.pump()
    if (this.#onIdle.length > 0) this.#checkIdle()
  }

  /** It is not in flight, and will not be sent. */
  refuse(publication: Publication, error: Error): void {
    this.outcomes.failed(publication, error)
    this.#checkIdle()
  }

  /** Throws `PublishError` where the queue does not take it. */
  #requeue(message: DeadLetter): string {
    const publication = publicationOf(message)
    this.enqueue(publication)
    return this.outcomes.receipts.of(publication.sequence)
  }

  /**
   * A new session knows nothing of the old one: what was not received is published anew, without DUP; what was
   * received (PUBREC) is the server's already; what nobody waits for any more is let go.
   */
  #forgetServerState(): void {
    for (const publication of this.inFlight.all()) {
      publication.dup = false
      const isDone = publication.stage === 'released' || publication.stage === 'releasing'
      if (!isDone && !publication.isAbandoned) continue
      this.inFlight.remove(publication)
      this.outcomes.done(publication)
    }
    this.queue.forgetServerState()
    this.#checkIdle()
  }

  #checkIdle(): void {
    if (this.#onIdle.length === 0 || this.unacknowledged > 0) return
    const callbacks = this.#onIdle
    this.#onIdle = []
    for (const callback of callbacks) callback()
  }
}
