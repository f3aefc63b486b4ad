import { createPublicKey, type KeyObject, webcrypto, type X509Certificate } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createKeyPem, library, readIssuingKey } from '../certificates/certificate.js'
import { covers, readCertificates } from '../certificates/certificate-folder.js'
import { type HostName, readHosts } from '../certificates/certificate-name.js'
import { ownPath } from '../files/own-files.js'
import { codeOf, readSmallFile, writeWhole } from '../files/private-file.js'
import { AcmeError, CertificateError } from '../support/errors.js'
import { fulfilOrder } from './acme-order.js'
import { type AcmeServer, AcmeSession } from './acme-session.js'
import { HttpChallenges } from './http-challenges.js'

const DAY_MS = 86_400_000

export interface AcmeCertificateOptions extends AcmeServer {
  /** Names, and addresses where the authority takes them; no `*`, which HTTP-01 cannot prove. */
  readonly hosts: readonly string[]
  /** Whom the authority may write to, such as `mailto:ops@example.org`. */
  readonly contact?: readonly string[] | undefined
  /** Address at which challenges are answered; the authority asks at port 80 of each host. */
  readonly challengeAddress: { readonly host: string; readonly port: number }
  /** A certificate that ends within so many milliseconds is replaced; 30 days by default. */
  readonly withinMs?: number | undefined
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
  readonly wait?: ((delayMs: number) => Promise<void>) | undefined
}

export interface AcmeCertificate {
  readonly certPath: string
  readonly keyPath: string
  readonly validTo: Date
  /** False where the certificate that was there is good for longer. */
  readonly isNew: boolean
}

/**
 * Has the certificate in `folder` (public.crt with its chain, public.key) for `hosts`, from an ACME server, by HTTP-01.
 * One that is there and good for longer stays, and nobody is asked. The key stays, and that of the account
 * (account.key); the folder has mode 0700, keys 0600, and every file appears whole. Whoever calls this agrees to the terms of service.
 * Throws `AcmeError`, `CertificateError` for hosts and files that cannot be used, and `OwnershipError`.
 */
export async function obtainCertificate(
  folder: string,
  options: AcmeCertificateOptions,
): Promise<AcmeCertificate> {
  const { now = Date.now, withinMs = 30 * DAY_MS, contact = [], wait = (ms) => pause(ms) } = options
  const hosts = readHosts(options.hosts)
  const wild = hosts.find(({ value }) => value.startsWith('*'))
  if (wild !== undefined) {
    const message = `${wild.value} cannot be proven by HTTP-01; expected host names without *`
    throw new CertificateError('certificate-argument', message)
  }
  await mkdir(ownPath(folder), { recursive: true, mode: 0o700 })
  ownPath(folder, { kind: 'folder' })
  const [certPath, keyPath] = [join(folder, 'public.crt'), join(folder, 'public.key')]
  const key = await keyAt(keyPath)
  const present = await certificateAt(certPath)
  if (present !== undefined && isGood(present, key, hosts, now() + withinMs)) {
    return { certPath, keyPath, validTo: new Date(present.validTo), isNew: false }
  }
  const session = new AcmeSession(options, await keyAt(join(folder, 'account.key')))
  const challenges = new HttpChallenges()
  try {
    await challenges.listen(options.challengeAddress.host, options.challengeAddress.port)
    await session.open(contact)
    const request = await certificateRequest(key, hosts)
    const chain = await fulfilOrder(session, { hosts, request, challenges, wait })
    const [certificate] = readCertificates(chain)
    if (certificate === undefined || !isGood(certificate, key, hosts, now())) {
      throw new AcmeError(
        'acme-refused',
        'the ACME server gave a certificate of another key, or for other hosts',
      )
    }
    await written(certPath, chain, 0o644)
    return { certPath, keyPath, validTo: new Date(certificate.validTo), isNew: true }
  } finally {
    await challenges.close()
  }
}

function isGood(
  certificate: X509Certificate,
  key: KeyObject,
  hosts: readonly HostName[],
  atMs: number,
): boolean {
  const isLong = Date.parse(certificate.validTo) > atMs
  return isLong && certificate.checkPrivateKey(key) && hosts.every(({ value }) => covers(certificate, value))
}

async function keyAt(path: string): Promise<KeyObject> {
  const text = await readText(path, true)
  if (text !== undefined) return readIssuingKey(text)
  const made = await createKeyPem()
  await written(path, made, 0o600)
  return readIssuingKey((await readText(path, true)) ?? made)
}

/** The certificate at a path; undefined for a damaged one, which is replaced: nobody made it by hand. */
async function certificateAt(path: string): Promise<X509Certificate | undefined> {
  const text = await readText(path, false)
  try {
    return text === undefined ? undefined : readCertificates(text)[0]
  } catch {
    return undefined
  }
}

async function readText(path: string, isSecret: boolean): Promise<string | undefined> {
  const finding = await readSmallFile(path, { isSecret })
  if (finding.status === 'read') return finding.text
  if (finding.status === 'missing') return undefined
  const [code, fault] =
    finding.status === 'exposed'
      ? (['certificate-exposed', `has mode ${finding.mode}, so others may know the key`] as const)
      : (['certificate-unwritable', `cannot be read: ${finding.fault}`] as const)
  throw new CertificateError(code, `${path} ${fault}`, { path })
}

async function written(path: string, text: string, mode: number): Promise<void> {
  try {
    await writeWhole(path, text, { mode, isNew: mode === 0o600 })
  } catch (error) {
    const message = `${path} cannot be written: ${codeOf(error)}`
    throw new CertificateError('certificate-unwritable', message, { path })
  }
}

/** A request (PKCS #10) in DER. */
async function certificateRequest(key: KeyObject, hosts: readonly HostName[]): Promise<Uint8Array> {
  const x509 = await library()
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const { subtle } = webcrypto
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' })
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    keys: {
      privateKey: await subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']),
      publicKey: await subtle.importKey('spki', spki, algorithm, true, ['verify']),
    },
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [new x509.SubjectAlternativeNameExtension(hosts.map(({ type, value }) => ({ type, value })))],
  })
  return new Uint8Array(request.rawData)
}
