import { FakeClock } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { Admission, networkOf } from './admission.js'
import { DEFAULT_LIMITS, type Limits } from './limits.js'

const A = '192.0.2.1'
const B = '192.0.2.2'

describe('admission', () => {
  it('lets one address have only so many without CONNECT, and others still in [promise 34]', () => {
    const admission = admissionWith({ pendingPerAddress: 2, pendingConnections: 4 })
    expect([A, A, A, B].map((address) => admission.enter(address) === undefined)).toEqual([
      true,
      true,
      false,
      true,
    ])
    admission.pass(A)
    expect(admission.enter(A)).toBeUndefined()
    expect(admission.enter(A)).toContain('2 of this address')
    // Its connection ends before its socket, or after it.
    admission.leave(A)
    admission.exit(A)
    expect(admission.enter(A)).toContain('2 of this address')
    admission.exit(A)
    expect(admission.enter(A)).toBeUndefined()
  })

  it('bounds those of all addresses, and all of one [promise 34]', () => {
    const admission = admissionWith({ pendingConnections: 2, connectionsPerAddress: 2 })
    for (const address of [A, B]) admission.enter(address)
    expect(admission.enter('192.0.2.3')).toContain('2 connections wait')
    admission.pass(A)
    expect(admission.enter(A)).toBeUndefined()
    admission.pass(A)
    expect(admission.enter(A)).toContain('2 connections from this address')
  })

  it('lets only so many in within a second, of one address and of all, and as many in the next [promise 34]', async () => {
    const clock = new FakeClock()
    const limits = { connectionsPerSecond: 3, connectionsPerSecondPerAddress: 2 }
    const admission = admissionWith(limits, clock)
    const comesAndGoes = (address: string): string | undefined => {
      const refusal = admission.enter(address)
      if (refusal === undefined) admission.exit(address)
      return refusal
    }
    for (const second of [1, 2]) {
      expect(comesAndGoes(A), `second ${second}`).toBeUndefined()
      expect(comesAndGoes(A)).toBeUndefined()
      expect(comesAndGoes(A)).toBe('2 connections came from this address within a second already')
      await clock.advance(999)
      expect(comesAndGoes(B)).toBeUndefined()
      expect(comesAndGoes(B)).toBe('3 connections came within a second already')
      await clock.advance(1)
    }
  })

  it('has no default that lets one address use up what all share', () => {
    expect(DEFAULT_LIMITS.pendingPerAddress * 2).toBeLessThanOrEqual(DEFAULT_LIMITS.pendingConnections)
    expect(DEFAULT_LIMITS.connectionsPerSecondPerAddress * 2).toBeLessThanOrEqual(
      DEFAULT_LIMITS.connectionsPerSecond,
    )
    expect(DEFAULT_LIMITS.connectionsPerAddress * 2).toBeLessThanOrEqual(DEFAULT_LIMITS.connections)
    expect(DEFAULT_LIMITS.retainedBytesPerClient * 2).toBeLessThanOrEqual(DEFAULT_LIMITS.retainedBytes)
    expect(DEFAULT_LIMITS.retainedMessagesPerClient * 2).toBeLessThanOrEqual(DEFAULT_LIMITS.retainedMessages)
  })

  it('counts an IPv6 network as one address, and mapped IPv4 as IPv4', () => {
    for (const address of ['2001:db8:1:2::1', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::']) {
      expect(networkOf(address)).toBe('2001:db8:1:2::/64')
    }
    expect(networkOf('2001:db8::1')).toBe('2001:db8:0:0::/64')
    expect(networkOf('::1')).toBe('0:0:0:0::/64')
    expect(networkOf('::ffff:192.0.2.1')).toBe(A)
    expect(networkOf(A)).toBe(A)
  })
})

function admissionWith(limits: Partial<Limits>, clock = new FakeClock()): Admission {
  return new Admission({ ...DEFAULT_LIMITS, ...limits }, clock)
}
