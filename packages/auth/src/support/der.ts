/** One value of DER: where its content lies. X.690 section 8.1 */
export interface DerValue {
  readonly tag: number
  /** Offset of the tag itself. */
  readonly from: number
  readonly start: number
  readonly end: number
}

/** The tags of what is read here. */
export const DER = {
  integer: 0x02,
  bitString: 0x03,
  oid: 0x06,
  utcTime: 0x17,
  time: 0x18,
  sequence: 0x30,
} as const

/** The value at `at`, no further than `end`. Throws `RangeError` where it goes beyond. */
export function readDer(bytes: Uint8Array, at: number, end = bytes.length): DerValue {
  const first = bytes[at + 1] ?? 0
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f
  let length = first
  if (lengthBytes > 0) {
    length = 0
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0)
  }
  const start = at + 2 + lengthBytes
  // An indefinite length (0x80) is no DER, and four bytes say more than any file has.
  if (first === 0x80 || lengthBytes > 4 || start + length > end) throw new RangeError('the DER is cut')
  return { tag: bytes[at] ?? 0, from: at, start, end: start + length }
}

/**
 * The members of a sequence, one after the other. Throws `RangeError` where `value` is none, or goes beyond its end.
 */
export function* membersOf(bytes: Uint8Array, value: DerValue): Generator<DerValue> {
  if (value.tag !== DER.sequence && (value.tag & 0xe0) !== 0xa0)
    throw new RangeError('the DER has no sequence there')
  for (let at = value.start; at < value.end; ) {
    const member = readDer(bytes, at, value.end)
    yield member
    at = member.end
  }
}

export function contentOf(bytes: Uint8Array, { start, end }: DerValue): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
}

/** Tag, length and content. */
export function wholeOf(bytes: Uint8Array, { from, end }: DerValue): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from)
}
