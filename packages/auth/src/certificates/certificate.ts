import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  webcrypto,
  X509Certificate,
} from 'node:crypto'
import { inspect, promisify } from 'node:util'
import type * as X509 from '@peculiar/x509'
import { CertificateError } from '../support/errors.js'
import { assertCommonName, type HostName, readHosts } from './certificate-name.js'

const DAY_MS = 86_400_000
const AUTHORITY_DAYS = 3650
const LEAF_DAYS = 365
/** Certificates start a little early, so that a machine whose clock is slow takes them at once. */
const EARLIER_MS = 5 * 60_000
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256' } as const

/** A certificate with its private key (PKCS #8), both as PEM text. `inspect()` hides the key. */
export interface IssuedCertificate {
  readonly certPem: string
  readonly keyPem: string
}

/** A certificate authority: its own certificate and the key that signs others. */
export type Authority = IssuedCertificate

export interface CertificateOptions {
  /** Days for which it is valid: 3650 for an authority, 365 for others, never longer than their authority. */
  readonly validityDays?: number | undefined
  /** An existing private key (PEM, ECDSA P-256) to certify; a new one by default. */
  readonly keyPem?: string | undefined
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
}

/** A self-signed authority for servers and clients, with an ECDSA P-256 key. It cannot make further authorities. */
export async function createAuthority(
  options: CertificateOptions & { readonly commonName?: string } = {},
): Promise<Authority> {
  const { commonName = 'Jamey certificate authority' } = options
  assertCommonName(commonName)
  const x509 = await library()
  const key = await readOrMakeKey(options.keyPem)
  const name = nameOf(x509, commonName)
  const { KeyUsageFlags } = x509
  const certPem = await sign(x509, {
    subject: name,
    issuer: name,
    publicKey: key,
    signingKey: key,
    authorityKey: key,
    ...validity(options, AUTHORITY_DAYS),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  })
  return new Issued(certPem, pemOf(key))
}

/**
 * A certificate for a TLS server that is reached under `hosts`: host names (also `*.example.org`) and IP addresses.
 * Throws `CertificateError` for hosts that are none and for an authority that cannot sign.
 */
export async function issueServerCertificate(
  authority: Authority,
  options: CertificateOptions & { readonly hosts: readonly string[] },
): Promise<IssuedCertificate> {
  const hosts = readHosts(options.hosts)
  const [first] = hosts
  const commonName = first !== undefined && first.value.length <= 64 ? first.value : 'server'
  return issue(authority, options, commonName, (x509) => [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension(hosts.map(({ type, value }: HostName) => ({ type, value }))),
  ])
}

/** A certificate for a client of mutual TLS; `commonName` is its client identifier. At most 64 characters. */
export async function issueClientCertificate(
  authority: Authority,
  options: CertificateOptions & { readonly commonName: string },
): Promise<IssuedCertificate> {
  assertCommonName(options.commonName)
  return issue(authority, options, options.commonName, (x509) => [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
  ])
}

async function issue(
  authority: Authority,
  options: CertificateOptions,
  commonName: string,
  extensions: (x509: typeof X509) => X509.Extension[],
): Promise<IssuedCertificate> {
  const { notBefore, notAfter } = validity(options, LEAF_DAYS)
  const { certificate, key: signingKey } = readAuthority(authority, notBefore)
  const x509 = await library()
  const key = await readOrMakeKey(options.keyPem)
  const end = Math.min(notAfter.getTime(), Date.parse(certificate.validTo))
  const certPem = await sign(x509, {
    subject: nameOf(x509, commonName),
    issuer: new x509.X509Certificate(certificate.raw).subjectName,
    publicKey: key,
    signingKey,
    authorityKey: signingKey,
    notBefore,
    notAfter: new Date(end),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      ...extensions(x509),
    ],
  })
  return new Issued(certPem, pemOf(key))
}

/** Throws `CertificateError` unless certificate and key can be read, belong together and may sign at `atTime`. */
function readAuthority(
  { certPem, keyPem }: Authority,
  atTime: Date,
): { certificate: X509Certificate; key: KeyObject } {
  const certificate = readCertificate(certPem)
  const key = readIssuingKey(keyPem)
  if (!certificate.ca) {
    throw new CertificateError(
      'certificate-mismatch',
      'the certificate to sign with is not one of an authority',
    )
  }
  if (!certificate.checkPrivateKey(key)) {
    throw new CertificateError(
      'certificate-mismatch',
      "the authority's certificate does not belong to its key",
    )
  }
  if (Date.parse(certificate.validTo) <= atTime.getTime() + EARLIER_MS) {
    throw new CertificateError(
      'certificate-expired',
      `the authority's certificate expired on ${certificate.validTo}`,
    )
  }
  return { certificate, key }
}

/** Throws `CertificateError` 'certificate-damaged' where `pem` is no certificate. */
export function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw new CertificateError('certificate-damaged', 'the certificate cannot be read; expected PEM text', {
      cause: error,
    })
  }
}

/** Throws `CertificateError` 'certificate-damaged' where `pem` is no private key without a passphrase. */
export function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    // The error has no cause, which could quote what it tried to parse.
    throw new CertificateError('certificate-damaged', 'the private key cannot be read; expected PEM text')
  }
}

/** The key of an issued certificate or an authority, which are ECDSA P-256; throws `CertificateError` for others. */
export function readIssuingKey(pem: string): KeyObject {
  const key = readKey(pem)
  if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key
  throw new CertificateError(
    'certificate-argument',
    `the private key is of type ${key.asymmetricKeyType}; expected ECDSA with the curve P-256 to issue a certificate`,
  )
}

/** A new private key as PEM text. */
export async function createKeyPem(): Promise<string> {
  return pemOf(await readOrMakeKey(undefined))
}

async function readOrMakeKey(pem: string | undefined): Promise<KeyObject> {
  if (pem !== undefined) return readIssuingKey(pem)
  return (await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })).privateKey
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function validity(options: CertificateOptions, defaultDays: number): { notBefore: Date; notAfter: Date } {
  const { validityDays = defaultDays, now = Date.now } = options
  if (!(validityDays > 0) || validityDays > 36_500) {
    throw new CertificateError(
      'certificate-argument',
      `the validity is ${validityDays} days; expected more than 0 and at most 36500`,
    )
  }
  const start = now()
  return { notBefore: new Date(start - EARLIER_MS), notAfter: new Date(start + validityDays * DAY_MS) }
}

interface Signing {
  readonly subject: X509.Name
  readonly issuer: X509.Name
  readonly publicKey: KeyObject
  readonly signingKey: KeyObject
  readonly authorityKey: KeyObject
  readonly notBefore: Date
  readonly notAfter: Date
  readonly extensions: readonly X509.Extension[]
}

async function sign(x509: typeof X509, signing: Signing): Promise<string> {
  const { subject, issuer, notBefore, notAfter } = signing
  const publicKey = spkiOf(signing.publicKey)
  const pkcs8 = signing.signingKey.export({ type: 'pkcs8', format: 'der' })
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer,
    notBefore,
    notAfter,
    publicKey,
    serialNumber: serialNumber(),
    signingKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, ECDSA, false, ['sign']),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      ...signing.extensions,
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(spkiOf(signing.authorityKey)),
    ],
  })
  return `${certificate.toString('pem')}\n`
}

function spkiOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' })
}

/** 126 random bits, positive and never with a leading zero byte. RFC 5280 section 4.1.2.2. */
function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes.toString('hex')
}

/** The name as UTF-8 text: the library would read a plain string that starts with `#` as hexadecimal. */
function nameOf(x509: typeof X509, commonName: string): X509.Name {
  return new x509.Name([{ CN: [{ utf8String: commonName }] }])
}

/** Loaded where a certificate is issued, which is rare: it takes 200 ms, and reading certificates does without. */
export async function library(): Promise<typeof X509> {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

class Issued implements IssuedCertificate {
  readonly certPem: string
  readonly keyPem: string

  constructor(certPem: string, keyPem: string) {
    this.certPem = certPem
    this.keyPem = keyPem
  }

  [inspect.custom](): object {
    return { certPem: this.certPem, keyPem: '[hidden]' }
  }
}
