import { isIPv4 } from 'node:net'

/** True for a host that is reached on this machine alone, as it stands in a URL or is given to listen on. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || isLoopbackAddress(host.replace(/^\[(.*)\]$/, '$1'))
}

/** True for an address of 127.0.0.0/8 and for ::1, also where IPv4 is written inside IPv6. */
export function isLoopbackAddress(address: string): boolean {
  const plain = address.toLowerCase().replace(/^::ffff:/, '')
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'))
}
