import { TokenSource, TokenVerifier } from '@jamey/auth'
import { FakeClock, settled } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { FakeBroker, type FakeClient } from '../test-support/fake-broker.js'
import { Renewal } from './renewal.js'

const secret = 'a secret of at least 32 bytes, for tests'

function setUp(lifetimeSeconds = 300) {
  const clock = new FakeClock()
  const client = new FakeBroker().connect('me')
  const permissions = ['jamey/#']
  const source = new TokenSource({
    secret,
    subject: 'me',
    permissions,
    lifetimeSeconds,
    now: () => clock.timeOfDay(),
  })
  const warnings: string[] = []
  const told: string[] = []
  const log = {
    debug: () => {},
    info: (_: object, text: string) => void told.push(text),
    error: () => {},
    warn: (_: object, text: string) => void warnings.push(text),
  }
  const renewal = new Renewal(source, clock, log)
  renewal.watch(client)
  return { clock, client, renewal, warnings, told }
}

/** Renews as the client does: by asking for credentials. */
function renewThrough(client: FakeClient, renewal: Renewal): void {
  client.reauthenticate = async () => {
    client.reauthentications++
    await renewal.credentials({ reason: 'refresh' })
  }
}

describe('token renewal', () => {
  it('gives the token as password and for enhanced authentication', async () => {
    const { clock, renewal } = setUp()
    const credentials = await renewal.credentials({ reason: 'connect' })
    expect(credentials).toMatchObject({ username: 'me', authenticationMethod: 'JWT' })
    expect(credentials.authenticationData).toBe(credentials.password)
    const verifier = new TokenVerifier({ secret, now: () => clock.timeOfDay() })
    const claims = await verifier.verify(String(credentials.password), { expectedSubject: 'me' })
    expect(claims.permissions).toEqual(['jamey/#'])
    renewal.stop()
  })

  it('renews 30 s before the end, again and again [promise 21]', async () => {
    const { clock, client, renewal } = setUp(300)
    renewThrough(client, renewal)
    await renewal.credentials({ reason: 'connect' })
    expect(renewal.endsAtMs).toBe(clock.timeOfDay() + 300_000)
    await clock.advance(269_999)
    expect(client.reauthentications).toBe(0)
    await clock.advance(1)
    await untilTimer(clock)
    expect(client.reauthentications).toBe(1)
    expect(renewal.endsAtMs).toBe(clock.timeOfDay() + 300_000)
    await clock.advance(270_000)
    await untilTimer(clock)
    expect(client.reauthentications).toBe(2)
    renewal.stop()
    expect(clock.pendingTimers).toBe(0)
  })

  it('never hands out a token again that was refused', async () => {
    const { renewal, clock } = setUp()
    const first = await renewal.credentials({ reason: 'connect' })
    expect(await renewal.credentials({ reason: 'connect' })).toEqual(first)
    await clock.advance(1000)
    expect(await renewal.credentials({ reason: 'refresh' })).not.toEqual(first)
    renewal.stop()
  })

  it('goes on after a renewal that joined one under way and was asked for no token', async () => {
    const { clock, client, renewal } = setUp(2)
    await renewal.credentials({ reason: 'connect' })
    await clock.advance(1000)
    expect(client.reauthentications).toBe(1)
    await clock.advance(100)
    expect(client.reauthentications).toBe(2)
    renewal.stop()
    expect(clock.pendingTimers).toBe(0)
  })

  it('renews in time although the time of day is set back meanwhile', async () => {
    const { clock, client, renewal } = setUp(300)
    await renewal.credentials({ reason: 'connect' })
    clock.correct(-3_600_000)
    await clock.advance(270_000)
    expect(client.reauthentications).toBe(1)
    // That one joined another; it comes again at once and not after an hour.
    await clock.advance(100)
    expect(client.reauthentications).toBe(2)
    renewal.stop()
  })

  it('tells once that the server takes a new connection for each renewal', async () => {
    const { client, renewal, warnings, told } = setUp()
    client.become('reconnecting', new Error('cut'))
    for (let renewals = 0; renewals < 3; renewals++) {
      client.become('reconnecting')
      client.become('connected')
    }
    expect(told).toEqual([expect.stringContaining('each renewal makes a new one')])
    expect(warnings).toEqual([])
    renewal.stop()
  })

  it('that falls due while a connection is being made follows once it is there', async () => {
    const { clock, client, renewal } = setUp(300)
    renewThrough(client, renewal)
    client.become('connecting')
    await renewal.credentials({ reason: 'connect' })
    await clock.advance(270_000)
    expect(client.reauthentications).toBe(0)
    client.become('connected')
    expect(client.reauthentications).toBe(1)
    await untilTimer(clock)
    // It is not owed any more.
    client.become('reconnecting', new Error('cut'))
    client.become('connected')
    await settled()
    expect(client.reauthentications).toBe(1)
    renewal.stop()
  })

  it('does not follow where the next attempt has asked for a token by itself', async () => {
    const { clock, client, renewal } = setUp(300)
    await renewal.credentials({ reason: 'connect' })
    client.become('reconnecting', new Error('cut'))
    await clock.advance(270_000)
    await renewal.credentials({ reason: 'connect' })
    client.become('connected')
    expect(client.reauthentications).toBe(0)
    renewal.stop()
    expect(clock.pendingTimers).toBe(0)
  })

  it('names no method, and another user name, where it is told to', async () => {
    const { clock } = setUp()
    const source = new TokenSource({
      secret,
      subject: 'me',
      permissions: ['jamey/#'],
      now: () => clock.timeOfDay(),
    })
    const log = { debug: () => {}, info: () => {}, error: () => {}, warn: () => {} }
    const renewal = new Renewal(source, clock, log, { username: 'me@localhost', hasMethod: false })
    const credentials = await renewal.credentials({ reason: 'connect' })
    expect(Object.keys(credentials)).toEqual(['username', 'password'])
    expect(credentials.username).toBe('me@localhost')
    renewal.stop()
  })

  it('tries again soon after a renewal that failed, and leaves it to the next connection without one', async () => {
    const { clock, client, renewal, warnings } = setUp(300)
    client.reauthenticate = async () => {
      client.reauthentications++
      throw new Error('no answer')
    }
    await renewal.credentials({ reason: 'connect' })
    await clock.advance(275_000)
    expect(client.reauthentications).toBe(2)
    expect(warnings).toHaveLength(2)
    client.become('reconnecting')
    await clock.advance(60_000)
    expect(client.reauthentications).toBe(2)
    expect(clock.pendingTimers).toBe(0)
  })
})

/** A signature takes more than one turn of the event loop. */
async function untilTimer(clock: FakeClock): Promise<void> {
  while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve))
}
