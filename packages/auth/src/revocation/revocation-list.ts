import { constants, type KeyObject, verify, X509Certificate } from 'node:crypto'
import { contentOf, DER, type DerValue, membersOf, readDer, wholeOf } from '../support/der.js'
import { CertificateError } from '../support/errors.js'

/** Number of entries that are read in one turn of the event loop, in some milliseconds. */
const MAXIMUM_ENTRIES_PER_TURN = 20_000

/**
 * Digests of signature algorithms, by object identifier in hexadecimal. RFC 5280 section 4.1.1.2, RFC 5758, RFC 8410
 */
const DIGESTS: Readonly<Record<string, string | null>> = {
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
  '2b6570': null,
}

/** The name of a certificate: its issuer, as DER in hexadecimal, and its serial number. */
export interface CertificateNumber {
  readonly issuer: string
  readonly serialNumber: string
}

/** The number of a certificate in DER. Throws `RangeError` for what is none. RFC 5280 section 4.1 */
export function certificateNumberOf(der: Uint8Array): CertificateNumber {
  const [body] = membersOf(der, readDer(der, 0))
  if (body === undefined) throw new RangeError('the certificate is empty')
  // The version, which has a tag of its own, may be left out.
  const members = [...membersOf(der, body)].filter(({ tag }) => tag !== 0xa0)
  const [serialNumber, , issuer] = members
  if (serialNumber?.tag !== DER.integer || issuer === undefined) throw new RangeError('it is no certificate')
  return {
    serialNumber: serialOf(contentOf(der, serialNumber)),
    issuer: wholeOf(der, issuer).toString('hex'),
  }
}

/** A serial number as it is compared: hexadecimal in capitals, without zeros in front. */
export function normalSerialNumber(text: string): string | undefined {
  const digits = text
    .trim()
    .replace(/^serial(number)?[=:]\s*/i, '')
    .replaceAll(':', '')
    .replace(/^0x/i, '')
  return /^[\da-f]{1,64}$/i.test(digits) ? digits.toUpperCase().replace(/^0+(?=.)/, '') : undefined
}

function serialOf(content: Uint8Array): string {
  return Buffer.from(content)
    .toString('hex')
    .toUpperCase()
    .replace(/^0+(?=.)/, '')
}

/** A certificate revocation list (CRL), verified: the certificates of one authority that are good no more. */
export class RevocationList {
  /** The subject of the authority, as DER in hexadecimal. */
  readonly issuer: string
  /** Milliseconds since 1970 by which the authority wanted to publish the next; undefined: it does not say. */
  readonly nextUpdateMs: number | undefined
  readonly #serialNumbers: ReadonlySet<string>

  constructor(issuer: string, nextUpdateMs: number | undefined, serialNumbers: ReadonlySet<string>) {
    this.issuer = issuer
    this.nextUpdateMs = nextUpdateMs
    this.#serialNumbers = serialNumbers
  }

  get size(): number {
    return this.#serialNumbers.size
  }

  has({ issuer, serialNumber }: CertificateNumber): boolean {
    return issuer === this.issuer && this.#serialNumbers.has(serialNumber)
  }
}

/**
 * The lists in `bytes`: PEM, of which there may be several, or DER. Each has to be signed by one of `authorities` (PEM,
 * each of one or several certificates). Throws `CertificateError`.
 */
export async function readRevocationLists(
  bytes: Uint8Array,
  authorities: readonly string[],
): Promise<RevocationList[]> {
  const known = authorities.flatMap(certificatesIn)
  const lists: RevocationList[] = []
  for (const der of derOf(bytes)) lists.push(await readList(der, known))
  return lists
}

function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map((block) => new X509Certificate(block))
}

function derOf(bytes: Uint8Array): Buffer[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer[0] === DER.sequence) return [buffer]
  const blocks = buffer.toString('latin1').matchAll(/-----BEGIN X509 CRL-----([^-]+)-----END X509 CRL-----/g)
  const found = [...blocks].map(([, base64 = '']) => Buffer.from(base64, 'base64'))
  if (found.length > 0) return found
  throw new CertificateError(
    'certificate-damaged',
    'there is no revocation list; expected a CRL in PEM or DER',
  )
}

async function readList(der: Buffer, authorities: readonly X509Certificate[]): Promise<RevocationList> {
  let parts: Parts
  try {
    parts = partsOf(der)
  } catch (error) {
    const message = 'the revocation list cannot be read; expected a CRL in PEM or DER'
    throw new CertificateError('certificate-damaged', message, { cause: error })
  }
  const signer = authorities.find((authority) => isSignedBy(parts, authority.publicKey))
  if (signer === undefined) {
    throw new CertificateError(
      'certificate-mismatch',
      'the revocation list is not signed by any of the authorities that vouch for client certificates',
    )
  }
  return new RevocationList(parts.issuer, parts.nextUpdateMs, await serialNumbersIn(der, parts.revoked))
}

interface Parts {
  readonly issuer: string
  readonly nextUpdateMs: number | undefined
  /** The revoked entries; undefined where nothing is revoked. */
  readonly revoked: DerValue | undefined
  readonly signed: Buffer
  readonly digest: string | null
  readonly signature: Buffer
}

/** RFC 5280 section 5.1. */
function partsOf(der: Buffer): Parts {
  const [body, algorithm, signature] = membersOf(der, readDer(der, 0))
  if (
    body === undefined ||
    algorithm === undefined ||
    signature?.tag !== DER.bitString ||
    der[signature.start] !== 0
  ) {
    throw new RangeError('it has not three parts')
  }
  const [identifier] = membersOf(der, algorithm)
  const digest = DIGESTS[identifier === undefined ? '' : contentOf(der, identifier).toString('hex')]
  if (digest === undefined) throw new RangeError('its signature is of a kind that is not known')
  const members = [...membersOf(der, body)].filter(({ tag }) => tag !== DER.integer)
  const [within, issuer, , next, list] = members
  // The algorithm inside, which is signed, must be the same. RFC 5280 section 5.1.1.2
  if (within === undefined || !wholeOf(der, within).equals(wholeOf(der, algorithm))) {
    throw new RangeError('its signature is of another kind than it says')
  }
  if (issuer?.tag !== DER.sequence) throw new RangeError('it has no issuer')
  const hasNext = next?.tag === DER.utcTime || next?.tag === DER.time
  const revoked = hasNext ? list : next
  return {
    issuer: wholeOf(der, issuer).toString('hex'),
    nextUpdateMs: hasNext ? timeOf(next.tag, contentOf(der, next).toString('latin1')) : undefined,
    revoked: revoked?.tag === DER.sequence ? revoked : undefined,
    signed: wholeOf(der, body),
    digest,
    // The first byte of a bit string counts unused bits, of which there are none.
    signature: contentOf(der, signature).subarray(1),
  }
}

function isSignedBy({ signed, digest, signature }: Parts, key: KeyObject): boolean {
  try {
    return verify(digest, signed, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
  } catch {
    // A key of another kind.
    return false
  }
}

/** The list is read in pieces: some authorities have revoked very many. */
async function serialNumbersIn(der: Buffer, revoked: DerValue | undefined): Promise<Set<string>> {
  const serialNumbers = new Set<string>()
  if (revoked === undefined) return serialNumbers
  for (const entry of membersOf(der, revoked)) {
    const number = readDer(der, entry.start, entry.end)
    serialNumbers.add(serialOf(contentOf(der, number)))
    if (serialNumbers.size % MAXIMUM_ENTRIES_PER_TURN === 0)
      await new Promise((resolve) => setImmediate(resolve))
  }
  return serialNumbers
}

/** UTCTime or GeneralizedTime. RFC 5280 section 5.1.2.4 */
function timeOf(tag: number, text: string): number {
  const century = tag === DER.time ? '' : Number(text.slice(0, 2)) < 50 ? '20' : '19'
  const [, year, ...rest] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(century + text) ?? []
  const [month, ...time] = rest.map(Number)
  return Date.UTC(Number(year), (month ?? 0) - 1, ...(time as [number, number, number, number]))
}
