import { crc32 } from 'node:zlib'
import { CHECKSUM_BYTES, KEY_INTEGER_BYTES } from './record-writer.js'
import { StoreError } from './store-error.js'

export const WHAT_TO_DO_WITH_DAMAGE =
  'restore the folder from a backup, or move it away to start with an empty one'

/** Reads what a RecordWriter wrote. Every method throws `StoreError` 'damaged' where the record ends too early. */
export class RecordReader {
  readonly #bytes: Buffer
  readonly #path: string
  readonly #key: Uint8Array
  readonly #end: number
  #at = 0

  /** The bytes must belong to the reader: it clears the checksum, and what it hands out are views of them. */
  constructor(bytes: Buffer, path: string, key: Uint8Array) {
    this.#bytes = bytes
    this.#path = path
    this.#key = key
    this.#end = bytes.length - CHECKSUM_BYTES
    if (this.#end < 0) throw this.damage(`expected at least ${CHECKSUM_BYTES} bytes, found ${bytes.length}`)
    const expected = bytes.readUInt32LE(this.#end)
    bytes.writeUInt32LE(0, this.#end)
    const found = crc32(bytes)
    if (expected !== found) throw this.damage(`expected the checksum ${expected}, found ${found}`)
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end
  }

  byte(): number {
    this.#expect(1)
    return this.#bytes[this.#at++] as number
  }

  varint(): number {
    let value = 0
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) break
    }
    if (!Number.isSafeInteger(value)) throw this.damage(`expected an integer below 2^53, found ${value}`)
    return value
  }

  double(): number {
    this.#expect(8)
    this.#at += 8
    return this.#bytes.readDoubleLE(this.#at - 8)
  }

  string(): string {
    const bytes = this.varint()
    this.#expect(bytes)
    this.#at += bytes
    return this.#bytes.toString('utf8', this.#at - bytes, this.#at)
  }

  bytes(): Uint8Array {
    const bytes = this.varint()
    this.#expect(bytes)
    this.#at += bytes
    return this.#view(this.#at - bytes, this.#at)
  }

  /** Everything up to the end. */
  rest(): Uint8Array {
    const rest = this.#view(this.#at, this.#end)
    this.#at = this.#end
    return rest
  }

  /** The error to throw where the record says what no record can say. */
  damage(what: string): StoreError {
    const key = Buffer.from(this.#key).toString('hex')
    return new StoreError('damaged', this.#path, `record ${key}: ${what}; ${WHAT_TO_DO_WITH_DAMAGE}`)
  }

  #view(start: number, end: number): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, end - start)
  }

  #expect(bytes: number): void {
    if (this.#at + bytes <= this.#end) return
    throw this.damage(`expected ${bytes} more bytes at ${this.#at}, found ${this.#end - this.#at}`)
  }
}

/** An integer of a key, as `RecordWriter.keyInteger` wrote it. */
export function readKeyInteger(key: Buffer, at: number): number {
  return (
    key.readUIntBE(at, KEY_INTEGER_BYTES - 4) * 0x100000000 + key.readUInt32BE(at + KEY_INTEGER_BYTES - 4)
  )
}
