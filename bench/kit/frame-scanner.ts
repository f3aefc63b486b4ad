/** What a scanner finds: one whole MQTT packet, or, of a PUBLISH that came in pieces, its head. */
export interface FrameHandler {
  /**
   * The packet starts at `at` of `bytes`, its variable header at `bodyAt`; it is `size` bytes long, of which at least
   * the variable header is in `bytes`, and everything unless it is a PUBLISH.
   */
  onFrame(bytes: Buffer, at: number, bodyAt: number, size: number): void
}

const PUBLISH = 3
const MAXIMUM_HEADER_BYTES = 5
/** Of a PUBLISH that came in pieces only this much is kept: more than fixed header, topic and identifier take here. */
const KEPT_BYTES = 1024

/**
 * Finds packets in the bytes of a connection with as little work as possible, so that a load generator costs less
 * than what it loads: no objects, no copy of what lies whole in a chunk, payloads of cut packets are skipped.
 */
export class FrameScanner {
  readonly #handler: FrameHandler
  /** The packet that began in an earlier chunk. */
  #head: Buffer | undefined
  #seen = 0
  #size = 0
  #bodyAt = 0

  constructor(handler: FrameHandler) {
    this.#handler = handler
  }

  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#head !== undefined) {
        at = this.#continue(chunk, at, this.#head)
        continue
      }
      const isKnown = this.#readHeader(chunk, at, chunk.length)
      if (isKnown && at + this.#size <= chunk.length) {
        const size = this.#size
        this.#handler.onFrame(chunk, at, at + this.#bodyAt, size)
        at += size
      } else {
        this.#head = Buffer.allocUnsafe(KEPT_BYTES)
        this.#seen = 0
        this.#size = 0
      }
    }
  }

  /** Takes what `chunk` has of the packet begun earlier; returns where the next one starts. */
  #continue(chunk: Buffer, from: number, head: Buffer): number {
    let at = from
    while (this.#size === 0) {
      if (at === chunk.length) return at
      head[this.#seen++] = chunk[at++] as number
      if (this.#readHeader(head, 0, this.#seen)) break
      this.#size = 0
    }
    const isPublish = (head[0] as number) >> 4 === PUBLISH
    let kept = head
    if (!isPublish && this.#size > head.length) {
      kept = Buffer.allocUnsafe(this.#size)
      head.copy(kept, 0, 0, this.#seen)
      this.#head = kept
    }
    const taken = Math.min(this.#size - this.#seen, chunk.length - at)
    if (this.#seen < kept.length) chunk.copy(kept, this.#seen, at, at + taken)
    this.#seen += taken
    if (this.#seen === this.#size) {
      this.#head = undefined
      this.#handler.onFrame(kept, 0, this.#bodyAt, this.#size)
    }
    return at + taken
  }

  /** Sets `#size` and `#bodyAt`; false where the Remaining Length is cut. Section 2.1.4. */
  #readHeader(bytes: Buffer, from: number, end: number): boolean {
    let length = 0
    let factor = 1
    for (let i = 1; i < MAXIMUM_HEADER_BYTES && from + i < end; i++) {
      const byte = bytes[from + i] as number
      length += (byte & 127) * factor
      if (byte < 128) {
        this.#bodyAt = i + 1
        this.#size = length + i + 1
        return true
      }
      factor *= 128
    }
    return false
  }
}
