import { X509Certificate } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { ownPath } from '../files/own-files.js'
import { codeOf } from '../files/private-file.js'
import { CertificateError } from '../support/errors.js'
import { CertificateFolder, clientLeaf, isComponent, serverLeaf } from './certificate-folder.js'
import { hostsOf } from './certificate-name.js'
import { refreshRevocationList } from './revocation-list-file.js'

const DAY_MS = 86_400_000

export interface RenewalOptions {
  /** Names of files, such as `server` or a client identifier; all that are there by default. */
  readonly names?: readonly string[] | undefined
  /** A certificate that ends within so many milliseconds is issued again; 30 days by default. */
  readonly withinMs?: number | undefined
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
}

export interface RenewalFault {
  readonly name: string
  readonly error: Error
}

export interface Renewal {
  /** Files that were written, such as `server.crt` and `crl.pem`. */
  readonly written: readonly string[]
  /**
   * Certificates that stay as they are because they cannot be issued again; all others were looked after all the same.
   */
  readonly faults: readonly RenewalFault[]
}

/**
 * Issues the certificates in the directory at `path` again, each with its old key, where they end soon or a former
 * authority signed them, and signs the revocation list again where it is due. Throws `CertificateError` where the
 * authority cannot be used, or a name has no certificate there, and `OwnershipError`.
 */
export async function renewCertificates(path: string, options: RenewalOptions = {}): Promise<Renewal> {
  const { now = Date.now, withinMs = 30 * DAY_MS } = options
  ownPath(path, { kind: 'folder' })
  const folder = new CertificateFolder(path, { now, withinMs })
  await folder.openAuthority({ isThere: true })
  const found = await certificateNames(path)
  const names = options.names ?? found
  const absent = names.find((name) => !found.includes(name))
  if (absent !== undefined) {
    const { certPath } = folder.files(absent)
    throw new CertificateError(
      'certificate-missing',
      `${certPath} is missing: there is nothing to renew; expected one of ${found.join(', ') || 'none'}`,
      { path: certPath },
    )
  }
  const faults: RenewalFault[] = []
  for (const name of names) {
    try {
      await renewOne(folder, name, now)
    } catch (error) {
      faults.push({ name, error: error as Error })
    }
  }
  if (options.names === undefined && folder.authorities.keyPem !== undefined)
    await refreshRevocationList(folder, now)
  return { written: folder.written, faults }
}

/** The server's and those of clients, by the names of their files, in the order of the alphabet. */
export async function certificateNames(path: string): Promise<string[]> {
  try {
    const names = (await readdir(path)).flatMap((file) => (file.endsWith('.crt') ? [file.slice(0, -4)] : []))
    return names.filter((name) => name === 'server' || isComponent(name)).sort()
  } catch (error) {
    throw new CertificateError('certificate-unwritable', `${path} cannot be read: ${codeOf(error)}`, { path })
  }
}

async function renewOne(folder: CertificateFolder, name: string, now: () => number): Promise<void> {
  if (name !== 'server') return folder.ensure(name, clientLeaf(name, now))
  const pem = await folder.read(folder.files(name).certPath, false)
  await folder.ensure(name, serverLeaf(pem === undefined ? [] : hostsOf(new X509Certificate(pem)), now))
}
