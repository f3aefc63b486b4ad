import { randomFillSync } from 'node:crypto'

const DRAWN_AT_ONCE = 128
const UUID_BYTES = 16
/** Bytes at the beginning that UUIDs of one draw have in common. */
const COMMON_BYTES = 3
const UUID_CHARACTERS = 36
const DASH = 0x2d
const DIGITS = Buffer.from('0123456789abcdef', 'latin1')

const random = Buffer.allocUnsafeSlow(DRAWN_AT_ONCE * UUID_BYTES)
/** The text of the UUIDs that were drawn, one after the other; those before `next` were given away. */
const texts = Buffer.allocUnsafeSlow(DRAWN_AT_ONCE * UUID_CHARACTERS)
let next = texts.length

/**
 * A random UUID, version 4 (RFC 9562 section 5.4). Drawn and written many at a time, since a message takes two and
 * `randomUUID` joins each from pieces that have to be copied together before they can be sent.
 *
 * Those of one draw begin alike, with 24 random bits: a memory is stored under the id of its message, and an index by
 * id then has the next ones beside each other, in a page or two instead of one page for each. 98 bits tell them apart.
 */
export function randomUuid(): string {
  if (next === texts.length) draw()
  const start = next
  next += UUID_CHARACTERS
  return texts.toString('latin1', start, next)
}

function draw(): void {
  randomFillSync(random)
  let at = 0
  for (let i = 0; i < random.length; i++) {
    const position = i % UUID_BYTES
    const byte = random[position < COMMON_BYTES ? position : i] as number
    if (position === 4 || position === 6 || position === 8 || position === 10) texts[at++] = DASH
    const value = position === 6 ? 0x40 | (byte & 0x0f) : position === 8 ? 0x80 | (byte & 0x3f) : byte
    texts[at++] = DIGITS[value >> 4] as number
    texts[at++] = DIGITS[value & 0x0f] as number
  }
  next = 0
}
