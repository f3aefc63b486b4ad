import type { Socket } from 'node:net'

const ACK_SLAB_BYTES = 65_536
const PUBACK = 0x40
const PUBREC = 0x50
const PUBCOMP = 0x70

/** The receiving half of a load generator: counts messages and answers them with one write per chunk of input. */
export class Acceptor {
  received = 0
  payloadBytes = 0
  readonly faults: string[] = []
  readonly #socket: Socket
  readonly #answers: boolean
  /** By packet identifier: 1 where PUBREC left and PUBREL is to come. */
  readonly #open = new Uint8Array(65_536)
  #slab = Buffer.allocUnsafe(ACK_SLAB_BYTES)
  #from = 0
  #at = 0

  constructor(socket: Socket, answers = true) {
    this.#socket = socket
    this.#answers = answers
  }

  onPublish(bytes: Buffer, at: number, bodyAt: number, size: number): void {
    this.received++
    const qos = ((bytes[at] as number) >> 1) & 3
    const topicBytes = ((bytes[bodyAt] as number) << 8) | (bytes[bodyAt + 1] as number)
    const topicEnd = bodyAt + 2 + topicBytes
    this.payloadBytes += size - (topicEnd - at)
    if (qos === 0 || !this.#answers) return
    const identifier = ((bytes[topicEnd] as number) << 8) | (bytes[topicEnd + 1] as number)
    if (identifier === 0) this.#fault('a PUBLISH with the packet identifier 0')
    if (qos === 1) return this.#answer(PUBACK, identifier)
    if (this.#open[identifier] !== 0) this.#fault(`PUBLISH ${identifier} again before its PUBREL`)
    this.#open[identifier] = 1
    this.#answer(PUBREC, identifier)
  }

  onPubrel(bytes: Buffer, bodyAt: number): void {
    const identifier = ((bytes[bodyAt] as number) << 8) | (bytes[bodyAt + 1] as number)
    if (this.#open[identifier] !== 1) this.#fault(`PUBREL ${identifier} without its PUBLISH`)
    this.#open[identifier] = 0
    this.#answer(PUBCOMP, identifier)
  }

  /** Sends the answers there are. */
  flush(): void {
    if (this.#at === this.#from) return
    this.#socket.write(this.#slab.subarray(this.#from, this.#at))
    this.#from = this.#at
  }

  #answer(firstByte: number, identifier: number): void {
    if (this.#at + 4 > this.#slab.length) {
      this.flush()
      // The socket may keep what it was given, so it is never written again.
      this.#slab = Buffer.allocUnsafe(ACK_SLAB_BYTES)
      this.#from = this.#at = 0
    }
    this.#slab[this.#at] = firstByte
    this.#slab[this.#at + 1] = 2
    this.#slab[this.#at + 2] = identifier >>> 8
    this.#slab[this.#at + 3] = identifier
    this.#at += 4
  }

  #fault(what: string): void {
    if (this.faults.length < 10) this.faults.push(what)
  }
}
