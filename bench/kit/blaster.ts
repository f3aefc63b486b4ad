import type { Socket } from 'node:net'
import type { QoS } from '@jamey/protocol'
import type { FrameRing } from './frame-ring.js'

/** No further write while the socket has this much. */
const FULL_FROM_BYTES = 524_288
const BYTES_PER_WRITE = 262_144
const PUBACK = 4
const PUBREC = 5
const PUBCOMP = 7

export interface BlasterOptions {
  readonly socket: Socket
  readonly ring: FrameRing
  readonly qos: QoS
  /** Messages of QoS 1 and 2 that are unacknowledged at all times. */
  readonly window: number
  /** How many more messages may go, whatever the socket and the window allow; any number by default. */
  readonly room?: () => number
}

/**
 * The sending half of a load generator: messages as fast as the receiver takes them, at QoS 1 and 2 with `window` of
 * them unacknowledged at all times.
 *
 * Whatever one read brings is answered in the same turn with as many new messages. That is not only for speed: a
 * receiver with Nagle's algorithm on holds its next small acknowledgement back until the system's delayed ACK, up to
 * 40 ms later, unless data goes back at once; a sender that now and then lets acknowledgements come in without
 * sending anything would measure those 40 ms.
 */
export class Blaster {
  sent = 0
  acknowledged = 0
  readonly faults: string[] = []
  readonly #socket: Socket
  readonly #ring: FrameRing
  readonly #qos: QoS
  readonly #window: number
  readonly #room: () => number
  /** By packet identifier: 1 sent, 2 released. */
  readonly #stages = new Uint8Array(65_536)
  readonly #onDrain = (): void => this.fill()
  #position = 0
  #releases: number[] = []
  #isStopped = false

  constructor({ socket, ring, qos, window, room = () => Number.POSITIVE_INFINITY }: BlasterOptions) {
    this.#socket = socket
    this.#ring = ring
    this.#qos = qos
    this.#window = window
    this.#room = room
    socket.on('drain', this.#onDrain)
  }

  stop(): void {
    this.#isStopped = true
    this.#socket.off('drain', this.#onDrain)
  }

  onAcknowledgement(bytes: Buffer, at: number, bodyAt: number, size: number): void {
    const type = (bytes[at] as number) >> 4
    const identifier = ((bytes[bodyAt] as number) << 8) | (bytes[bodyAt + 1] as number)
    if (size > 4 && (bytes[bodyAt + 2] as number) >= 0x80) this.#fault(`a refusal of message ${identifier}`)
    const stage = this.#stages[identifier]
    if (type === PUBACK && this.#qos === 1 && stage === 1) this.#finish(identifier)
    else if (type === PUBREC && this.#qos === 2 && stage === 1) {
      this.#stages[identifier] = 2
      this.#releases.push(identifier)
    } else if (type === PUBCOMP && stage === 2) this.#finish(identifier)
    else this.#fault(`packet type ${type} for message ${identifier}, which does not wait for it`)
  }

  /** Sends what may be sent; to be called after every chunk of input. */
  fill(): void {
    if (this.#releases.length > 0) this.#sendReleases()
    while (!this.#isStopped && this.#socket.writableLength < FULL_FROM_BYTES) {
      const quota = this.#qos === 0 ? this.#ring.length : this.#window - (this.sent - this.acknowledged)
      const room = Math.min(quota, this.#room())
      if (room <= 0) return
      const count = this.#ring.countFrom(this.#position, room, BYTES_PER_WRITE)
      if (this.#qos !== 0 && !this.#begin(count)) return
      this.#socket.write(this.#ring.slice(this.#position, count))
      this.sent += count
      this.#position = (this.#position + count) % this.#ring.length
    }
  }

  /** False where an identifier is still in use: acknowledgements came far out of order. */
  #begin(count: number): boolean {
    for (let i = 1; i <= count; i++) {
      if (this.#stages[this.#position + i] !== 0) return false
    }
    this.#stages.fill(1, this.#position + 1, this.#position + count + 1)
    return true
  }

  #finish(identifier: number): void {
    this.#stages[identifier] = 0
    this.acknowledged++
  }

  #sendReleases(): void {
    const bytes = Buffer.allocUnsafe(this.#releases.length * 4)
    this.#releases.forEach((identifier, i) => {
      bytes.writeUInt16BE(0x6202, i * 4)
      bytes.writeUInt16BE(identifier, i * 4 + 2)
    })
    this.#releases = []
    this.#socket.write(bytes)
  }

  #fault(what: string): void {
    if (this.faults.length < 10) this.faults.push(what)
  }
}
