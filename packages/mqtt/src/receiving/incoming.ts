import { type Publish, type Pubrel, ReasonCode } from '@jamey/protocol'
import type { Connection } from '../connection/connection.js'
import { violation } from '../connection/connection-errors.js'
import { MessageError } from '../model/errors.js'
import type { Message } from '../model/message.js'
import type { StoredIncoming } from '../model/session-store.js'
import type { Settings } from '../model/settings.js'
import type { Counters } from '../model/stats.js'
import type { StoreWriter } from '../publishing/store-writer.js'
import { digestOf, isSameBytes } from '../support/bytes.js'
import { Fifo } from '../support/fifo.js'
import type { Handling } from './handling.js'
import { IncomingAliases } from './incoming-aliases.js'
import { isThenable, NOT_CONSUMED, ReceivedPublish } from './received-publish.js'

/** QoS 0 handlers that may be at work at once; QoS 1 and 2 are bounded by our Receive Maximum. */
const MAXIMUM_QOS0_RUNNING = 65_536
/** Deliveries kept for use again. */
const MAXIMUM_SPARE = 1024

/** Finds the handlers a message is for. */
export type FindHandlings = (packet: Publish) => readonly Handling[]

/**
 * The receiving half of a session: hands messages to their handlers and acknowledges them in the order of arrival
 * once the handlers have settled. [MQTT-4.6.0-2] Reading never waits for handlers.
 */
export class Incoming {
  readonly #settings: Settings
  readonly #counters: Counters
  readonly #storeWriter: StoreWriter
  readonly #find: FindHandlings
  #aliases: IncomingAliases
  #connection: Connection | undefined
  /** Ours, where the server knows it: before MQTT 5.0 there is none. */
  #receiveMaximum = Number.POSITIVE_INFINITY
  /** Messages that wait for their acknowledgement, in order of arrival. */
  readonly queue = new Fifo<ReceivedPublish>()
  #spare: ReceivedPublish[] = []
  /** Deliveries whose handlers were at work when their connection ended, by packet identifier. */
  readonly carried = new Map<number, ReceivedPublish>()
  /** Digests by packet identifier of QoS 2 messages that were delivered, and whose PUBREL is still to come. [MQTT-4.3.3-10] */
  readonly #received = new Map<number, number | undefined>()
  /** The server may have lost its session without our knowing: its CONNACK was lost, too. */
  #isInDoubt = false
  #running = 0
  #onIdle: (() => void)[] = []

  constructor(settings: Settings, counters: Counters, storeWriter: StoreWriter, find: FindHandlings) {
    this.#settings = settings
    this.#counters = counters
    this.#storeWriter = storeWriter
    this.#find = find
    this.#aliases = new IncomingAliases(settings.topicAliasMaximum)
  }

  /** Handlers at work. */
  get running(): number {
    return this.#running
  }

  /** Messages without their acknowledgement. */
  get unacknowledged(): number {
    return this.queue.length
  }

  whenIdle(callback: () => void): void {
    if (this.#running === 0) callback()
    else this.#onIdle.push(callback)
  }

  restore(received: readonly StoredIncoming[]): void {
    for (const { packetIdentifier, digest } of received) this.#received.set(packetIdentifier, digest)
  }

  onConnected(connection: Connection, isResumed: boolean, isInDoubt: boolean): void {
    this.#connection = connection
    this.#receiveMaximum =
      connection.protocolVersion === 5 ? this.#settings.receiveMaximum : Number.POSITIVE_INFINITY
    this.#isInDoubt = isResumed && (isInDoubt || this.#isInDoubt)
    this.#aliases = new IncomingAliases(this.#settings.topicAliasMaximum)
    if (isResumed) return
    for (const received of this.carried.values()) received.isForgotten = true
    this.carried.clear()
    this.#received.clear()
    this.#storeWriter.transactions?.forgetReceived()
  }

  /** The server will send again what we did not acknowledge; what is still being worked on joins that later. */
  onDisconnected(): void {
    this.#connection = undefined
    for (let received = this.queue.shift(); received !== undefined; received = this.queue.shift()) {
      received.isQueued = false
      received.isStale = true
      if (received.packet !== undefined && !received.isLeft) {
        this.carried.set(received.packet.packetIdentifier, received)
      }
    }
  }

  /** `handlings`: those for it, where not all that it is for. Throws `ProtocolError` where the topic alias is none. */
  onPublish(packet: Publish, handlings?: readonly Handling[]): void {
    this.#counters.messagesReceived++
    if (packet.properties !== undefined) this.#aliases.resolve(packet)
    if (packet.qos === 0) return this.#deliverOnce(packet, handlings)
    this.#checkReceiveMaximum()
    if (packet.qos === 2) {
      const digest = digestOf(packet.topic, packet.payload)
      if (this.#isRepeated(packet, digest)) return this.#repeatPubrec(packet, digest)
      this.#received.set(packet.packetIdentifier, digest)
    }
    if (packet.dup && this.carried.size > 0 && this.#joinCarried(packet)) return
    this.#deliver(packet, handlings)
  }

  /**
   * Whether a QoS 2 message is one that we have. The identifier says so as long as the session is the one we know; the
   * rest is for the server that lost it unnoticed, and now uses the identifier for another message.
   */
  #isRepeated({ packetIdentifier, dup }: Publish, digest: number): boolean {
    if (!this.#received.has(packetIdentifier)) return false
    const known = this.#received.get(packetIdentifier)
    if (known !== undefined && known !== digest) return false
    // A message that is sent for the first time can be none that we have. [MQTT-3.3.1-1]
    return dup || !this.#isInDoubt
  }

  onPubrel(connection: Connection, packet: Pubrel): void {
    const isKnown = this.#received.delete(packet.packetIdentifier)
    if (isKnown) this.#storeWriter.transactions?.complete(packet.packetIdentifier)
    connection.acknowledge(
      'pubcomp',
      packet.packetIdentifier,
      isKnown ? ReasonCode.success : ReasonCode.packetIdentifierNotFound,
    )
  }

  #deliverOnce(packet: Publish, handlings = this.#find(packet)): void {
    for (let i = 0; i < handlings.length; i++) {
      if (this.#running >= MAXIMUM_QOS0_RUNNING) {
        this.#counters.messagesDroppedOnReceipt++
        continue
      }
      try {
        const result = (handlings[i] as Handling).handler(packet)
        if (!isThenable(result)) continue
        this.#running++
        result.then(this.#onQoS0Done, this.#onQoS0Failed)
      } catch (error) {
        this.onHandlerFailed(error, packet)
      }
    }
  }

  #deliver(packet: Publish, handlings = this.#find(packet)): void {
    const received = this.#take(packet)
    this.#running++
    if (received.run(packet, handlings)) this.#finish(received)
    else {
      received.beganAtMs = this.#settings.clock.now()
      this.#enqueue(received)
    }
  }

  /** [MQTT-3.3.4-9] */
  #checkReceiveMaximum(): void {
    if (this.queue.length < this.#receiveMaximum) return
    const message = `more than ${this.#receiveMaximum} unacknowledged messages, our Receive Maximum`
    throw violation(message, ReasonCode.receiveMaximumExceeded)
  }

  /** `ReceivedPublishListener`: the last handler has settled. */
  onSettled(received: ReceivedPublish): void {
    this.#finish(received)
  }

  onHandlerFailed(error: unknown, message: Message): void {
    this.#report(error, `message on '${message.topic}'`)
  }

  #report(cause: unknown, what: string): void {
    this.#counters.handlerFailures++
    const reason = cause instanceof Error ? cause.message : String(cause)
    this.#settings.onBackgroundError(
      new MessageError('handler-failed', `handler of a ${what} failed: ${reason}`, { cause }),
    )
  }

  /** The handlers are done with it; QoS 2 then goes into the store before anyone is told. */
  #finish(received: ReceivedPublish): void {
    this.#stopRunning()
    const { packet } = received
    if (received.isForgotten) return
    if (received.isLeft) {
      if (packet?.qos === 2) this.#received.delete(packet.packetIdentifier)
      return this.#settle(received)
    }
    if (packet?.qos !== 2) return this.#settle(received)
    // A failure ends the exchange: there will be no PUBREL. [MQTT-4.3.3-9]
    if (received.reasonCode !== 0) this.#received.delete(packet.packetIdentifier)
    else if (this.#storeWriter.isNeeded) {
      if (!received.isQueued && !received.isStale) this.#enqueue(received)
      return this.#remember(received, packet)
    }
    this.#settle(received)
  }

  /**
   * PUBREC needs a record of the message: without one the server repeats the message, and others do not wait for it.
   */
  #remember(received: ReceivedPublish, packet: Publish): void {
    const settle = (): void => {
      if (!received.isForgotten) this.#settle(received)
    }
    const digest = this.#received.get(packet.packetIdentifier) ?? digestOf(packet.topic, packet.payload)
    this.#storeWriter.transactions?.receive(packet.packetIdentifier, digest, settle, () => {
      received.isLeft = true
      settle()
    })
  }

  #settle(received: ReceivedPublish): void {
    received.isSettled = true
    if (received.isQueued) return this.#acknowledgeSettled()
    if (received.isStale) return
    if (this.queue.length > 0) return this.#enqueue(received)
    this.#acknowledge(received)
  }

  #enqueue(received: ReceivedPublish): void {
    received.isQueued = true
    this.queue.push(received)
  }

  #acknowledgeSettled(): void {
    for (let head = this.queue.peek(); head?.isSettled; head = this.queue.peek()) {
      this.queue.shift()
      this.#acknowledge(head)
    }
  }

  #acknowledge(received: ReceivedPublish): void {
    const { packet } = received
    if (packet !== undefined && !received.isLeft) {
      const type = packet.qos === 1 ? 'puback' : 'pubrec'
      this.#connection?.acknowledge(type, packet.packetIdentifier, received.reasonCode)
    }
    received.packet = undefined
    if (this.#spare.length < MAXIMUM_SPARE) this.#spare.push(received)
  }

  /** A QoS 2 message that came once more is not delivered, only acknowledged, after those before it. */
  #repeatPubrec(packet: Publish, digest: number): void {
    this.#received.set(packet.packetIdentifier, digest)
    if (this.#joinCarried(packet)) return
    const received = this.#take(packet)
    if (!this.#storeWriter.isNeeded) return this.#settle(received)
    // The first time, the store may have failed.
    this.#enqueue(received)
    this.#remember(received, packet)
  }

  /** A message whose handlers were at work when the connection ended is not handed out a second time. */
  #joinCarried(packet: Publish): boolean {
    const carried = this.carried.get(packet.packetIdentifier)
    if (carried === undefined) return false
    this.carried.delete(packet.packetIdentifier)
    const { packet: former } = carried
    if (former === undefined || !isSameMessage(former, packet)) {
      // The identifier is another message's by now.
      carried.isForgotten = true
      return false
    }
    // The handler failed in the meantime and wants the message again.
    if (carried.isLeft && carried.isSettled) return false
    carried.isStale = false
    this.#enqueue(carried)
    this.#acknowledgeSettled()
    return true
  }

  #take(packet: Publish): ReceivedPublish {
    const received = this.#spare.pop() ?? new ReceivedPublish(this)
    received.begin(packet)
    return received
  }

  #stopRunning(): void {
    if (--this.#running > 0 || this.#onIdle.length === 0) return
    const callbacks = this.#onIdle
    this.#onIdle = []
    for (const callback of callbacks) callback()
  }

  readonly #onQoS0Done = (): void => this.#stopRunning()

  readonly #onQoS0Failed = (error: unknown): void => {
    this.#stopRunning()
    if (error !== NOT_CONSUMED) this.#report(error, 'QoS 0 message')
  }
}

function isSameMessage(a: Publish, b: Publish): boolean {
  return a.qos === b.qos && a.topic === b.topic && isSameBytes(a.payload, b.payload)
}
