import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { CommandFailure } from '../support/failure.js'
import { type DataDirectory, readDataFile } from './data-directory.js'

const DAY_MS = 86_400_000

/** The facts that a person wants to know of a certificate. */
export interface CertificateFacts {
  readonly path: string
  readonly role: 'authority' | 'server' | 'client'
  readonly name: string
  /** Names and addresses of a server. */
  readonly hosts: readonly string[]
  readonly validFrom: Date
  readonly validTo: Date
  readonly daysLeft: number
  readonly fingerprint: string
  /** Signed by the folder's authority; undefined where that cannot be read. */
  readonly isTrusted: boolean | undefined
}

/** A certificate of the folder, or why it cannot be used: one that is damaged says nothing about the others. */
export type CertificateReading =
  | { readonly path: string; readonly facts: CertificateFacts }
  | { readonly path: string; readonly fault: unknown }

/**
 * The certificates of a data directory, those of `clientIds` among them even where they are missing: the authority
 * first, then the server, then the clients by name.
 */
export function certificatesOf(
  directory: DataDirectory,
  now: Date,
  clientIds: readonly string[] = [],
): CertificateReading[] {
  const { caCertificate, serverCertificate } = directory
  const authority = attempt(caCertificate, () => readCertificate(caCertificate))
  const trusted = 'value' in authority ? authority.value : undefined
  const expected = [
    caCertificate,
    serverCertificate,
    ...clientIds.map((id) => directory.clientCertificate(id)),
  ]
  const paths = new Set([...expected, ...certificateFiles(directory)])
  return [...paths]
    .sort((a, b) => rank(a, directory) - rank(b, directory) || a.localeCompare(b))
    .map((path) => {
      const reading = attempt(path, () => factsOf(path, directory, trusted, now))
      return 'value' in reading ? { path, facts: reading.value } : reading
    })
}

/** Hosts for which a server certificate is valid; none where there is no certificate that can be read. */
export function serverHostsOf(directory: DataDirectory): string[] {
  const reading = attempt('', () => hostsOf(readCertificate(directory.serverCertificate)))
  return 'value' in reading ? reading.value : []
}

/**
 * The fault of the private key beside a certificate. That of the authority may be kept elsewhere: only whoever
 * issues needs it.
 */
export function keyFaultOf({ path, role }: CertificateFacts): unknown {
  const keyPath = path.replace(/\.crt$/, '.key')
  if (role === 'authority' && !existsSync(keyPath)) return undefined
  const reading = attempt(keyPath, () => {
    if (!existsSync(keyPath)) throw keyMissing(path, keyPath)
    const pem = readDataFile(keyPath)
    const key = naming(keyPath, 'a private key', () => createPrivateKey(pem))
    if (readCertificate(path).checkPrivateKey(key)) return
    throw new CommandFailure(`${keyPath} does not belong to ${basename(path)}`, {
      code: 'certificate-mismatch',
      hint: 'restore it, or remove both to have new ones issued',
    })
  })
  return 'fault' in reading ? reading.fault : undefined
}

/** No start makes a new key for a certificate that is there. */
function keyMissing(path: string, keyPath: string): CommandFailure {
  return new CommandFailure(`${keyPath} is missing while its certificate is there`, {
    code: 'certificate-mismatch',
    hint: `put it back, or remove ${basename(path)}, and the next \`jamey up\` makes both anew`,
  })
}

function certificateFiles({ certificates }: DataDirectory): string[] {
  if (!existsSync(certificates)) return []
  return readdirSync(certificates)
    .filter((file) => file.endsWith('.crt'))
    .map((file) => join(certificates, file))
}

function factsOf(
  path: string,
  directory: DataDirectory,
  authority: X509Certificate | undefined,
  now: Date,
): CertificateFacts {
  const certificate = readCertificate(path)
  const validTo = new Date(certificate.validTo)
  return {
    path,
    role: certificate.ca ? 'authority' : path === directory.serverCertificate ? 'server' : 'client',
    name: /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? certificate.subject.replaceAll('\n', ', '),
    hosts: hostsOf(certificate),
    validFrom: new Date(certificate.validFrom),
    validTo,
    daysLeft: Math.floor((validTo.getTime() - now.getTime()) / DAY_MS),
    fingerprint: certificate.fingerprint256,
    isTrusted: authority && certificate.verify(authority.publicKey),
  }
}

function hostsOf(certificate: X509Certificate): string[] {
  return (certificate.subjectAltName ?? '')
    .split(', ')
    .map((name) => name.replace(/^(DNS|IP Address):/, ''))
    .filter((name) => name !== '')
    .map((name) => (name === '0:0:0:0:0:0:0:1' ? '::1' : name))
}

function rank(path: string, { caCertificate, serverCertificate }: DataDirectory): number {
  return path === caCertificate ? 0 : path === serverCertificate ? 1 : 2
}

function readCertificate(path: string): X509Certificate {
  const text = readDataFile(path)
  return naming(path, 'a certificate', () => new X509Certificate(text))
}

function naming<T>(path: string, what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new CommandFailure(`${path} is damaged: it is not ${what} in PEM`, {
      code: 'certificate-damaged',
      hint: 'restore it, or remove it and its pair to have new ones issued by `jamey up`',
      cause: error,
    })
  }
}

function attempt<T>(path: string, read: () => T): { value: T } | { path: string; fault: unknown } {
  try {
    return { value: read() }
  } catch (fault) {
    return { path, fault }
  }
}
