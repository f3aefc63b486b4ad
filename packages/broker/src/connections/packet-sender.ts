import {
  encode,
  encodeAcknowledgement,
  type Packet,
  type ProtocolVersion,
  type QoS,
  ReasonCode,
  Writer,
} from '@jamey/protocol'
import type { Delivery } from '../messages/delivery.js'
import type { Message, Outlet } from '../messages/message.js'
import type { ByteStream } from '../ports/byte-stream.js'
import type { DropReason } from '../ports/hooks.js'
import type { AwaitedQueue, ClientLink, LinkFacts } from '../sessions/client-link.js'
import type { AcknowledgementTarget, AcknowledgementType } from '../storage/group-commit.js'
import type { Context } from '../support/context.js'
import { RecentRate } from '../support/recent-rate.js'
import type { WriteBatcher } from '../support/write-batcher.js'
import { isWithin } from './disconnect-writer.js'
import { ResponseBackpressure } from './response-backpressure.js'

/** Queues wait from so many unsent bytes on; QoS 0 may pile up to the limit of queued bytes. */
const FULL_FROM_BYTES = 262_144
/** Encoded in one turn before queues wait for the write at its end. */
const MAXIMUM_PER_TURN_BYTES = 1_048_576

interface SenderContext extends Context {
  readonly writeBatcher: WriteBatcher
}

/** The connection whose packets are sent. */
interface Sending extends LinkFacts {
  end(reasonCode: number, reasonString: string): void
  /** A message of QoS 0 is not sent. */
  onDropped(message: Message, reason: DropReason): void
  /** A turn has ended; `isWritable`: the system took enough that more may be written. */
  onFlushed(isWritable: boolean): void
}

/** Packets out: encoded as they come, and handed to the system in one write per turn. */
export class PacketSender implements Outlet, ClientLink, AcknowledgementTarget {
  readonly writer = new Writer()
  /** Known from CONNECT on. */
  version: ProtocolVersion = 5
  /** The peer's Maximum Packet Size; infinity where it has none. */
  maximumPacketBytes = Number.POSITIVE_INFINITY
  outgoingAliases: Outlet['outgoingAliases']
  waitsFor: AwaitedQueue | undefined
  /** PUBACKs that wait: their publishes still count against our Receive Maximum. */
  heldPubacks = 0
  committing = 0
  publishesSent = 0
  /** Made when somebody asks. */
  #rate: RecentRate | undefined
  readonly #context: SenderContext
  readonly #connection: Sending
  readonly #socket: ByteStream
  readonly #responseBackpressure = new ResponseBackpressure()
  /** `ended`: what was written leaves, and nothing more is. */
  #state: 'open' | 'ended' | 'closed' = 'open'
  #isFull = false
  #isScheduled = false

  constructor(context: SenderContext, connection: Sending, socket: ByteStream) {
    this.#context = context
    this.#connection = connection
    this.#socket = socket
  }

  get facts(): LinkFacts {
    return this.#connection
  }

  publishesPerSecond(): number {
    const { clock } = this.#context
    const { connectedAtMs, publishesReceived } = this.#connection
    const nowMs = clock.now()
    this.#rate ??= new RecentRate(nowMs - (clock.timeOfDay() - connectedAtMs))
    return this.#rate.read(publishesReceived + this.publishesSent, nowMs)
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Bytes that were written and that the system has not taken yet. */
  get backlogBytes(): number {
    return this.writer.pendingBytes + this.#socket.writableLength
  }

  get isWritable(): boolean {
    return !this.#isFull && this.writer.pendingBytes < MAXIMUM_PER_TURN_BYTES
  }

  /** True where the peer has to take its responses before it is read from again. */
  get hasUnread(): boolean {
    return this.#responseBackpressure.areTooMany
  }

  write(packet: Packet): void {
    if (this.#state !== 'open') return
    // [MQTT-3.1.2-24]; acknowledgements of PUBLISH are smaller than CONNACK, which was let through.
    if (!isWithin(packet, this.version, this.maximumPacketBytes)) {
      return this.end(ReasonCode.packetTooLarge, `${packet.type} is larger than the client takes`)
    }
    const before = this.writer.pendingBytes
    encode(this.writer, packet, this.version)
    this.#context.counters.packetsSent++
    if (this.#isFull) this.#responseBackpressure.add(this.writer.pendingBytes - before)
    this.schedule()
  }

  writeAcknowledgement(type: AcknowledgementType, packetIdentifier: number, reasonCode: number): void {
    if (this.#state !== 'open') return
    this.#context.counters.packetsSent++
    encodeAcknowledgement(this.writer, type, packetIdentifier, reasonCode, this.version)
    if (this.#isFull) this.#responseBackpressure.addAcknowledgement()
    this.schedule()
  }

  /** QoS 0: written now or, when the peer reads too slowly, never. `frameIndex` -1: nobody gets the same bytes. */
  sendAtMostOnce(
    message: Message,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    frameIndex: number,
  ): void {
    const { counters, limits, clock } = this.#context
    // Within one turn, too, nobody piles up more than that.
    if (!this.isWritable && this.backlogBytes + message.bytes > limits.queuedBytes) {
      counters.droppedSlow++
      return this.#connection.onDropped(message, 'slow')
    }
    if (message.writeTo(this, 0, retain, false, 0, subscriptionIdentifiers, frameIndex, clock))
      this.#sent(0, message)
    else {
      counters.droppedTooLarge++
      this.#connection.onDropped(message, 'too-large')
    }
  }

  sendDelivery(delivery: Delivery, frameIndex: number): boolean {
    const isWritten = delivery.writeTo(this, frameIndex, this.#context.clock)
    if (isWritten) this.#sent(delivery.qos, delivery.message)
    return isWritten
  }

  #sent(qos: QoS, { payload }: Message): void {
    this.#context.counters.countSent(qos, payload.length)
    this.publishesSent++
    this.schedule()
  }

  /** Has this turn end with a write of what is in `writer`. */
  schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#context.writeBatcher.add(this)
  }

  /** Hands the system everything written in this turn. */
  flush(): void {
    this.#isScheduled = false
    if (this.#isFull || this.#state === 'closed') return this.#connection.onFlushed(false)
    this.#responseBackpressure.clear()
    const socket = this.#socket
    const chunks = this.writer.take()
    if (chunks.length > 1) socket.cork()
    for (const chunk of chunks) {
      this.#context.counters.bytesSent += chunk.length
      socket.write(chunk)
    }
    if (chunks.length > 1) socket.uncork()
    this.#isFull = socket.writableLength >= FULL_FROM_BYTES
    this.#connection.onFlushed(!this.#isFull)
  }

  /** The system took what it had. */
  onDrain(): void {
    this.#isFull = false
    this.flush()
  }

  /** Ends the connection: see `Connection.end`. */
  end(reasonCode: number, reasonString: string): void {
    this.#connection.end(reasonCode, reasonString)
  }

  /** Nothing more is written; what was leaves at once. */
  finish(): void {
    this.#state = 'ended'
    this.onDrain()
  }

  /** The socket is gone. */
  close(): void {
    this.#state = 'closed'
  }
}
