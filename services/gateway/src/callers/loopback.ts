import { isIPv4 } from 'node:net'

/** True where `host`, as given to listen on, can only be reached from this machine. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || isLoopbackAddress(host)
}

/** True where `address` is in 127.0.0.0/8 or is ::1, also where IPv4 is written inside IPv6. */
export function isLoopbackAddress(address: string): boolean {
  const plain = address.toLowerCase().replace(/^::ffff:/, '')
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'))
}

/**
 * Whether a Host header names this machine. A page of a foreign site whose name was made to resolve to 127.0.0.1
 * (DNS rebinding) still sends that site's name here.
 */
export function isLocalHostHeader(host: string | undefined): boolean {
  return host !== undefined && /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i.test(host)
}
