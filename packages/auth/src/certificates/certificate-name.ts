import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { quote } from '../support/client-identifier.js'
import { CertificateError } from '../support/errors.js'

/** The upper bound of a common name. X.520, ub-common-name; RFC 5280 appendix A. */
const MAXIMUM_COMMON_NAME = 64
const DNS_NAME = /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*$/

/** A subject alternative name: what a client compares the host of its URL with. */
export interface HostName {
  readonly type: 'dns' | 'ip'
  readonly value: string
}

/** Throws `CertificateError` 'certificate-argument' where `commonName` cannot stand in a certificate. */
export function assertCommonName(commonName: string): void {
  const isUsable =
    commonName.length >= 1 &&
    commonName.length <= MAXIMUM_COMMON_NAME &&
    !/\p{Cc}/u.test(commonName) &&
    commonName.isWellFormed()
  if (isUsable) return
  throw new CertificateError(
    'certificate-argument',
    `the common name ${quote(commonName)} is not usable; expected 1 to ${MAXIMUM_COMMON_NAME} characters without control characters`,
  )
}

/** The hosts of a server certificate in the order given, each once. */
export function readHosts(hosts: readonly string[]): HostName[] {
  if (hosts.length === 0) {
    throw new CertificateError(
      'certificate-argument',
      'the server certificate has no hosts; expected at least one host name or IP address',
    )
  }
  const names = hosts.map(readHost)
  return names.filter(({ value }, i) => names.findIndex((name) => name.value === value) === i)
}

function readHost(host: string): HostName {
  const unbracketed = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  // A zone (`fe80::1%eth0`) is known to one machine only and has no place in a certificate.
  if (isIP(unbracketed) !== 0 && !unbracketed.includes('%')) return { type: 'ip', value: unbracketed }
  const name = host.startsWith('*.') ? `*.${domainToASCII(host.slice(2))}` : domainToASCII(host)
  const isNumeric = /^[0-9.]+$/.test(name)
  if (name.length <= 253 && DNS_NAME.test(name) && !isNumeric) return { type: 'dns', value: name }
  throw new CertificateError(
    'certificate-argument',
    `the host ${quote(host)} is not usable; expected a host name or an IP address, without scheme and port`,
  )
}

/** The names and addresses a server certificate is for. */
export function hostsOf({ subjectAltName = '' }: Pick<X509Certificate, 'subjectAltName'>): string[] {
  return subjectAltName
    .split(', ')
    .map((name) => name.replace(/^(DNS|IP Address):/, ''))
    .filter((name) => name !== '')
}
