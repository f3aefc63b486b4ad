import { ProtocolError } from './errors.js'
import { ReasonCode } from './reason-codes.js'
import { utf8Bytes } from './topics.js'

/** The first slab is small so that ten thousand idle connections cost little; each one that fills up is followed by a larger. */
const FIRST_SLAB_BYTES = 1024
const MAXIMUM_SLAB_BYTES = 65_536
/** From this size on, copying a payload costs more than one more element in the list of chunks. */
const BY_REFERENCE_FROM_BYTES = 16_384

const MAXIMUM_STRING_BYTES = 65_535
/** Variable Byte Integers hold 28 bits. Section 1.5.5. */
export const MAXIMUM_VARINT = 268_435_455

const encoder = new TextEncoder()

/** Node need not clear what is going to be written; a browser has no other way. */
const allocate: (bytes: number) => Uint8Array =
  typeof Buffer === 'undefined'
    ? (bytes) => new Uint8Array(bytes)
    : (bytes) => new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer)

/** Bytes that `value` takes as a Variable Byte Integer: 1 to 4. */
function varintBytes(value: number): number {
  if (value < 128) return 1
  if (value < 16_384) return 2
  return value < 2_097_152 ? 3 : 4
}

/**
 * The output of one connection. Packets are written straight into slabs; `take` hands over what was written since the
 * last call. Bytes that were taken are never written again, so a socket may keep them as long as it likes.
 *
 * A packet is framed by `begin` and `end`: the length field is reserved at its expected width and filled in at the
 * end; only where the guess was wrong the body moves by a byte or two.
 */
export class Writer {
  #slab = allocate(FIRST_SLAB_BYTES)
  /** First byte of the slab that was not taken yet. */
  #start = 0
  #at = 0
  /** Offset at which the open packet starts; -1 between packets. */
  #frame = -1
  #lengthBytes = 1
  #chunks: Uint8Array[] = []
  #chunkBytes = 0

  /** Bytes written and not taken. */
  get pendingBytes(): number {
    return this.#chunkBytes + this.#at - this.#start
  }

  /** Everything written since the last call, in order; empty when there is nothing. */
  take(): Uint8Array[] {
    this.#seal(this.#at)
    const taken = this.#chunks
    this.#chunks = []
    this.#chunkBytes = 0
    return taken
  }

  /** Opens a packet. `bodyBytes` is the expected Remaining Length; a wrong guess costs time, not correctness. */
  begin(firstByte: number, bodyBytes: number): void {
    this.#lengthBytes = varintBytes(bodyBytes)
    this.reserve(1 + this.#lengthBytes + bodyBytes)
    this.#frame = this.#at
    this.#slab[this.#at] = firstByte
    this.#at += 1 + this.#lengthBytes
  }

  /** Closes the packet; `outsideBytes` of its body follow by `append`. */
  end(outsideBytes = 0): void {
    const bodyBytes = this.#at - this.#frame - 1 - this.#lengthBytes
    const length = bodyBytes + outsideBytes
    if (length > MAXIMUM_VARINT) {
      throw invalidArgument(`packet body of ${length} bytes: at most ${MAXIMUM_VARINT} can be sent`)
    }
    this.#fillLength(bodyBytes, this.#lengthBytes, length)
    this.#frame = -1
  }

  /** Drops the open packet, as if it had never begun. */
  abort(): void {
    if (this.#frame >= 0) this.#at = this.#frame
    this.#frame = -1
  }

  /** Opens a section that is preceded by its own length (properties); `closeSection` wants the value back. */
  openSection(): number {
    this.reserve(1)
    this.#at++
    return this.#at - this.#frame
  }

  closeSection(mark: number): void {
    const bytes = this.#at - this.#frame - mark
    this.#fillLength(bytes, 1, bytes)
  }

  byte(value: number): void {
    this.reserve(1)
    this.#slab[this.#at++] = value
  }

  uint16(value: number): void {
    this.reserve(2)
    this.#slab[this.#at++] = value >>> 8
    this.#slab[this.#at++] = value
  }

  uint32(value: number): void {
    this.uint16(value >>> 16)
    this.uint16(value & 0xffff)
  }

  varint(value: number): void {
    this.reserve(4)
    this.#writeVarint(value)
  }

  /** A UTF-8 Encoded String. `isTopic` also refuses wildcards. [MQTT-1.5.4] [MQTT-3.3.2-2] */
  string(text: string, field: string, isTopic = false): void {
    if (typeof text !== 'string') throw notOfType(field, text, 'text')
    const { length } = text
    if (length > MAXIMUM_STRING_BYTES) throw tooLong(field, length)
    this.reserve(2 + length * 3)
    const slab = this.#slab
    let at = this.#at + 2
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit >= 0x80) return this.#wideString(text, field, isTopic)
      if (unit === 0) throw invalidArgument(`${field} has a NUL character at index ${i}`)
      if (isTopic && (unit === 0x23 || unit === 0x2b)) throw wildcardIn(field, text)
      slab[at++] = unit
    }
    slab[this.#at] = length >>> 8
    slab[this.#at + 1] = length
    this.#at = at
  }

  /** Binary Data: a length of two bytes, then the bytes. Section 1.5.6. */
  binary(bytes: Uint8Array, field: string): void {
    if (!isBytes(bytes)) throw notOfType(field, bytes, 'a Uint8Array')
    if (bytes.length > MAXIMUM_STRING_BYTES) throw tooLong(field, bytes.length)
    this.uint16(bytes.length)
    this.bytes(bytes)
  }

  /** Copies `bytes` into the open packet. */
  bytes(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.#slab.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** Adds bytes after a closed packet header: copied when short, else by reference and not to be changed afterwards. */
  append(bytes: Uint8Array): void {
    if (bytes.length < BY_REFERENCE_FROM_BYTES) return this.bytes(bytes)
    this.#seal(this.#at)
    this.#chunks.push(bytes)
    this.#chunkBytes += bytes.length
  }

  /** True where `append` would copy this many bytes; then they belong into the packet's own reservation. */
  static copies(byteLength: number): boolean {
    return byteLength < BY_REFERENCE_FROM_BYTES
  }

  /** Makes room for `count` more bytes in one piece with the open packet. */
  reserve(count: number): void {
    if (this.#at + count > this.#slab.length) this.#nextSlab(count)
  }

  #nextSlab(count: number): void {
    const from = this.#frame < 0 ? this.#at : this.#frame
    const open = this.#slab.subarray(from, this.#at)
    this.#seal(from)
    const next = Math.min(this.#slab.length * 4, MAXIMUM_SLAB_BYTES)
    const slab = allocate(Math.max(next, open.length === 0 ? count : 2 * (open.length + count)))
    slab.set(open)
    this.#slab = slab
    this.#start = 0
    this.#at = open.length
    if (this.#frame >= 0) this.#frame = 0
  }

  /** Moves what was written up to `end` to the chunks. */
  #seal(end: number): void {
    if (end === this.#start) return
    this.#chunks.push(this.#slab.subarray(this.#start, end))
    this.#chunkBytes += end - this.#start
    this.#start = end
  }

  /** Writes `length` into the `reservedBytes` that stand before the last `bodyBytes`, which move where it needs more or fewer. */
  #fillLength(bodyBytes: number, reservedBytes: number, length: number): void {
    const shift = varintBytes(length) - reservedBytes
    if (shift > 0) this.reserve(shift)
    const end = this.#at
    const bodyAt = end - bodyBytes
    if (shift !== 0) this.#slab.copyWithin(bodyAt + shift, bodyAt, end)
    this.#at = bodyAt - reservedBytes
    this.#writeVarint(length)
    this.#at = end + shift
  }

  #writeVarint(value: number): void {
    let rest = value
    while (rest > 127) {
      this.#slab[this.#at++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.#slab[this.#at++] = rest
  }

  #wideString(text: string, field: string, isTopic: boolean): void {
    if (!text.isWellFormed()) throw invalidArgument(`${field} has a lone surrogate, which UTF-8 cannot carry`)
    const nul = text.indexOf('\0')
    if (nul >= 0) throw invalidArgument(`${field} has a NUL character at index ${nul}`)
    if (isTopic && /[+#]/.test(text)) throw wildcardIn(field, text)
    const length = utf8Bytes(text)
    if (length > MAXIMUM_STRING_BYTES) throw tooLong(field, length)
    this.uint16(length)
    encoder.encodeInto(text, this.#slab.subarray(this.#at, this.#at + length))
    this.#at += length
  }
}

/** The caller handed over something that no packet can carry. */
export function invalidArgument(message: string): ProtocolError {
  return new ProtocolError('invalid-argument', ReasonCode.implementationSpecificError, -1, message)
}

/** `what` is something else than the types allow, which JavaScript does not keep anybody from. */
export function notOfType(what: string, found: unknown, expected: string): ProtocolError {
  return invalidArgument(`${what} is of type ${typeOf(found)}; expected ${expected}`)
}

/** True for a Uint8Array of another realm, too, such as a sandbox that tests run in. */
export function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || typeOf(value) === 'Uint8Array'
}

/** `Number`, `Null`, `Float64Array`: nothing of the value itself, which may be a secret. */
export function typeOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1)
}

function tooLong(field: string, bytes: number): ProtocolError {
  return invalidArgument(`${field} takes ${bytes} bytes: at most ${MAXIMUM_STRING_BYTES} can be sent`)
}

function wildcardIn(field: string, topic: string): ProtocolError {
  return new ProtocolError(
    'invalid-argument',
    ReasonCode.topicNameInvalid,
    -1,
    `${field} ${JSON.stringify(topic.slice(0, 80))} has a wildcard; a topic name has none`,
  )
}
