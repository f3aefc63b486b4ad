export const NO_BYTES = new Uint8Array(0)
const encoder = new TextEncoder()

/** UTF-8. Node takes short texts from a pool with its own class; a browser has none. */
export const utf8Encode: (text: string) => Uint8Array =
  typeof Buffer === 'undefined' ? (text) => encoder.encode(text) : (text) => Buffer.from(text)

export function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}

/** The beginning and the end of larger payloads tell enough. */
const DIGESTED_BYTES = 32_768

/** A 32-bit number that tells one message from another, though not from a forged one: FNV-1a. */
export function digestOf(topic: string, payload: Uint8Array): number {
  let digest = 0x811c9dc5 ^ payload.length
  for (let i = 0; i < topic.length; i++) digest = Math.imul(digest ^ topic.charCodeAt(i), 0x01000193)
  for (let i = 0; i < payload.length; i++) {
    if (i === DIGESTED_BYTES) i = Math.max(i, payload.length - DIGESTED_BYTES)
    digest = Math.imul(digest ^ (payload[i] as number), 0x01000193)
  }
  return digest >>> 0
}

/** 64 random bits in 16 digits; `randomUUID` would be missing in pages that came without TLS. */
export function randomHex(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
