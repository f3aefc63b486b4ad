/** Memory that copies share; it is free once the last of them is. The larger it is, the more one of them can hold. */
const SLAB_BYTES = 16_384
/** A larger copy has memory of its own. */
const MAXIMUM_SHARED_BYTES = 2048

/** Copies of short lives, side by side: getting memory from Node for each takes longer than copying a usual payload. */
export class CopySlab {
  #slab = new Uint8Array(0)
  #at = 0

  copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes
    if (length > MAXIMUM_SHARED_BYTES) return new Uint8Array(bytes)
    if (this.#at + length > this.#slab.length) this.#begin()
    const at = this.#at
    this.#slab.set(bytes, at)
    this.#at += length
    return new Uint8Array(this.#slab.buffer, at, length)
  }

  #begin(): void {
    this.#slab = new Uint8Array(Buffer.allocUnsafeSlow(SLAB_BYTES).buffer)
    this.#at = 0
  }
}
