/**
 * The header of PROXY protocol version 2: 12 bytes of signature, version and command, family, length; then addresses
 * and TLVs. Section 2.2 of the specification of HAProxy.
 */

export const PROXY_PREFIX_BYTES = 16
/** Bytes after the prefix; load balancers send some hundred, client certificates in TLVs included. */
export const MAXIMUM_PROXY_BYTES = 4096

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const VERSION_1 = Buffer.from('PROXY ')
/** Bytes of both addresses and ports, by address family and transport; only streams come in by TCP. */
const ADDRESS_BYTES = new Map([
  [0x11, 12],
  [0x21, 36],
  [0x31, 216],
])
const UNIX_PATH_BYTES = 108
const TLV_CRC32C = 0x03

/** A fault of a header; the message is for the log. */
export class ProxyHeaderError extends Error {
  override readonly name = 'ProxyHeaderError'
}

/** Throws `ProxyHeaderError` as soon as `bytes`, the first that came, cannot become a header. */
export function assertProxySignature(bytes: Uint8Array): void {
  const compared = Math.min(bytes.length, SIGNATURE.length)
  if (SIGNATURE.subarray(0, compared).equals(bytes.subarray(0, compared))) return
  const isVersion1 = bytes.length >= VERSION_1.length && VERSION_1.equals(bytes.subarray(0, VERSION_1.length))
  // A first letter alone tells nothing yet: a peer that says "PROXY" is told of version 2.
  const mayBecomeVersion1 = VERSION_1.subarray(0, bytes.length).equals(bytes)
  if (isVersion1) {
    throw new ProxyHeaderError('PROXY protocol version 1 came; set the load balancer to version 2')
  }
  if (!mayBecomeVersion1) throw new ProxyHeaderError('no PROXY protocol header came first')
}

/** Bytes that follow the prefix. Throws `ProxyHeaderError`. */
export function proxyBodyBytes(prefix: Buffer): number {
  const version = prefix.readUInt8(12) >> 4
  if (version !== 2) throw new ProxyHeaderError(`PROXY protocol version ${version}; expected 2`)
  const bytes = prefix.readUInt16BE(14)
  if (bytes > MAXIMUM_PROXY_BYTES) {
    throw new ProxyHeaderError(
      `PROXY protocol header of ${bytes} bytes; at most ${MAXIMUM_PROXY_BYTES} are read`,
    )
  }
  return bytes
}

/**
 * The address of the client; undefined: the connection is the load balancer's own (LOCAL), or of a family that it can
 * not tell (UNSPEC). Throws `ProxyHeaderError`.
 */
export function proxiedAddress(header: Buffer): string | undefined {
  const command = header.readUInt8(12) & 0x0f
  if (command > 1) throw new ProxyHeaderError(`PROXY protocol command ${command}; expected 0 or 1`)
  const family = header.readUInt8(13)
  // Whatever follows is to be ignored.
  if (command === 0 || family === 0) return undefined
  const addressBytes = ADDRESS_BYTES.get(family)
  if (addressBytes === undefined) {
    throw new ProxyHeaderError(
      `PROXY protocol family 0x${family.toString(16)}; expected TCP or a UNIX stream`,
    )
  }
  const tlvsAt = PROXY_PREFIX_BYTES + addressBytes
  if (tlvsAt > header.length) throw new ProxyHeaderError('PROXY protocol addresses run past the header')
  assertTlvs(header, tlvsAt)
  const from = header.subarray(PROXY_PREFIX_BYTES)
  if (family === 0x11) return from.subarray(0, 4).join('.')
  if (family === 0x21) return ipv6(from)
  return unixPath(from)
}

/** An IPv6 address in the short form that sockets of Node have, so that one address has one name in logs and limits. */
function ipv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16))
  const text = new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
  const isMapped = text.startsWith('::ffff:') && bytes.readUInt16BE(10) === 0xffff
  return isMapped ? bytes.subarray(12, 16).join('.') : text
}

function unixPath(bytes: Buffer): string {
  const path = bytes.subarray(0, UNIX_PATH_BYTES)
  const end = path.indexOf(0)
  return `unix:${path.subarray(0, end < 0 ? UNIX_PATH_BYTES : end).toString()}`
}

/** Values are of no interest but the checksum, which is over the header with its own four bytes zero. */
function assertTlvs(header: Buffer, from: number): void {
  let at = from
  while (at < header.length) {
    const valueAt = at + 3
    const end = valueAt <= header.length ? valueAt + header.readUInt16BE(at + 1) : valueAt
    if (end > header.length) throw new ProxyHeaderError('a TLV of the PROXY protocol runs past the header')
    if (header.readUInt8(at) === TLV_CRC32C) assertChecksum(header, valueAt, end)
    at = end
  }
}

function assertChecksum(header: Buffer, at: number, end: number): void {
  if (end - at !== 4) throw new ProxyHeaderError('the checksum of the PROXY protocol header is not 4 bytes')
  const expected = header.readUInt32BE(at)
  const covered = Buffer.from(header).fill(0, at, end)
  if (crc32c(covered) !== expected) {
    throw new ProxyHeaderError('the checksum of the PROXY protocol header is wrong')
  }
}

/** The polynomial of Castagnoli, reflected. RFC 3720 appendix B.4. */
const POLYNOMIAL = 0x82f63b78
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
  return crc
})

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8)
  return ~crc >>> 0
}
