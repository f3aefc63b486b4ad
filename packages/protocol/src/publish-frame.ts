import { encodePublish } from './encode.js'
import type { ProtocolVersion, Publish } from './packets.js'
import { Writer } from './writer.js'

/** All frames are written with it, one after the other; bytes that it has handed over are never written again. */
const scratch = new Writer()

/**
 * A PUBLISH that is encoded once and sent to many. All receivers get the same bytes; only the packet identifier
 * differs.
 */
export class PublishFrame {
  /** Bytes on the wire. */
  readonly bytes: number
  /** The whole packet, or, where the payload is long, all that stands before it. */
  readonly #head: Uint8Array
  readonly #payload: Uint8Array | undefined
  readonly #identifierAt: number

  /** `publish.packetIdentifier` is not looked at. A payload of 16 KiB or more is kept, not copied. See `encodePublish`. */
  constructor(publish: Publish, version: ProtocolVersion, encoded?: Uint8Array | undefined) {
    const hasIdentifier = publish.qos !== 0
    encodePublish(scratch, hasIdentifier ? { ...publish, packetIdentifier: 1 } : publish, version, 0, encoded)
    this.bytes = scratch.pendingBytes
    const [head, payload] = joinedHead(scratch.take(), publish.payload)
    this.#head = head
    this.#payload = payload
    this.#identifierAt = hasIdentifier ? identifierOffset(head) : -1
  }

  writeTo(writer: Writer, packetIdentifier: number): void {
    const head = this.#head
    const at = this.#identifierAt
    if (at >= 0) {
      // The identifier may be written in place, for the writer copies it at once.
      head[at] = packetIdentifier >>> 8
      head[at + 1] = packetIdentifier
    }
    writer.bytes(head)
    if (this.#payload !== undefined) writer.append(this.#payload)
  }
}

/** The one or two chunks of a packet: its head, and its payload where that was not copied. */
function joinedHead(chunks: Uint8Array[], payload: Uint8Array): [Uint8Array, Uint8Array | undefined] {
  const [head, rest] = chunks
  if (head === undefined || chunks.length > 2)
    throw new Error('a packet is one chunk, and its payload at most a second')
  return [head, rest === undefined ? undefined : payload]
}

/** The packet identifier stands behind the fixed header and the topic. Section 3.3.2. */
function identifierOffset(head: Uint8Array): number {
  let at = 1
  while ((head[at] as number) > 127) at++
  at++
  return at + 2 + (((head[at] as number) << 8) | (head[at + 1] as number))
}
