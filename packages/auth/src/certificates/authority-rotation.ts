import type { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { ownPath } from '../files/own-files.js'
import { codeOf } from '../files/private-file.js'
import { CertificateError } from '../support/errors.js'
import { createAuthority, readIssuingKey } from './certificate.js'
import { CertificateFolder, commonNameOf, isIssuedBy, readCertificates } from './certificate-folder.js'
import { certificateNames, type Renewal, renewCertificates } from './certificate-renewal.js'
import { refreshRevocationList } from './revocation-list-file.js'

/**
 * Where a rotation stands. `none`: one authority. `prepared`: ca.crt holds the next one, too, and the present one
 * signs. `switched`: the next one signs, and the former is still trusted.
 */
export type RotationStage = 'none' | 'prepared' | 'switched'

export interface RotationOptions {
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
}

/** The stage of a rotation, told by the keys that are in the directory at `path`. */
export function rotationStage(path: string): RotationStage {
  const folder = new CertificateFolder(path, { now: Date.now })
  if (existsSync(folder.files('ca-next').keyPath)) return 'prepared'
  return existsSync(folder.files('ca-before').keyPath) ? 'switched' : 'none'
}

/**
 * The first step: makes the next authority (ca-next.key) and adds it to ca.crt, which everybody has to have before the
 * second. Nothing is signed by it yet. Throws `CertificateError`, also where a rotation has gone further.
 */
export async function prepareAuthority(path: string, options: RotationOptions = {}): Promise<Renewal> {
  const { folder, now } = await openFolder(path, options)
  if (rotationStage(path) === 'switched') throw outOfTurn(path, 'is not finished', 'finish it first')
  const { certPath } = folder.files('ca')
  const keyPem = await folder.readOrMakeKey(folder.files('ca-next').keyPath)
  const key = readIssuingKey(keyPem)
  const { all, signing } = folder.authorities
  if (all.some((one) => one.checkPrivateKey(key))) return { written: folder.written, faults: [] }
  const next = await createAuthority({ commonName: nextName(commonNameOf(signing)), keyPem, now })
  await folder.write(certPath, pemOf([signing, ...readCertificates(next.certPem)]), 0o644)
  return { written: folder.written, faults: [] }
}

/**
 * The second step: the next authority signs from now on, and every certificate of the directory is issued again by it,
 * with its old key. ca.crt keeps the former authority, and ca-before.key its key, for its revocation list. What was
 * interrupted is completed. Throws `CertificateError`, also where there was no first step.
 */
export async function switchAuthority(path: string, options: RotationOptions = {}): Promise<Renewal> {
  const { folder } = await openFolder(path, options)
  const written: string[] = []
  if (rotationStage(path) === 'none') throw outOfTurn(path, 'has not begun', 'begin it first')
  if (rotationStage(path) === 'prepared') {
    const { keyPem, signing } = folder.authorities
    const next = readIssuingKey((await folder.read(folder.files('ca-next').keyPath, true)) ?? '')
    if (!folder.authorities.all.some((one) => one.checkPrivateKey(next)))
      throw outOfTurn(path, 'was interrupted', 'begin it again')
    if (keyPem === undefined || signing.checkPrivateKey(next)) {
      throw new CertificateError(
        'certificate-missing',
        `${folder.files('ca').keyPath} is missing and needed to switch; put it back for this run`,
        { path: folder.files('ca').keyPath },
      )
    }
    await folder.write(folder.files('ca-before').keyPath, keyPem, 0o600)
    // The other key is the authority's from this moment on, whatever comes next.
    await replace(folder.files('ca-next').keyPath, folder.files('ca').keyPath)
    written.push(...folder.written, 'ca.key')
  }
  const switched = await openFolder(path, options)
  const { all, signing } = switched.folder.authorities
  const ordered = [signing, ...all.filter((one) => one !== signing)]
  if (ordered[0] !== all[0])
    await switched.folder.write(switched.folder.files('ca').certPath, pemOf(ordered), 0o644)
  const renewal = await renewCertificates(path, options)
  return { written: [...written, ...switched.folder.written, ...renewal.written], faults: renewal.faults }
}

/**
 * The last step: the former authority is trusted no more, and its key is removed. Throws `CertificateError` that names
 * the certificates where the former authority signed some that are still in use.
 */
export async function finishRotation(path: string, options: RotationOptions = {}): Promise<Renewal> {
  const { folder, now } = await openFolder(path, options)
  const stage = rotationStage(path)
  const { all, signing, keyPem } = folder.authorities
  if (stage === 'prepared') throw outOfTurn(path, 'is prepared only', 'switch first')
  if (stage === 'none' && all.length < 2) throw outOfTurn(path, 'has not begun', 'begin it first')
  const former = await signedByOthers(folder, signing)
  if (former.length > 0) {
    throw new CertificateError(
      'certificate-mismatch',
      `the former authority signed ${former.join(', ')}; issue these again, or remove them, before it is trusted no more`,
      { path },
    )
  }
  await folder.write(folder.files('ca').certPath, pemOf([signing]), 0o644)
  await rm(folder.files('ca-before').keyPath, { force: true })
  if (keyPem !== undefined) {
    const after = await openFolder(path, options)
    await refreshRevocationList(after.folder, now)
    return { written: [...folder.written, ...after.folder.written], faults: [] }
  }
  return { written: folder.written, faults: [] }
}

async function openFolder(
  path: string,
  { now = Date.now }: RotationOptions,
): Promise<{ folder: CertificateFolder; now: () => number }> {
  ownPath(path, { kind: 'folder' })
  const folder = new CertificateFolder(path, { now })
  await folder.openAuthority({ isThere: true })
  return { folder, now }
}

async function signedByOthers(folder: CertificateFolder, signing: X509Certificate): Promise<string[]> {
  const names = await certificateNames(folder.path)
  const files = names.map(async (name) => {
    const text = await folder.read(folder.files(name).certPath, false)
    const [certificate] = text === undefined ? [] : readCertificates(text)
    return certificate === undefined || isIssuedBy(certificate, signing) ? [] : [`${name}.crt`]
  })
  return (await Promise.all(files)).flat()
}

/** No two authorities of a folder have the same name, by which certificates and revocation lists find theirs. */
function nextName(name: string): string {
  const [, text = name, number = '1'] = /^(.*?)(?: (\d+))?$/.exec(name) ?? []
  return `${text} ${Number(number) + 1}`
}

function pemOf(certificates: readonly X509Certificate[]): string {
  return certificates.map((one) => one.toString()).join('')
}

async function replace(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    throw new CertificateError('certificate-unwritable', `${to} cannot be written: ${codeOf(error)}`, {
      path: to,
    })
  }
}

function outOfTurn(path: string, state: string, expected: string): CertificateError {
  return new CertificateError(
    'certificate-argument',
    `the rotation of the authority in ${path} ${state}; expected to ${expected}`,
    { path },
  )
}
