import { describe, expect, it } from 'vitest'
import { isLoopbackAddress, isLoopbackHost } from './loopback.js'

describe('this machine', () => {
  it.each([
    'localhost',
    'LocalHost',
    '127.0.0.1',
    '127.8.9.10',
    '::1',
    '[::1]',
    new URL('http://127.1/').hostname,
  ])('is the host %s', (host) => expect(isLoopbackHost(host)).toBe(true))

  it.each([
    'localhost.example',
    '127.0.0.1.example',
    '128.0.0.1',
    '0.0.0.0',
    '::',
    '[::2]',
    '[fe80::1]',
    'example.org',
    '',
  ])('is not the host %s', (host) => expect(isLoopbackHost(host)).toBe(false))

  it('is the peer of a socket also where IPv4 is written inside IPv6', () => {
    expect(isLoopbackAddress('::ffff:127.0.0.1')).toBe(true)
    expect(isLoopbackAddress('::FFFF:127.0.0.1')).toBe(true)
    expect(isLoopbackHost(new URL('http://[::ffff:127.0.0.1]/').hostname)).toBe(true)
    expect(isLoopbackAddress('::ffff:10.0.0.1')).toBe(false)
    expect(isLoopbackHost(new URL('http://[::ffff:126.0.0.1]/').hostname)).toBe(false)
    expect(isLoopbackAddress('localhost')).toBe(false)
  })
})
