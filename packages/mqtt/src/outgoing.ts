import { isFailure, type Puback, type Pubcomp, type Pubrec, ReasonCode } from '@jamey/protocol'
import { type MqttError, PublishError } from './errors.js'
import { Expiry } from './expiry.js'
import type { OutgoingFacts } from './explanation.js'
import { InFlight } from './in-flight.js'
import type { Journal } from './journal.js'
import type { Link } from './link.js'
import { Pace } from './pace.js'
import { type Publication, publicationOf } from './publication.js'
import { PublishQueue, queueFull } from './publish-queue.js'
import { refused, resultOf, SUCCESS } from './publish-result.js'
import { PublishWire } from './publish-wire.js'
import type { ServerInformation } from './server-information.js'
import type { StoredSession } from './session-store.js'
import { SetAsideMessages } from './set-aside.js'
import { PUBLISH_IDENTIFIERS, type Settings } from './settings.js'
import type { Counters } from './stats.js'

/**
 * The publishing half of a session: every QoS 1 and 2 message goes store -> queue -> in flight -> acknowledged, in
 * the order of publishing, over as many connections as it takes.
 */
export class Outgoing {
  readonly setAside: SetAsideMessages
  readonly pace: Pace
  readonly #settings: Settings
  readonly #counters: Counters
  readonly #journal: Journal
  readonly #queue: PublishQueue
  readonly #inFlight = new InFlight()
  readonly #expiry: Expiry
  #wire: PublishWire | undefined
  /** How many messages may be unacknowledged on this connection: the peer's Receive Maximum. [MQTT-3.3.4-7] */
  #quota = 0
  #onIdle: (() => void)[] = []

  constructor(
    settings: Settings,
    counters: Counters,
    journal: Journal,
    report: (error: MqttError) => void,
    onPaceOpen: () => void,
  ) {
    this.#settings = settings
    this.#counters = counters
    this.#journal = journal
    this.#queue = new PublishQueue(settings.queue, settings.clock)
    this.#expiry = new Expiry(settings, counters)
    this.pace = new Pace(settings.clock, onPaceOpen)
    this.setAside = new SetAsideMessages({
      bounds: settings.queue,
      counters,
      journal,
      report,
      requeue: (message) => this.enqueue(publicationOf(message)),
    })
  }

  /** Messages that are queued or in flight. */
  get unacknowledged(): number {
    return this.#inFlight.count + this.#queue.messages + this.#queue.held
  }

  /** Calls back once nothing is queued or in flight. */
  whenIdle(callback: () => void): void {
    if (this.unacknowledged === 0) callback()
    else this.#onIdle.push(callback)
  }

  /**
   * Takes over what an earlier process left; it is sent first. Within a window of identifiers from the oldest on all
   * of it may have been on the wire, and nothing beyond.
   */
  restore({ publishes }: StoredSession): void {
    let oldest: number | undefined
    let next = 0
    for (const { publish, released, setAside } of publishes) {
      const { sequence } = publish
      const publication = publicationOf(publish)
      next = sequence + 1
      if (setAside !== undefined) {
        this.setAside.restore(publication, setAside)
        continue
      }
      oldest ??= sequence
      if (sequence - oldest >= PUBLISH_IDENTIFIERS) {
        this.#queue.push(publication)
        continue
      }
      publication.stage = released ? 'released' : 'sent'
      publication.dup = true
      this.#inFlight.add(publication)
    }
    this.#journal.begin(next)
  }

  /** QoS 1 and 2. Throws `PublishError` where the queue does not take it. */
  enqueue(publication: Publication): void {
    if (this.#queue.isFullFor(publication) && !this.#canSendAtOnce()) {
      this.#queue.makeRoomFor(publication, this.#counters, (dropped) => this.#journal.remove(dropped))
    }
    this.#expiry.begin(publication)
    if (!this.#journal.isNeeded) {
      publication.sequence = this.#journal.nextSequence()
      return this.#accept(publication)
    }
    publication.stage = 'storing'
    this.#queue.hold(publication)
    this.#journal.append(publication, this.#onStored, this.#onNotStored)
  }

  /** QoS 0, while connected: written at once. Throws `PublishError`. Undefined where there is no connection. */
  sendOnce(publication: Publication): Link | undefined {
    const wire = this.#wire
    if (wire === undefined) return undefined
    if (wire.link.outbox.writer.pendingBytes > this.#settings.queue.maximumBytes) {
      throw queueFull(publication.topic, this.#settings.queue)
    }
    const refusal = wire.refusalOf(publication)
    if (refusal !== undefined) throw refusal
    wire.encode(publication)
    this.#counters.messagesPublished++
    this.pace.take()
    return wire.link
  }

  /** For `explain`. */
  get facts(): OutgoingFacts {
    const next = this.#queue.peek()
    const outbox = this.#wire?.link.outbox
    return {
      quota: this.#quota,
      onWire: this.#inFlight.onWire,
      inFlight: this.#inFlight.count,
      messagesPerSecond: this.pace.messagesPerSecond,
      messages: this.#queue.messages,
      storing: this.#queue.held,
      bytes: this.#queue.bytes,
      oldestAgeMs: this.#queue.oldestAgeMs,
      // The next message would get an identifier that a much older one still has.
      isWindowFull: next !== undefined && !this.#inFlight.hasRoomFor(next.sequence),
      bufferedBytes: outbox?.bufferedBytes ?? 0,
      isWritable: outbox?.isWritable ?? false,
    }
  }

  /** Whether one more message could leave at once, as far as the socket and the server's complaints go. */
  get isOpen(): boolean {
    return this.#wire?.link.outbox.isWritable === true && this.pace.isOpen
  }

  onConnected(link: Link, server: ServerInformation, isResumed: boolean): void {
    this.#wire = new PublishWire(link, server, this.#settings.protocolVersion)
    this.#quota = Math.min(server.receiveMaximum, this.#settings.maximumInFlight)
    if (!isResumed) this.#forgetServerState()
    this.#inFlight.restart()
    this.pump()
  }

  onDisconnected(): void {
    this.#wire = undefined
    this.#quota = 0
  }

  /** Sends what may be sent: first what was sent on an earlier connection, then the queue. [MQTT-4.4.0-1] */
  pump(): void {
    const wire = this.#wire
    if (wire === undefined) return
    while (this.#inFlight.onWire < this.#quota && wire.link.outbox.isWritable) {
      if (!this.#inFlight.hasRepeats && this.#queue.peek() === undefined) return
      if (!this.pace.isOpen) return
      const repeated = this.#inFlight.nextToRepeat()
      if (repeated !== undefined) {
        this.#repeat(wire, repeated)
        continue
      }
      const next = this.#queue.peek()
      if (next === undefined || !this.#inFlight.hasRoomFor(next.sequence)) return
      this.#queue.shift()
      this.#begin(wire, next)
    }
  }

  onPuback(packet: Puback): void {
    const publication = this.#inFlight.get(packet.packetIdentifier)
    if (publication === undefined || publication.qos !== 1) return
    this.#finish(publication, packet)
  }

  onPubrec(link: Link, packet: Pubrec): void {
    const publication = this.#inFlight.get(packet.packetIdentifier)
    if (publication === undefined || publication.qos !== 2) {
      // [MQTT-4.3.3-4] asks for an answer; 0x92 says that there is nothing of the kind here.
      link.acknowledge('pubrel', packet.packetIdentifier, ReasonCode.packetIdentifierNotFound)
      return
    }
    if (isFailure(packet.reasonCode)) return this.#finish(publication, packet)
    if (packet.reasonCode !== ReasonCode.success) publication.received = packet
    if (publication.stage === 'releasing') return
    publication.stage = 'released'
    if (!this.#journal.isNeeded) return link.acknowledge('pubrel', packet.packetIdentifier, 0)
    publication.stage = 'releasing'
    this.#journal.release(publication, this.#onReleased, this.#onNotReleased)
  }

  onPubcomp(packet: Pubcomp): void {
    const publication = this.#inFlight.get(packet.packetIdentifier)
    if (publication === undefined || publication.qos !== 2) return
    // Its PUBCOMP was lost, and the server is done with it: no failure. [MQTT 5.0 section 4.13.2, 0x92]
    const isDone = packet.reasonCode === ReasonCode.packetIdentifierNotFound
    this.#finish(publication, publication.received ?? (isDone ? { ...packet, reasonCode: 0 } : packet))
  }

  /** The caller gives up. True where the message may be delivered all the same. */
  giveUp(publication: Publication): boolean {
    switch (publication.stage) {
      case 'queued':
        this.#queue.withdraw(publication)
        this.#journal.remove(publication)
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

  /** Rejects everything that waits; nothing will be sent any more. */
  close(makeError: (publication: Publication) => PublishError): number {
    let left = 0
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      next.fail(makeError(next))
      left++
    }
    for (const publication of this.#inFlight.all()) {
      publication.fail(makeError(publication))
      left++
    }
    this.#inFlight.clear()
    this.pace.stop()
    this.#journal.failAppending(makeError)
    this.#wire = undefined
    this.#checkIdle()
    return left + this.#queue.held
  }

  readonly #onStored = (publication: Publication): void => {
    this.#queue.unhold(publication)
    if (publication.isAbandoned) {
      publication.stage = 'settled'
      this.#journal.remove(publication)
      return this.#checkIdle()
    }
    if (publication.settlesWhenStored) publication.settle(SUCCESS)
    this.#accept(publication)
  }

  readonly #onNotStored = (publication: Publication, error: PublishError): void => {
    this.#queue.unhold(publication)
    publication.stage = 'settled'
    publication.fail(error)
    this.#checkIdle()
  }

  /** PUBREL must not go. PUBLISH is repeated with the next connection, and answered with PUBREC again. */
  readonly #onNotReleased = (publication: Publication): void => {
    if (publication.stage === 'releasing') publication.stage = 'sent'
  }

  readonly #onReleased = (publication: Publication): void => {
    publication.stage = 'released'
    this.#wire?.link.acknowledge('pubrel', publication.packetIdentifier, 0)
  }

  /** The message is as safe as the store makes it: it may go. */
  #accept(publication: Publication): void {
    publication.stage = 'queued'
    if (publication.settlesWhenStored) publication.settle(SUCCESS)
    const wire = this.#wire
    if (wire !== undefined && this.#canSendAtOnce() && this.#inFlight.hasRoomFor(publication.sequence)) {
      return this.#begin(wire, publication)
    }
    this.#queue.push(publication)
    this.pump()
  }

  #canSendAtOnce(): boolean {
    return (
      this.#inFlight.onWire < this.#quota &&
      this.#queue.messages === 0 &&
      !this.#inFlight.hasRepeats &&
      this.isOpen
    )
  }

  #begin(wire: PublishWire, publication: Publication): void {
    const refusal = this.#expiry.refusalOf(publication) ?? wire.refusalOf(publication)
    if (refusal !== undefined) return this.#refuse(publication, refusal)
    publication.stage = 'sent'
    this.#inFlight.add(publication)
    try {
      wire.encode(publication)
    } catch (error) {
      this.#inFlight.remove(publication)
      return this.#refuse(publication, error as Error)
    }
    this.#inFlight.sent()
    this.pace.take()
    this.#counters.messagesPublished++
  }

  #repeat(wire: PublishWire, publication: Publication): void {
    if (publication.stage === 'released') {
      wire.link.acknowledge('pubrel', publication.packetIdentifier, 0)
      return this.#inFlight.sent()
    }
    const refusal = wire.refusalOf(publication)
    if (refusal !== undefined) {
      this.#inFlight.remove(publication)
      return this.#refuse(publication, refusal)
    }
    // PUBREC came, but the store does not know yet: PUBREL follows when it does. [MQTT-4.3.3-6]
    if (publication.stage === 'releasing') return this.#inFlight.sent()
    try {
      wire.encode(publication)
    } catch (error) {
      this.#inFlight.remove(publication)
      return this.#refuse(publication, error as Error)
    }
    this.#inFlight.sent()
    this.pace.take()
    this.#counters.messagesRetransmitted++
  }

  #finish(publication: Publication, packet: Puback | Pubrec | Pubcomp): void {
    this.#inFlight.acknowledged(publication)
    const { reasonCode, properties } = packet
    if (isFailure(reasonCode)) {
      this.#counters.messagesRefused++
      if (reasonCode === ReasonCode.quotaExceeded) this.pace.slow()
      this.#giveBack(publication, refused(publication, reasonCode, properties?.reasonString))
    } else {
      this.#journal.remove(publication)
      publication.stage = 'settled'
      this.#counters.messagesAcknowledged++
      publication.settle(properties === undefined && reasonCode === 0 ? SUCCESS : resultOf(packet))
    }
    this.pump()
    if (this.#onIdle.length > 0) this.#checkIdle()
  }

  #refuse(publication: Publication, error: Error): void {
    this.#giveBack(publication, error)
    this.#checkIdle()
  }

  /** It will not be delivered: whoever waits is told, and what nobody waits for is set aside. */
  #giveBack(publication: Publication, error: Error): void {
    const isOrphan = publication.reject === undefined && !publication.isAbandoned
    publication.stage = 'settled'
    if (isOrphan && error instanceof PublishError && error.code !== 'expired') {
      return this.setAside.add(publication, error)
    }
    this.#journal.remove(publication)
    publication.fail(error)
  }

  /**
   * A new session knows nothing of the old one: what was not received is published anew, without DUP; what was
   * received (PUBREC) is the server's already; what nobody waits for any more is let go.
   */
  #forgetServerState(): void {
    for (const publication of this.#inFlight.all()) {
      publication.dup = false
      const isDone = publication.stage === 'released' || publication.stage === 'releasing'
      if (!isDone && !publication.isAbandoned) continue
      this.#inFlight.remove(publication)
      this.#journal.remove(publication)
      publication.stage = 'settled'
      publication.settle(SUCCESS)
    }
    this.#checkIdle()
  }

  #checkIdle(): void {
    if (this.#onIdle.length === 0 || this.unacknowledged > 0) return
    const callbacks = this.#onIdle
    this.#onIdle = []
    for (const callback of callbacks) callback()
  }
}
