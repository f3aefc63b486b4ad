import { FakeClock } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS, type Limits } from '../support/limits.js'
import { ConnectionLimiter, networkOf } from './connection-limiter.js'

const A = '192.0.2.1'
const B = '192.0.2.2'

describe('connection limiter', () => {
  it('lets one address have only so many without CONNECT, and others still in [promise 34]', () => {
    const { enter, limiter } = limiterWith({
      pendingPerAddress: 2,
      pendingConnections: 4,
      waitingConnections: 0,
    })
    const [first] = [A, A, A, B].map(enter)
    expect(first?.state).toBe('in')
    expect(enter(A).state).toContain('2 of this address')
    limiter.connected(A)
    const next = enter(A)
    expect(next.state).toBe('in')
    expect(enter(A).state).toContain('2 of this address')
    // Its connection ends before its socket, or after it.
    limiter.disconnected(A)
    first?.release()
    expect(enter(A).state).toContain('2 of this address')
    next.release()
    expect(enter(A).state).toBe('in')
    expect(enter(B).state).toBe('in')
  })

  it('bounds those of all addresses, and all of one [promise 34]', () => {
    const limits = { pendingConnections: 2, connectionsPerAddress: 2, waitingConnections: 0 }
    const { enter, limiter } = limiterWith(limits)
    for (const address of [A, B]) enter(address)
    expect(enter('192.0.2.3').state).toContain('2 connections wait')
    limiter.connected(A)
    expect(enter(A).state).toBe('in')
    limiter.connected(A)
    expect(enter(A).state).toContain('2 connections from this address')
  })

  it('has those wait that come in haste, and lets them in by the second, in order [promise 34]', async () => {
    const clock = new FakeClock()
    const limits = { connectionsPerSecond: 3, connectionsPerSecondPerAddress: 2 }
    const { enter } = limiterWith(limits, clock)
    const office = Array.from({ length: 6 }, () => enter(A))
    const other = enter(B)
    const late = enter(B)
    const inside = (): number[] =>
      [...office, other, late].flatMap(({ state }, n) => (state === 'in' ? [n] : []))
    expect(inside()).toEqual([0, 1, 6])
    for (const each of [0, 1, 6]) [...office, other][each]?.release()
    await clock.advance(1_000)
    expect(inside()).toEqual([0, 1, 2, 3, 6, 7])
    await clock.advance(1_000)
    expect(inside()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(clock.pendingTimers).toBe(0)
  })

  it('gives a place that becomes free to whoever waits longest, of each address in turn', () => {
    const { enter, limiter } = limiterWith({ pendingConnections: 2 })
    const [one, two] = [enter(A), enter(A)]
    const waiting = [A, A, B].map(enter)
    expect(waiting.map(({ state }) => state)).toEqual(['waits', 'waits', 'waits'])
    expect(limiter.waiting).toBe(3)
    one?.release()
    limiter.connected(A)
    expect(waiting.map(({ state }) => state)).toEqual(['in', 'waits', 'in'])
    two?.release()
    waiting[2]?.release()
    expect(waiting[1]?.state).toBe('in')
    expect(limiter.waiting).toBe(0)
  })

  it('forgets who leaves while it waits, and refuses whose turn does not come in time', async () => {
    const clock = new FakeClock()
    const { enter, limiter } = limiterWith({ pendingConnections: 1, connectTimeoutMs: 5_000 }, clock)
    const first = enter(A)
    const [gone, patient] = [enter(A), enter(A)]
    gone?.release()
    expect(limiter.waiting).toBe(1)
    await clock.advance(5_000)
    expect(patient?.state).toBe('its turn did not come in time')
    expect([limiter.waiting, clock.pendingTimers]).toEqual([0, 0])
    first.release()
    expect(gone?.state).toBe('waits')
    expect(enter(A).state).toBe('in')
  })

  it('has only so many wait, and no address half of them alone', () => {
    const { enter } = limiterWith({ pendingConnections: 1, waitingConnections: 4 })
    enter(A)
    expect([A, A, A].map((address) => enter(address).state.slice(0, 5))).toEqual(['waits', 'waits', 'other'])
    expect([B, B].map((address) => enter(address).state)).toEqual(['waits', 'waits'])
    expect(enter('192.0.2.3').state).toContain('4 connections wait for their turn')
  })

  it('takes up who waits when a reload makes room', () => {
    const { enter, limiter } = limiterWith({ pendingConnections: 1 })
    enter(A)
    const waiting = enter(A)
    limiter.limits = { ...DEFAULT_LIMITS, pendingConnections: 2 }
    expect(waiting.state).toBe('in')
  })

  it('counts no address for sockets that have none, which are bounded all the same', () => {
    const { enter } = limiterWith({
      pendingConnections: 2,
      pendingPerAddress: 1,
      connectionsPerAddress: 1,
      connectionsPerSecondPerAddress: 1,
    })
    expect([undefined, undefined, undefined].map((address) => enter(address).state)).toEqual([
      'in',
      'in',
      'waits',
    ])
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

class Socket {
  state = 'new'
  readonly #limiter: ConnectionLimiter
  readonly address: string | undefined

  constructor(limiter: ConnectionLimiter, address: string | undefined) {
    this.#limiter = limiter
    this.address = address
  }

  begin(): void {
    this.state = 'in'
  }

  wait(): void {
    this.state = 'waits'
  }

  refuse(reason: string): void {
    this.state = reason
  }

  release(): void {
    this.#limiter.release(this)
  }
}

function limiterWith(limits: Partial<Limits>, clock = new FakeClock()) {
  const limiter = new ConnectionLimiter({ ...DEFAULT_LIMITS, ...limits }, clock)
  const enter = (address: string | undefined): Socket => {
    const socket = new Socket(limiter, address)
    limiter.accept(socket)
    return socket
  }
  return { limiter, enter }
}
