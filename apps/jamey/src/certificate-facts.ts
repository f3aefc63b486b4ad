import { X509Certificate } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type DataDirectory, readDataFile } from './data-directory.js'
import { CommandFailure } from './failure.js'

const DAY_MS = 86_400_000

/** What a person wants to know of a certificate. */
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
  /** Signed by the folder's authority. */
  readonly isTrusted: boolean
}

/** The certificates of a data directory: the authority first, then the server, then the clients by name. */
export function certificatesOf(directory: DataDirectory, now: Date): CertificateFacts[] {
  const authority = readCertificate(directory.caCertificate)
  return readdirSync(directory.certificates)
    .filter((file) => file.endsWith('.crt'))
    .map((file) => factsOf(join(directory.certificates, file), directory, authority, now))
    .sort((a, b) => order(a) - order(b) || a.name.localeCompare(b.name))
}

function factsOf(
  path: string,
  directory: DataDirectory,
  authority: X509Certificate,
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
    isTrusted: certificate.verify(authority.publicKey),
  }
}

function hostsOf(certificate: X509Certificate): string[] {
  return (certificate.subjectAltName ?? '')
    .split(', ')
    .map((name) => name.replace(/^(DNS|IP Address):/, ''))
    .filter((name) => name !== '')
    .map((name) => (name === '0:0:0:0:0:0:0:1' ? '::1' : name))
}

function order({ role }: CertificateFacts): number {
  return ['authority', 'server', 'client'].indexOf(role)
}

function readCertificate(path: string): X509Certificate {
  const text = readDataFile(path)
  try {
    return new X509Certificate(text)
  } catch (error) {
    throw new CommandFailure(`${path} is damaged: it is not a certificate in PEM`, {
      code: 'certificate-damaged',
      hint: 'restore it, or remove it to have a new one issued by `npx jamey up`',
      cause: error,
    })
  }
}
