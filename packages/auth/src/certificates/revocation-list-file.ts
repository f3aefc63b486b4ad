import { createPublicKey, webcrypto, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import type * as X509 from '@peculiar/x509'
import { CertificateError } from '../support/errors.js'
import { library, readIssuingKey } from './certificate.js'
import { type CertificateFolder, isIssuedBy } from './certificate-folder.js'

const DAY_MS = 86_400_000
/** Others than our broker take no list that is late, and refuse everybody then. */
const LIST_DAYS = 90
const RENEWAL_DAYS = 30
const LIST_FILE = 'crl.pem'
/** RFC 7468 section 6 */
const PEM_LABEL = 'X509 CRL'
/** CRLReason. RFC 5280 section 5.3.1 */
export const REVOCATION_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
} as const
export type RevocationReason = keyof typeof REVOCATION_REASONS

interface Entry {
  readonly serialNumber: string
  readonly revocationDate: Date
  readonly reason?: X509.X509CrlReason
}

/** The certificates that one authority has revoked. */
interface List {
  readonly issuer: string
  readonly number: number
  readonly nextUpdateMs: number
  readonly entries: readonly Entry[]
}

/**
 * Adds a certificate (PEM) to crl.pem of the folder, which holds one list for each authority whose key is there. Throws
 * `CertificateError` where none of these has issued it.
 */
export async function addToRevocationList(
  folder: CertificateFolder,
  certPem: string,
  { reason, now }: { reason: RevocationReason; now: () => number },
): Promise<void> {
  const certificate = new X509Certificate(certPem)
  const signers = await signersOf(folder)
  const signer = signers.find((one) => isIssuedBy(certificate, one.certificate))
  if (signer === undefined) {
    const { certPath, keyPath } = folder.files('ca')
    throw new CertificateError(
      'certificate-mismatch',
      `the certificate was issued by nobody of ${certPath} whose key is here; expected one of that authority, and ${keyPath} in its place`,
      { path: certPath },
    )
  }
  const entry: Entry = {
    serialNumber: certificate.serialNumber.toLowerCase(),
    revocationDate: new Date(now()),
    ...(reason === 'unspecified' ? {} : { reason: REVOCATION_REASONS[reason] as X509.X509CrlReason }),
  }
  await writeLists(folder, signers, now, new Map([[signer, entry]]))
}

/** Signs the lists again where one of them ends soon, or is of an authority that is there no more. */
export async function refreshRevocationList(
  folder: CertificateFolder,
  now: () => number,
  { always = false } = {},
): Promise<void> {
  const text = await folder.read(join(folder.path, LIST_FILE), false)
  if (text === undefined) return
  const lists = await listsIn(text)
  const signers = await signersOf(folder)
  const isOf = (list: List): boolean => signers.some(({ name }) => name === list.issuer)
  const isDue = lists.some((one) => one.nextUpdateMs - now() < RENEWAL_DAYS * DAY_MS || !isOf(one))
  if (always || isDue || lists.length < signers.length) await writeLists(folder, signers, now, new Map())
}

interface Signer {
  /** The subject as the library writes it, by which a list names it. */
  readonly name: string
  readonly certificate: X509Certificate
  readonly keyPem: string
}

/** Authorities whose keys are at hand: the one that signs, and the one before it while both are trusted. */
async function signersOf(folder: CertificateFolder): Promise<Signer[]> {
  const { all, signing, keyPem } = folder.authorities
  const before = await folder.read(folder.files('ca-before').keyPath, true)
  const former = before && all.find((one) => one.checkPrivateKey(readIssuingKey(before)))
  const x509 = await library()
  const signer = (certificate: X509Certificate, key: string): Signer => ({
    name: new x509.X509Certificate(certificate.raw).subject,
    certificate,
    keyPem: key,
  })
  return [
    ...(keyPem === undefined ? [] : [signer(signing, keyPem)]),
    ...(before && former ? [signer(former, before)] : []),
  ]
}

async function writeLists(
  folder: CertificateFolder,
  signers: readonly Signer[],
  now: () => number,
  added: ReadonlyMap<Signer, Entry>,
): Promise<void> {
  const path = join(folder.path, LIST_FILE)
  const text = await folder.read(path, false)
  const lists = text === undefined ? [] : await listsIn(text)
  const texts: string[] = []
  for (const signer of signers) {
    const list = lists.find(({ issuer }) => issuer === signer.name)
    const entry = added.get(signer)
    const known = list?.entries ?? []
    const isNew = entry !== undefined && !known.some((one) => isSameNumber(one, entry))
    texts.push(await sign(signer, [...known, ...(isNew ? [entry] : [])], (list?.number ?? 0) + 1, now))
  }
  await folder.write(path, texts.join(''), 0o644)
}

async function listsIn(text: string): Promise<List[]> {
  const x509 = await library()
  const blocks = [...text.matchAll(/-----BEGIN X509 CRL-----([^-]+)-----END X509 CRL-----/g)]
  return blocks.map(([, base64 = '']) => {
    const list = new x509.X509Crl(Buffer.from(base64, 'base64'))
    const number = list.extensions.find(({ type }) => type === CRL_NUMBER)
    return {
      issuer: list.issuer,
      number: number === undefined ? 0 : Number(`0x${Buffer.from(number.value).subarray(2).toString('hex')}`),
      nextUpdateMs: list.nextUpdate?.getTime() ?? 0,
      entries: list.entries.map(({ serialNumber, revocationDate, reason }) => ({
        serialNumber,
        revocationDate,
        ...(reason === undefined ? {} : { reason }),
      })),
    }
  })
}

/** RFC 5280 section 5.2.3 */
const CRL_NUMBER = '2.5.29.20'

async function sign(
  { certificate, keyPem }: Signer,
  entries: readonly Entry[],
  number: number,
  now: () => number,
): Promise<string> {
  const x509 = await library()
  const key = readIssuingKey(keyPem)
  const digits = Buffer.alloc(5)
  digits.writeUInt32BE(number, 1)
  const list = await x509.X509CrlGenerator.create({
    issuer: new x509.X509Certificate(certificate.raw).subjectName,
    thisUpdate: new Date(now()),
    nextUpdate: new Date(now() + LIST_DAYS * DAY_MS),
    entries: [...entries],
    signingKey: await webcrypto.subtle.importKey(
      'pkcs8',
      key.export({ type: 'pkcs8', format: 'der' }),
      { name: 'ECDSA', namedCurve: 'P-256' },
      false,
      ['sign'],
    ),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      await x509.AuthorityKeyIdentifierExtension.create(
        createPublicKey(key).export({ type: 'spki', format: 'der' }),
      ),
      new x509.Extension(
        CRL_NUMBER,
        false,
        Buffer.concat([Buffer.from([2, minimal(digits).length]), minimal(digits)]),
      ),
    ],
  })
  const base64 = Buffer.from(list.rawData).toString('base64')
  return [
    `-----BEGIN ${PEM_LABEL}-----`,
    ...(base64.match(/.{1,64}/g) ?? []),
    `-----END ${PEM_LABEL}-----`,
    '',
  ].join('\n')
}

/** An INTEGER of DER has no zeros in front but the one that keeps it positive. */
function minimal(digits: Buffer): Buffer {
  let from = 0
  while (from < digits.length - 1 && digits[from] === 0 && ((digits[from + 1] ?? 0) & 0x80) === 0) from++
  return digits.subarray(from)
}

function isSameNumber(one: Entry, other: Entry): boolean {
  const plain = ({ serialNumber }: Entry): string => serialNumber.toLowerCase().replace(/^0+(?=.)/, '')
  return plain(one) === plain(other)
}
