const encoder = new TextEncoder()

/** UTF-8. Node takes short texts from a pool with its own class; a browser has none. */
export const utf8Encode: (text: string) => Uint8Array =
  typeof Buffer === 'undefined' ? (text) => encoder.encode(text) : (text) => Buffer.from(text)

export function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}

/** 64 random bits in 16 digits; `randomUUID` would be missing in pages that came without TLS. */
export function randomHex(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
