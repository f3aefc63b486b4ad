import {
  encodePublish,
  isFailure,
  ProtocolError,
  type Puback,
  type Pubcomp,
  type Pubrec,
  ReasonCode,
} from '@jamey/protocol'
import { PublishError } from './errors.js'
import { InFlight } from './in-flight.js'
import type { Journal } from './journal.js'
import type { Link } from './link.js'
import type { Publication } from './publication.js'
import { PublishLimits } from './publish-limits.js'
import { PublishQueue, queueFull } from './publish-queue.js'
import { refused, resultOf, SUCCESS } from './publish-result.js'
import type { ServerInformation } from './server-information.js'
import type { StoredSession } from './session-store.js'
import type { Settings } from './settings.js'
import type { Counters } from './stats.js'
import { OutgoingAliases } from './topic-aliases.js'

/**
 * The publishing half of a session: every QoS 1 and 2 message goes store -> queue -> in flight -> acknowledged, in
 * the order of publishing, over as many connections as it takes.
 */
export class Outgoing {
  readonly #settings: Settings
  readonly #counters: Counters
  readonly #journal: Journal
  readonly #queue: PublishQueue
  readonly #inFlight = new InFlight()
  #limits: PublishLimits
  #aliases = new OutgoingAliases(0)
  #link: Link | undefined
  /** How many messages may be unacknowledged on this connection: the peer's Receive Maximum. [MQTT-3.3.4-7] */
  #quota = 0
  #sequence = 0
  #onIdle: (() => void)[] = []

  constructor(settings: Settings, counters: Counters, journal: Journal) {
    this.#settings = settings
    this.#counters = counters
    this.#journal = journal
    this.#queue = new PublishQueue(settings.queue)
    this.#limits = new PublishLimits(settings.protocolVersion, undefined)
  }

  get queuedMessages(): number {
    return this.#queue.messages + this.#queue.held
  }

  get queuedBytes(): number {
    return this.#queue.bytes
  }

  get inFlightMessages(): number {
    return this.#inFlight.count
  }

  get isIdle(): boolean {
    return this.#inFlight.count === 0 && this.queuedMessages === 0
  }

  /** Calls back once nothing is queued or in flight. */
  whenIdle(callback: () => void): void {
    if (this.isIdle) callback()
    else this.#onIdle.push(callback)
  }

  /** Takes over what an earlier process left; it is sent first. All of it may have been on the wire. */
  restore(session: StoredSession, restored: readonly Publication[]): void {
    for (const [i, publication] of restored.entries()) {
      publication.sequence = session.publishes[i]?.publish.sequence ?? 0
      publication.stage = session.publishes[i]?.released ? 'released' : 'sent'
      publication.dup = true
      this.#inFlight.add(publication)
      this.#sequence = publication.sequence + 1
    }
  }

  /** QoS 1 and 2. Throws `PublishError` where the queue does not take it. */
  enqueue(publication: Publication): void {
    if (this.#queue.isFullFor(publication) && !this.#canSendAtOnce()) this.#makeRoom(publication)
    publication.sequence = this.#sequence++
    if (publication.properties?.messageExpiryInterval !== undefined || this.#hasAgeBound()) {
      publication.queuedAt = this.#settings.clock.now()
    }
    if (!this.#journal.isNeeded) return this.#accept(publication)
    publication.stage = 'storing'
    this.#queue.hold(publication)
    this.#journal.append(publication, this.#onStored, this.#onNotStored)
  }

  /** QoS 0, while connected: written at once. Throws `PublishError`. Undefined where there is no connection. */
  sendOnce(publication: Publication): Link | undefined {
    const link = this.#link
    if (link === undefined) return undefined
    if (link.outbox.writer.pendingBytes > this.#settings.queue.maximumBytes) {
      throw queueFull(publication.topic, this.#settings.queue)
    }
    const refusal = this.#limits.refusalOf(publication)
    if (refusal !== undefined) throw refusal
    this.#encode(link, publication)
    this.#counters.messagesPublished++
    return link
  }

  onConnected(link: Link, server: ServerInformation, isResumed: boolean): void {
    this.#link = link
    this.#quota = Math.min(server.receiveMaximum, this.#settings.maximumInFlight)
    this.#limits = new PublishLimits(this.#settings.protocolVersion, server)
    this.#aliases = new OutgoingAliases(server.topicAliasMaximum)
    if (!isResumed) this.#forgetServerState()
    this.#inFlight.restart()
    this.pump()
  }

  onDisconnected(): void {
    this.#link = undefined
    this.#quota = 0
  }

  /** Sends what may be sent: first what was sent on an earlier connection, then the queue. [MQTT-4.4.0-1] */
  pump(): void {
    const link = this.#link
    if (link === undefined) return
    while (this.#inFlight.onWire < this.#quota && link.outbox.isWritable) {
      const repeated = this.#inFlight.nextToRepeat()
      if (repeated !== undefined) {
        this.#repeat(link, repeated)
        continue
      }
      const next = this.#queue.peek()
      if (next === undefined || !this.#inFlight.hasRoomFor(next.sequence)) return
      this.#queue.shift()
      this.#begin(link, next)
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
    if (publication.stage === 'releasing') return
    publication.stage = 'released'
    if (!this.#journal.isNeeded) return link.acknowledge('pubrel', packet.packetIdentifier, 0)
    publication.stage = 'releasing'
    this.#journal.release(publication, this.#onReleased)
  }

  onPubcomp(packet: Pubcomp): void {
    const publication = this.#inFlight.get(packet.packetIdentifier)
    if (publication === undefined || publication.qos !== 2) return
    this.#finish(publication, packet)
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
    this.#journal.failAppending(makeError)
    this.#link = undefined
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

  readonly #onReleased = (publication: Publication): void => {
    publication.stage = 'released'
    this.#link?.acknowledge('pubrel', publication.packetIdentifier, 0)
  }

  /** The message is as safe as the store makes it: it may go. */
  #accept(publication: Publication): void {
    publication.stage = 'queued'
    if (publication.settlesWhenStored) publication.settle(SUCCESS)
    const link = this.#link
    if (link !== undefined && this.#canSendAtOnce() && this.#inFlight.hasRoomFor(publication.sequence)) {
      return this.#begin(link, publication)
    }
    this.#queue.push(publication)
    this.pump()
  }

  #canSendAtOnce(): boolean {
    const link = this.#link
    return (
      link !== undefined &&
      this.#inFlight.onWire < this.#quota &&
      this.#queue.messages === 0 &&
      !this.#inFlight.hasRepeats &&
      link.outbox.isWritable
    )
  }

  #begin(link: Link, publication: Publication): void {
    const refusal = this.#expiryOf(publication) ?? this.#limits.refusalOf(publication)
    if (refusal !== undefined) return this.#refuse(publication, refusal)
    publication.stage = 'sent'
    this.#inFlight.add(publication)
    try {
      this.#encode(link, publication)
    } catch (error) {
      this.#inFlight.remove(publication)
      return this.#refuse(publication, error as Error)
    }
    this.#inFlight.sent()
    this.#counters.messagesPublished++
  }

  #repeat(link: Link, publication: Publication): void {
    if (publication.stage === 'released') {
      link.acknowledge('pubrel', publication.packetIdentifier, 0)
      return this.#inFlight.sent()
    }
    const refusal = this.#limits.refusalOf(publication)
    if (refusal !== undefined) {
      this.#inFlight.remove(publication)
      return this.#refuse(publication, refusal)
    }
    this.#inFlight.sent()
    // PUBREC came, but the store does not know yet: PUBREL follows when it does. [MQTT-4.3.3-6]
    if (publication.stage === 'releasing') return
    this.#encode(link, publication)
    this.#counters.messagesRetransmitted++
  }

  #encode(link: Link, publication: Publication): void {
    const packet = this.#aliases.apply(publication)
    try {
      encodePublish(link.outbox.writer, packet, this.#settings.protocolVersion)
    } catch (error) {
      this.#aliases.undo(packet, publication)
      if (!(error instanceof ProtocolError)) throw error
      throw new PublishError('invalid-argument', `publish: ${error.message}`, { cause: error })
    }
    link.outbox.written()
    // From here on the bytes may be on their way. [MQTT-3.3.1-1]
    if (publication.qos !== 0) publication.dup = true
  }

  #finish(publication: Publication, packet: Puback | Pubrec | Pubcomp): void {
    this.#inFlight.acknowledged(publication)
    this.#journal.remove(publication)
    publication.stage = 'settled'
    const { reasonCode, properties } = packet
    if (isFailure(reasonCode)) {
      this.#counters.messagesRefused++
      publication.fail(refused(publication, reasonCode, properties?.reasonString))
    } else {
      this.#counters.messagesAcknowledged++
      publication.settle(properties === undefined && reasonCode === 0 ? SUCCESS : resultOf(packet))
    }
    this.pump()
    if (this.#onIdle.length > 0) this.#checkIdle()
  }

  #refuse(publication: Publication, error: Error): void {
    publication.stage = 'settled'
    this.#journal.remove(publication)
    publication.fail(error)
    this.#checkIdle()
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

  #makeRoom(publication: Publication): void {
    const { whenFull } = this.#settings.queue
    const oldest = whenFull === 'drop-oldest' ? this.#queue.shift() : undefined
    this.#counters.messagesDropped++
    if (oldest === undefined) throw queueFull(publication.topic, this.#settings.queue)
    oldest.stage = 'settled'
    this.#journal.remove(oldest)
    oldest.fail(
      new PublishError(
        'dropped',
        `publish to '${oldest.topic}': newer messages pushed it out of the full queue`,
      ),
    )
    if (this.#queue.isFullFor(publication)) this.#makeRoom(publication)
  }

  #hasAgeBound(): boolean {
    return this.#settings.queue.maximumAgeMs !== Number.POSITIVE_INFINITY
  }

  /** What has waited longer than it may is not sent; what goes on has that much less time left. [MQTT-3.3.2-6] */
  #expiryOf(publication: Publication): PublishError | undefined {
    const { queuedAt, properties } = publication
    const interval = properties?.messageExpiryInterval
    if (queuedAt === 0) return undefined
    const waitedMs = this.#settings.clock.now() - queuedAt
    const allowedMs = Math.min(
      this.#settings.queue.maximumAgeMs,
      (interval ?? Number.POSITIVE_INFINITY) * 1000,
    )
    const waitedSeconds = Math.floor(waitedMs / 1000)
    if (waitedMs >= allowedMs && waitedMs > 0) {
      this.#counters.messagesExpired++
      return new PublishError(
        'expired',
        `publish to '${publication.topic}': waited ${Math.round(waitedMs)} ms`,
      )
    }
    if (interval !== undefined && waitedSeconds > 0) {
      publication.properties = { ...properties, messageExpiryInterval: interval - waitedSeconds }
    }
    return undefined
  }

  #checkIdle(): void {
    if (this.#onIdle.length === 0 || !this.isIdle) return
    const callbacks = this.#onIdle
    this.#onIdle = []
    for (const callback of callbacks) callback()
  }
}
