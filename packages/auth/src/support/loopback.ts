import { isIPv4 } from 'node:net'

/** True for a host that is reached on this machine alone, as it stands in a URL or is given to listen on. */
export function isLoopbackHost(host: string): boolean {
  return host.toLowerCase() === 'localhost' || isLoopbackAddress(host.replace(/^\[(.*)\]$/, '$1'))
}

/** 127.0.0.0/8 inside IPv6, as a URL has it. */
const MAPPED = /^::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}$/

/** True for an address of 127.0.0.0/8 and for ::1, also where IPv4 is written inside IPv6. */
export function isLoopbackAddress(address: string): boolean {
  const lower = address.toLowerCase()
  const plain = lower.replace(/^::ffff:/, '')
  return lower === '::1' || MAPPED.test(lower) || (isIPv4(plain) && plain.startsWith('127.'))
}
