import { crc32 } from 'node:zlib'

const SLAB_BYTES = 256 * 1024
/** A slab that grew for huge records is not kept beyond its commit. */
const KEPT_SLAB_BYTES = 4 * 1024 * 1024

/** Integers of a key have this many bytes, most significant first, so that keys sort as their numbers do. */
export const KEY_INTEGER_BYTES = 7

export const CHECKSUM_BYTES = 4

/** Bytes of a string whose length takes one byte. */
const SHORT_STRING = 127

/**
 * Writes keys and values one after another into one slab of memory, which is used again when they are committed.
 * Integers are LEB128 varints up to 2^53 - 1; strings and byte strings have their length before them; a value ends
 * with its CRC-32, little endian, computed over all of it with zeros in that place.
 */
export class RecordWriter {
  #slab: Buffer
  #start = 0
  #at = 0

  constructor(slabBytes = SLAB_BYTES) {
    this.#slab = Buffer.allocUnsafeSlow(slabBytes)
  }

  /** Begins anew: every view handed out so far is worthless from now on. */
  reset(): void {
    if (this.#slab.length > KEPT_SLAB_BYTES) this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
    this.#start = this.#at = 0
  }

  byte(value: number): this {
    this.#ensure(1)
    this.#slab[this.#at++] = value
    return this
  }

  varint(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`store record: expected an integer from 0 to 2^53 - 1, got ${value}`)
    }
    this.#ensure(8)
    let rest = value
    while (rest > 0x7f) {
      this.#slab[this.#at++] = 0x80 | (rest % 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.#slab[this.#at++] = rest
    return this
  }

  double(value: number): this {
    this.#ensure(8)
    this.#at = this.#slab.writeDoubleLE(value, this.#at)
    return this
  }

  string(value: string): this {
    if (value.length <= SHORT_STRING && this.#shortAscii(value)) return this
    const bytes = Buffer.byteLength(value)
    this.varint(bytes)
    this.#ensure(bytes)
    this.#at += this.#slab.write(value, this.#at)
    return this
  }

  bytes(value: Uint8Array): this {
    return this.varint(value.length).rest(value)
  }

  /** Writes bytes without a length: the last part of a record. */
  rest(value: Uint8Array): this {
    this.#ensure(value.length)
    this.#slab.set(value, this.#at)
    this.#at += value.length
    return this
  }

  /** The integer of a key. */
  keyInteger(value: number): this {
    this.#ensure(KEY_INTEGER_BYTES)
    this.#slab.writeUIntBE(Math.floor(value / 0x100000000), this.#at, 3)
    this.#slab.writeUInt32BE(value % 0x100000000, this.#at + 3)
    this.#at += KEY_INTEGER_BYTES
    return this
  }

  /** The bytes that were written since the last end, as a key. Valid until `reset`. */
  endKey(): Buffer {
    const key = this.#slab.subarray(this.#start, this.#at)
    this.#start = this.#at
    return key
  }

  /** The bytes that were written since the last end, as a value. Valid until `reset`. */
  endValue(): Buffer {
    this.#ensure(CHECKSUM_BYTES)
    this.#slab.writeUInt32LE(0, this.#at)
    this.#at += CHECKSUM_BYTES
    const value = this.endKey()
    value.writeUInt32LE(crc32(value), value.length - CHECKSUM_BYTES)
    return value
  }

  /** Most strings are, and a loop is several times faster than two calls into native code. */
  #shortAscii(value: string): boolean {
    this.#ensure(1 + value.length)
    const slab = this.#slab
    let at = this.#at
    slab[at++] = value.length
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) return false
      slab[at++] = code
    }
    this.#at = at
    return true
  }

  /** Moves the record that is being written to a new slab where this one has no room for it. */
  #ensure(bytes: number): void {
    if (this.#at + bytes <= this.#slab.length) return
    const written = this.#slab.subarray(this.#start, this.#at)
    // A little more than asked for, so that a huge record is not moved again for its checksum.
    this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, written.length + bytes + 64))
    this.#slab.set(written)
    this.#at = written.length
    this.#start = 0
  }
}
