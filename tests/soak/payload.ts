/**
 * What a message of the soak carries, so that a receiver can tell whether it is the right one and whole:
 *
 *     stream (4 bytes) | number within the stream (8) | time it was sent, ms (8) | filling
 *
 * Length and filling follow from stream and number.
 */
const HEAD_BYTES = 20
const MAXIMUM_FILLING = 2048
const PATTERN = Buffer.alloc(MAXIMUM_FILLING + 256)
for (let i = 0; i < PATTERN.length; i++) PATTERN[i] = (i * 31 + (i >> 3)) & 0xff

export interface Content {
  readonly stream: number
  readonly number: number
  readonly sentAtMs: number
}

/** Mostly short, now and then long. */
function fillingBytes(stream: number, number: number): number {
  const mixed = (Math.imul(number + 1, 0x9e37_79b1) ^ Math.imul(stream + 1, 0x85eb_ca6b)) >>> 0
  return mixed % 64 === 0 ? 1024 + (mixed % 1024) : mixed % 320
}

export function writePayload(stream: number, number: number, sentAtMs: number): Buffer {
  const filling = fillingBytes(stream, number)
  const payload = Buffer.allocUnsafe(HEAD_BYTES + filling)
  payload.writeUInt32BE(stream, 0)
  payload.writeDoubleBE(number, 4)
  payload.writeDoubleBE(sentAtMs, 12)
  PATTERN.copy(payload, HEAD_BYTES, number & 0xff, (number & 0xff) + filling)
  return payload
}

/** Undefined: damaged. */
export function readPayload(bytes: Uint8Array): Content | undefined {
  const payload = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (payload.length < HEAD_BYTES) return undefined
  const stream = payload.readUInt32BE(0)
  const number = payload.readDoubleBE(4)
  if (!Number.isSafeInteger(number) || payload.length !== HEAD_BYTES + fillingBytes(stream, number)) {
    return undefined
  }
  const from = number & 0xff
  const isWhole = payload.compare(PATTERN, from, from + payload.length - HEAD_BYTES, HEAD_BYTES) === 0
  return isWhole ? { stream, number, sentAtMs: payload.readDoubleBE(12) } : undefined
}
