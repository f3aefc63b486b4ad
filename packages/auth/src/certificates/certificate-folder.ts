import { type KeyObject, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { join } from 'node:path'
// Unless it was loaded before, toLegacyObject() of Node 20 leaves it without createSecureContext for good.
import 'node:tls'
import { codeOf, readSmallFile, writeWhole } from '../files/private-file.js'
import { quote } from '../support/client-identifier.js'
import { CertificateError } from '../support/errors.js'
import { shellWord } from '../support/shell-word.js'
import {
  type Authority,
  createAuthority,
  createKeyPem,
  type IssuedCertificate,
  issueClientCertificate,
  issueServerCertificate,
  readCertificate,
  readIssuingKey,
  readKey,
} from './certificate.js'
import { readHosts } from './certificate-name.js'

const DAY_MS = 86_400_000
const RENEWAL_DAYS = 30
/** Files of authorities, and the server's. */
const RESERVED = ['ca', 'ca-next', 'ca-before', 'server']

/** Paths of a certificate and its private key (mode 0600). */
export interface CertificateFiles {
  readonly certPath: string
  readonly keyPath: string
}

/** The purpose of a certificate, by which it is issued. */
export interface Leaf {
  /** `incomplete`: to be issued again. `foreign`: of somebody else, and not to be touched. */
  fault(certificate: X509Certificate): 'incomplete' | 'foreign' | undefined
  issue(authority: Authority, keyPem: string): Promise<IssuedCertificate>
}

/** The server's certificate, for `hosts` at least. Throws `CertificateError` for hosts that are none. */
export function serverLeaf(hosts: readonly string[], now: () => number): Leaf {
  const names = readHosts(hosts).map(({ value }) => value)
  return {
    fault: (certificate) => (names.every((host) => covers(certificate, host)) ? undefined : 'incomplete'),
    issue: (authority, keyPem) => issueServerCertificate(authority, { hosts, keyPem, now }),
  }
}

export function clientLeaf(commonName: string, now: () => number): Leaf {
  return {
    fault: (certificate) => (commonNameOf(certificate) === commonName ? undefined : 'foreign'),
    issue: (authority, keyPem) => issueClientCertificate(authority, { commonName, keyPem, now }),
  }
}

interface Authorities {
  /** All authorities, as ca.crt has them. */
  readonly all: readonly X509Certificate[]
  /** The one that ca.key belongs to; the first where that key is kept elsewhere. */
  readonly signing: X509Certificate
  readonly keyPem: string | undefined
}

export interface CertificateFolderOptions {
  readonly now: () => number
  /** Certificates that end within so many milliseconds are issued again; 30 days by default. */
  readonly withinMs?: number | undefined
}

/** The files of one directory. A key is written before its certificate, so that a crash leaves what can be completed. */
export class CertificateFolder {
  readonly written: string[] = []
  readonly path: string
  readonly #now: () => number
  readonly #withinMs: number
  #authorities: Authorities | undefined

  constructor(path: string, { now, withinMs = RENEWAL_DAYS * DAY_MS }: CertificateFolderOptions) {
    this.path = path
    this.#now = now
    this.#withinMs = withinMs
  }

  files(name: string): CertificateFiles {
    return { certPath: join(this.path, `${name}.crt`), keyPath: join(this.path, `${name}.key`) }
  }

  /** The authorities of ca.crt, after `openAuthority`. */
  get authorities(): Authorities {
    if (this.#authorities !== undefined) return this.#authorities
    const { certPath } = this.files('ca')
    throw new CertificateError('certificate-missing', `${certPath} is missing: there is no authority`, {
      path: certPath,
    })
  }

  /** Reads the authority, or makes one where there is none (not with `isThere`). */
  async openAuthority({ isThere = false } = {}): Promise<void> {
    const { certPath, keyPath } = this.files('ca')
    const certPem = await this.read(certPath, false)
    if (certPem === undefined && isThere) return
    // A certificate that stands alone has its key elsewhere, and that is missed only when something is to be issued.
    const keyPem = certPem === undefined ? await this.readOrMakeKey(keyPath) : await this.read(keyPath, true)
    const key = keyPem === undefined ? undefined : naming(keyPath, () => readIssuingKey(keyPem))
    if (certPem === undefined) {
      const made = await createAuthority({ keyPem, now: this.#now })
      await this.write(certPath, made.certPem, 0o644)
      const signing = new X509Certificate(made.certPem)
      this.#authorities = { all: [signing], signing, keyPem: made.keyPem }
      return
    }
    const all = naming(certPath, () => readCertificates(certPem))
    if (!all.every(({ ca }) => ca)) throw mismatch(certPath, 'is not the certificate of an authority')
    const [first] = all
    const signing = key === undefined ? first : all.find((one) => one.checkPrivateKey(key))
    if (signing === undefined) throw mismatch(certPath, `does not belong to ${keyPath}`)
    if (Date.parse(signing.validTo) <= this.#now()) {
      throw new CertificateError(
        'certificate-expired',
        `${certPath} expired on ${signing.validTo}; move ${this.path} away to have a new authority made, and give its ca.crt to every client`,
        { path: certPath },
      )
    }
    this.#authorities = { all, signing, keyPem }
  }

  async ensure(name: string, leaf: Leaf): Promise<void> {
    const { certPath, keyPath } = this.files(name)
    const certPem = await this.read(certPath, false)
    const keyPem = await this.readOrMakeKey(keyPath, certPem)
    const key = naming(keyPath, () => readKey(keyPem))
    if (certPem !== undefined && this.#isUsable(certPath, certPem, key, name, leaf)) return
    naming(keyPath, () => readIssuingKey(keyPem))
    const issued = await leaf.issue(this.#signer(certPath), keyPem)
    await this.write(certPath, issued.certPem, 0o644)
  }

  /** False where the certificate is to be issued again; throws where it is not ours to replace. */
  #isUsable(certPath: string, certPem: string, key: KeyObject, name: string, leaf: Leaf): boolean {
    const certificate = naming(certPath, () => readCertificate(certPem))
    assertPair(certificate, key, this.files(name))
    const { all, signing, keyPem } = this.authorities
    const issuer = all.find((one) => isIssuedBy(certificate, one))
    if (issuer === undefined) throw mismatch(certPath, `was not issued by ${this.files('ca').certPath}`)
    const fault = leaf.fault(certificate)
    if (fault === 'foreign') {
      throw mismatch(certPath, `was issued to ${quote(commonNameOf(certificate))} instead of ${quote(name)}`)
    }
    // While one authority follows another, what the former signed is good until the key of the new one is at hand.
    if (issuer !== signing && keyPem !== undefined) return false
    return fault === undefined && Date.parse(certificate.validTo) - this.#now() > this.#withinMs
  }

  #signer(certPath: string): Authority {
    const { signing, keyPem } = this.authorities
    if (keyPem !== undefined) return { certPem: signing.toString(), keyPem }
    const { keyPath } = this.files('ca')
    throw new CertificateError(
      'certificate-missing',
      `${keyPath} is missing and needed to issue ${certPath}; put it back for this run`,
      { path: keyPath },
    )
  }

  /** A certificate without its key cannot be used by anybody, and no new key would fit it. */
  async readOrMakeKey(keyPath: string, certPem?: string): Promise<string> {
    const found = await this.read(keyPath, true)
    if (found !== undefined) return found
    if (certPem !== undefined) {
      throw new CertificateError(
        'certificate-missing',
        `${keyPath} is missing while its certificate is there; put it back, or remove the certificate to have both made anew`,
        { path: keyPath },
      )
    }
    const made = await createKeyPem()
    if (await this.write(keyPath, made, 0o600)) return made
    return (await this.read(keyPath, true)) ?? made
  }

  async read(path: string, isSecret: boolean): Promise<string | undefined> {
    const finding = await readSmallFile(path, { isSecret })
    if (finding.status === 'read') return finding.text
    if (finding.status === 'missing') return undefined
    if (finding.status === 'unreadable') {
      throw new CertificateError('certificate-unwritable', `${path} cannot be read: ${finding.fault}`, {
        path,
      })
    }
    throw new CertificateError(
      'certificate-exposed',
      `${path} has mode ${finding.mode}, so others may know the key; run: chmod 600 ${shellWord(path)}, and make a new key if others had access`,
      { path },
    )
  }

  /** False where another process made the same key a moment before. Certificates of one key replace each other. */
  async write(path: string, text: string, mode: number): Promise<boolean> {
    try {
      const isWritten = await writeWhole(path, text, { mode, isNew: mode === 0o600 })
      if (isWritten) this.written.push(path.slice(this.path.length).replace(/^[\\/]+/, ''))
      return isWritten
    } catch (error) {
      throw new CertificateError('certificate-unwritable', `${path} cannot be written: ${codeOf(error)}`, {
        path,
      })
    }
  }
}

/** Throws `CertificateError` for a name that is none of a client's, or that another file has. */
export function assertComponent(component: string): void {
  if (isComponent(component)) return
  throw new CertificateError(
    'certificate-argument',
    `the component ${quote(component)} cannot name a file here; expected up to 64 letters, digits and . _ - other than ${RESERVED.join(', ')}`,
  )
}

export function isComponent(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name) && !RESERVED.includes(name)
}

/** Every certificate in a text of PEM, one at least. Throws `CertificateError` 'certificate-damaged'. */
export function readCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [pem]
  return blocks.map(readCertificate)
}

/** True where `authority` issued the certificate, by name and signature. */
export function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
}

/** True where the certificate is for that host name or address. */
export function covers(certificate: X509Certificate, host: string): boolean {
  return (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined
}

function assertPair(certificate: X509Certificate, key: KeyObject | undefined, files: CertificateFiles): void {
  if (key === undefined || certificate.checkPrivateKey(key)) return
  throw mismatch(files.certPath, `does not belong to ${files.keyPath}`)
}

/** The common name of a certificate's subject; '' where it has none or several. */
export function commonNameOf(certificate: X509Certificate): string {
  const { subject } = certificate.toLegacyObject()
  const commonName: unknown = subject?.CN
  return typeof commonName === 'string' ? commonName : ''
}

function mismatch(path: string, fault: string): CertificateError {
  return new CertificateError(
    'certificate-mismatch',
    `${path} ${fault}; restore it, or remove it to have a new one issued`,
    { path },
  )
}

/** Runs `read`, and says in its error which file was read. */
export function naming<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error
    throw new CertificateError(
      error.code,
      `${path} cannot be used: ${error.message}; restore it, or remove it to have a new one made`,
      { path },
    )
  }
}
