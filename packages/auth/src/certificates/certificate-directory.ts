import { type KeyObject, X509Certificate } from 'node:crypto'
import { chmod, mkdir, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { dirname, join, resolve } from 'node:path'
// Unless it was loaded before, toLegacyObject() of Node 20 leaves it without createSecureContext for good.
import 'node:tls'
import { ownPath } from '../files/own-files.js'
import { codeOf, octal, readSmallFile, writeWhole } from '../files/private-file.js'
import { quote } from '../support/client-identifier.js'
import { CertificateError } from '../support/error.js'
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

/** Where a certificate and its private key (mode 0600) lie. */
export interface CertificateFiles {
  readonly certPath: string
  readonly keyPath: string
}

export interface CertificateDirectory {
  readonly path: string
  readonly authority: CertificateFiles
  readonly server: CertificateFiles
  /** By component name. */
  readonly components: Readonly<Record<string, CertificateFiles>>
  /** What was made or made anew, such as `server.crt`; empty where everything could be reused. */
  readonly written: readonly string[]
}

export interface CertificateDirectoryOptions {
  /** Names and addresses of the server; localhost, 127.0.0.1 and ::1 by default. */
  readonly hosts?: readonly string[] | undefined
  /** Client identifiers that get a certificate of their own; they name its files, too. */
  readonly components?: readonly string[] | undefined
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
}

/**
 * Makes sure that the directory at `path` holds an authority (ca.crt, ca.key), a server certificate (server.crt,
 * server.key) and one per component (<component>.crt, .key). What is there is reused; a certificate is made anew, with
 * its old key, where it ends within 30 days or lacks a host. The directory is made with mode 0700, keys with 0600;
 * every file appears whole. ca.key is needed only to issue, so it may be kept elsewhere.
 * Throws `CertificateError` that names the file for what is damaged, foreign, expired or open to others, and
 * `OwnershipError` for what another user could have put there: nothing that a person put there is ever overwritten.
 */
export async function createCertificateDirectory(
  path: string,
  options: CertificateDirectoryOptions = {},
): Promise<CertificateDirectory> {
  const { hosts = ['localhost', '127.0.0.1', '::1'], components = [], now = Date.now } = options
  for (const component of components) assertComponent(component)
  const names = readHosts(hosts).map(({ value }) => value)
  await makeDirectory(path)
  const folder = new Folder(path, now)
  await folder.openAuthority()
  await folder.ensure('server', {
    fault: (certificate) => (names.every((host) => covers(certificate, host)) ? undefined : 'incomplete'),
    issue: (authority, keyPem) => issueServerCertificate(authority, { hosts, keyPem, now }),
  })
  for (const commonName of components) {
    await folder.ensure(commonName, {
      fault: (certificate) => (commonNameOf(certificate) === commonName ? undefined : 'foreign'),
      issue: (authority, keyPem) => issueClientCertificate(authority, { commonName, keyPem, now }),
    })
  }
  return {
    path,
    authority: folder.files('ca'),
    server: folder.files('server'),
    components: Object.fromEntries(components.map((component) => [component, folder.files(component)])),
    written: folder.written,
  }
}

interface Leaf {
  /** `incomplete`: to be issued again. `foreign`: of somebody else, and not to be touched. */
  fault(certificate: X509Certificate): 'incomplete' | 'foreign' | undefined
  issue(authority: Authority, keyPem: string): Promise<IssuedCertificate>
}

/** The files of one directory. A key is written before its certificate, so that a crash leaves what can be completed. */
class Folder {
  readonly written: string[] = []
  readonly #path: string
  readonly #now: () => number
  #authority: { readonly certPem: string; readonly keyPem: string | undefined } | undefined

  constructor(path: string, now: () => number) {
    this.#path = path
    this.#now = now
  }

  files(name: string): CertificateFiles {
    return { certPath: join(this.#path, `${name}.crt`), keyPath: join(this.#path, `${name}.key`) }
  }

  async openAuthority(): Promise<void> {
    const { certPath, keyPath } = this.files('ca')
    const certPem = await this.#read(certPath, false)
    // Where a certificate stands alone its key is kept elsewhere, and is missed only when something is to be issued.
    const keyPem =
      certPem === undefined ? await this.#readOrMakeKey(keyPath) : await this.#read(keyPath, true)
    const key = keyPem === undefined ? undefined : naming(keyPath, () => readIssuingKey(keyPem))
    if (certPem === undefined) {
      this.#authority = await createAuthority({ keyPem, now: this.#now })
      await this.#write(certPath, this.#authority.certPem, 0o644)
      return
    }
    const certificate = naming(certPath, () => readCertificate(certPem))
    if (!certificate.ca) throw mismatch(certPath, 'is not the certificate of an authority')
    assertPair(certificate, key, this.files('ca'))
    if (Date.parse(certificate.validTo) <= this.#now()) {
      throw new CertificateError(
        'certificate-expired',
        `${certPath} expired on ${certificate.validTo}; move ${this.#path} away to have a new authority made, and give its ca.crt to every client`,
        { path: certPath },
      )
    }
    this.#authority = { certPem, keyPem }
  }

  async ensure(name: string, leaf: Leaf): Promise<void> {
    const { certPath, keyPath } = this.files(name)
    const certPem = await this.#read(certPath, false)
    const keyPem = await this.#readOrMakeKey(keyPath, certPem)
    const key = naming(keyPath, () => readKey(keyPem))
    if (certPem !== undefined && this.#isUsable(certPath, certPem, key, name, leaf)) return
    naming(keyPath, () => readIssuingKey(keyPem))
    const issued = await leaf.issue(this.#signer(certPath), keyPem)
    await this.#write(certPath, issued.certPem, 0o644)
  }

  /** False where the certificate is to be issued again; throws where it is not ours to replace. */
  #isUsable(certPath: string, certPem: string, key: KeyObject, name: string, leaf: Leaf): boolean {
    const certificate = naming(certPath, () => readCertificate(certPem))
    assertPair(certificate, key, this.files(name))
    const authority = new X509Certificate(this.#authority?.certPem ?? '')
    if (!certificate.verify(authority.publicKey)) {
      throw mismatch(certPath, `was not issued by ${this.files('ca').certPath}`)
    }
    const fault = leaf.fault(certificate)
    if (fault === 'foreign') {
      throw mismatch(certPath, `was issued to ${quote(commonNameOf(certificate))} instead of ${quote(name)}`)
    }
    const daysLeft = (Date.parse(certificate.validTo) - this.#now()) / DAY_MS
    return fault === undefined && daysLeft > RENEWAL_DAYS
  }

  #signer(certPath: string): Authority {
    const { certPem, keyPem } = this.#authority ?? {}
    if (certPem !== undefined && keyPem !== undefined) return { certPem, keyPem }
    const { keyPath } = this.files('ca')
    throw new CertificateError(
      'certificate-missing',
      `${keyPath} is missing and needed to issue ${certPath}; put it back for this run`,
      { path: keyPath },
    )
  }

  /** A certificate without its key cannot be used by anybody, and no new key would fit it. */
  async #readOrMakeKey(keyPath: string, certPem?: string): Promise<string> {
    const found = await this.#read(keyPath, true)
    if (found !== undefined) return found
    if (certPem !== undefined) {
      throw new CertificateError(
        'certificate-missing',
        `${keyPath} is missing while its certificate is there; put it back, or remove the certificate to have both made anew`,
        { path: keyPath },
      )
    }
    const made = await createKeyPem()
    if (await this.#write(keyPath, made, 0o600)) return made
    return (await this.#read(keyPath, true)) ?? made
  }

  async #read(path: string, isSecret: boolean): Promise<string | undefined> {
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
  async #write(path: string, text: string, mode: number): Promise<boolean> {
    try {
      const isWritten = await writeWhole(path, text, { mode, isNew: mode === 0o600 })
      if (isWritten) this.written.push(path.slice(this.#path.length).replace(/^[\\/]+/, ''))
      return isWritten
    } catch (error) {
      throw new CertificateError('certificate-unwritable', `${path} cannot be written: ${codeOf(error)}`, {
        path,
      })
    }
  }
}

async function makeDirectory(path: string): Promise<void> {
  ownPath(dirname(resolve(path)))
  let mode: number
  try {
    const made = await mkdir(path, { recursive: true, mode: 0o700 })
    // What the process masks (umask) can only take rights away; the owner needs all three.
    if (made !== undefined) await chmod(path, 0o700)
    mode = (await stat(path)).mode
  } catch (error) {
    throw new CertificateError(
      'certificate-unwritable',
      `the directory ${path} cannot be made: ${codeOf(error)}`,
      { path },
    )
  }
  // Who may write here can replace any key, whatever the mode of its file.
  if (process.platform !== 'win32' && (mode & 0o022) !== 0) {
    throw new CertificateError(
      'certificate-exposed',
      `the directory ${path} has mode ${octal(mode)}, so others can replace its keys; run: chmod 700 ${shellWord(path)}`,
      { path },
    )
  }
  ownPath(path, { kind: 'folder' })
}

function assertComponent(component: string): void {
  const isReserved = component === 'ca' || component === 'server'
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(component) && !isReserved) return
  throw new CertificateError(
    'certificate-argument',
    `the component ${quote(component)} cannot name a file here; expected up to 64 letters, digits and . _ - other than ca and server`,
  )
}

function assertPair(certificate: X509Certificate, key: KeyObject | undefined, files: CertificateFiles): void {
  if (key === undefined || certificate.checkPrivateKey(key)) return
  throw mismatch(files.certPath, `does not belong to ${files.keyPath}`)
}

function covers(certificate: X509Certificate, host: string): boolean {
  return (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined
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
function naming<T>(path: string, read: () => T): T {
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
