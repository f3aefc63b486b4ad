import { X509Certificate } from 'node:crypto'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { ownPath } from '../files/own-files.js'
import { codeOf } from '../files/private-file.js'
import { CertificateError } from '../support/errors.js'
import { CertificateFolder, naming, readCertificates } from './certificate-folder.js'
import { addToRevocationList, type RevocationReason } from './revocation-list-file.js'

export interface RevokeOptions {
  /** RFC 5280 section 5.3.1; `unspecified` by default. */
  readonly reason?: RevocationReason | undefined
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
}

export interface Revoked {
  /** The number in hexadecimal. */
  readonly serialNumber: string
  /** Files of the directory that were moved into its folder `revoked`. */
  readonly moved: readonly string[]
}

/**
 * Revokes the certificate `name` of the directory at `path`: writes crl.pem there, signed by the authority, and moves
 * certificate and key into `revoked`, so that nobody renews them; the next one that is issued has a new key. Throws
 * `CertificateError`: where there is no such certificate, or the key of its authority is not at hand.
 */
export async function revokeCertificate(
  path: string,
  name: string,
  options: RevokeOptions = {},
): Promise<Revoked> {
  const folder = await openFolder(path, options)
  const { certPath, keyPath } = folder.files(name)
  const certPem = await folder.read(certPath, false)
  if (certPem === undefined) {
    const message = `${certPath} is missing: there is nothing to revoke`
    throw new CertificateError('certificate-missing', message, { path: certPath })
  }
  const serialNumber = await revoke(folder, certPath, certPem, options)
  const moved: string[] = []
  await mkdir(join(path, 'revoked'), { recursive: true, mode: 0o700 })
  // The key goes first: a certificate alone is told, and a key alone would get another certificate.
  for (const [from, end] of [
    [keyPath, 'key'],
    [certPath, 'crt'],
  ] as const) {
    if (await move(from, join(path, 'revoked', `${name}-${serialNumber}.${end}`)))
      moved.push(`${name}.${end}`)
  }
  return { serialNumber, moved }
}

/** Revokes a certificate (PEM) that lies elsewhere, at `certPath`; nothing is moved. */
export async function revokeForeignFile(
  path: string,
  certPath: string,
  certPem: string,
  options: RevokeOptions = {},
): Promise<Revoked> {
  const folder = await openFolder(path, options)
  return { serialNumber: await revoke(folder, certPath, certPem, options), moved: [] }
}

async function openFolder(path: string, { now = Date.now }: RevokeOptions): Promise<CertificateFolder> {
  ownPath(path, { kind: 'folder' })
  const folder = new CertificateFolder(path, { now })
  await folder.openAuthority({ isThere: true })
  return folder
}

async function revoke(
  folder: CertificateFolder,
  certPath: string,
  certPem: string,
  { reason = 'unspecified', now = Date.now }: RevokeOptions,
): Promise<string> {
  const [certificate] = naming(certPath, () => readCertificates(certPem))
  const pem = certificate?.toString() ?? ''
  await addToRevocationList(folder, pem, { reason, now })
  return new X509Certificate(pem).serialNumber
}

async function move(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw new CertificateError('certificate-unwritable', `${from} cannot be moved: ${codeOf(error)}`, {
      path: from,
    })
  }
}
