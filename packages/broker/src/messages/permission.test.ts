import { covers, matches } from '@jamey/protocol'
import { FakeClock, RawClient, text } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { AuthenticationRefused, type AuthenticationRequest, type Identity } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

/** Everything under `allowed`, and nothing else. */
function identity(username: string, allowed: readonly string[], expiresAtMs?: number): Identity {
  return {
    username,
    expiresAtMs,
    mayPublish: (topic) => allowed.some((filter) => matches(filter, topic)),
    maySubscribe: (filter) => allowed.some((outer) => covers(outer, filter)),
    mayReceive: (topic) => allowed.some((filter) => matches(filter, topic)),
  }
}

function authenticator(allowed: Record<string, readonly string[]>) {
  return {
    authenticate: async ({ clientId }: AuthenticationRequest) => {
      const filters = allowed[clientId]
      if (filters === undefined) throw new AuthenticationRefused('no such client', 0x86)
      return identity(clientId, filters)
    },
  }
}

describe('permissions', () => {
  it('refuse an unauthenticated client with the reason code of the authenticator [promise 36]', async () => {
    const { broker, port } = await startBroker({ authenticator: authenticator({}) })
    const five = await RawClient.open(port)
    const connack = await five.handshake({ clientId: 'x' })
    expect(connack).toMatchObject({ reasonCode: 0x86, properties: { reasonString: 'no such client' } })
    await five.closed
    const four = await RawClient.open(port, 4)
    expect((await four.handshake({ clientId: 'x' })).reasonCode).toBe(0x86)
    await four.closed
    expect(broker.stats().authenticationsRefused).toBe(2)
  })

  it('let nobody in when the authenticator itself fails', async () => {
    const failing = { authenticate: () => Promise.reject(new Error('database password is hunter2')) }
    const { port } = await startBroker({ authenticator: failing })
    const client = await RawClient.open(port)
    const connack = await client.handshake({ clientId: 'x' })
    expect(connack.reasonCode).toBe(0x80)
    expect(JSON.stringify(connack)).not.toContain('hunter2')
  })

  it('deny a publish: 0x87 in MQTT 5.0, a silent drop before [MQTT-3.3.5-2 of 3.1.1] [promise 36]', async () => {
    const allowed = { watcher: ['#'], a: ['mine/#'], b: ['mine/#'] }
    const { broker, port } = await startBroker({ authenticator: authenticator(allowed) })
    const watcher = await RawClient.connect(port, { clientId: 'watcher' })
    await watcher.subscribe('#', 1)
    const a = await RawClient.connect(port, { clientId: 'a' })
    const b = await RawClient.connect(port, { clientId: 'b', protocolVersion: 4 })
    expect(await a.publishOnce('yours/x', 'm')).toBe(0x87)
    a.publish('yours/x', 'm', { qos: 2, packetIdentifier: 2 })
    expect((await a.expect('pubrec')).reasonCode).toBe(0x87)
    a.publish('yours/x', 'm')
    a.publish('yours/x', 'm', { retain: true })
    expect(await b.publishOnce('yours/x', 'm')).toBe(0)
    expect(await a.publishOnce('mine/x', 'm')).toBe(0)
    expect(await watcher.received()).toEqual(['mine/x=m q1'])
    expect(broker.stats()).toMatchObject({ publishesDenied: 5, retainedMessages: 0 })
  })

  it('deny a subscription: 0x87 in MQTT 5.0, 0x80 before [promise 36]', async () => {
    const allowed = { a: ['jamey/+/query'], b: ['jamey/+/query'] }
    const { port } = await startBroker({ authenticator: authenticator(allowed) })
    const a = await RawClient.connect(port, { clientId: 'a' })
    const filters = ['jamey/#', '$share/g/jamey/#', '$share/g/jamey/x/query', 'jamey/+/query', '$SYS/#']
    const { reasonCodes } = await a.subscribe(filters.map((filter) => ({ filter })))
    // Who may subscribe to a filter is not thereby let into a group that shares it.
    expect(reasonCodes).toEqual([0x87, 0x87, 0x87, 0, 0x87])
    const b = await RawClient.connect(port, { clientId: 'b', protocolVersion: 4 })
    expect((await b.subscribe('jamey/#')).reasonCodes).toEqual([0x80])
  })

  it('deny a will before the client is let in [promise 36]', async () => {
    const { port } = await startBroker({ authenticator: authenticator({ a: ['mine/#'] }) })
    const a = await RawClient.open(port)
    const will = {
      topic: 'yours/x',
      payload: Buffer.from(''),
      qos: 0,
      retain: false,
      properties: undefined,
    } as const
    expect((await a.handshake({ clientId: 'a', will })).reasonCode).toBe(0x87)
    await a.closed
  })

  it('survive a refusal whose reason cannot be sent as it is [promise 34]', async () => {
    const { port } = await startBroker({
      authenticator: {
        authenticate: async ({ clientId }) => {
          if (clientId !== 'a') throw new AuthenticationRefused(`no\0\ud800${'x'.repeat(100_000)}`)
          return identity(clientId, [])
        },
      },
    })
    const unauthenticated = await RawClient.open(port)
    const { reasonCode, properties } = await unauthenticated.handshake({ clientId: 'x' })
    expect(reasonCode).toBe(0x87)
    expect(properties?.reasonString).toMatch(/^no .x+$/)
    const long = await RawClient.open(port)
    const topic = 'y'.repeat(60_000)
    const will = { topic, payload: Buffer.from(''), qos: 0, retain: false, properties: undefined } as const
    expect((await long.handshake({ clientId: 'a', will })).reasonCode).toBe(0x87)
  })

  it('hold back a topic from a filter that covers it, retained or not [promise 36]', async () => {
    const reader: Identity = {
      username: 'reader',
      mayPublish: () => true,
      maySubscribe: () => true,
      mayReceive: (topic) => !topic.startsWith('inbox/other/'),
    }
    const { port } = await startBroker({ authenticator: { authenticate: async () => reader } })
    const a = await RawClient.connect(port)
    a.publish('inbox/other/r', 'secret', { retain: true })
    a.publish('inbox/mine/r', 'm', { retain: true })
    await a.subscribe([{ filter: 'inbox/#' }, { filter: '$share/g/inbox/other/+' }])
    a.publish('inbox/other/1', 'secret')
    a.publish('inbox/mine/1', 'n')
    expect(await a.received()).toEqual(['inbox/mine/r=m retain', 'inbox/mine/1=n'])
    // Nobody may receive it, so nobody is there.
    expect(await a.publishOnce('inbox/other/1', 'secret')).toBe(0x10)
  })

  it('keep $SYS for the broker, whatever is allowed', async () => {
    const { broker, port } = await startBroker({ limits: { sysIntervalSeconds: 10 } })
    const a = await RawClient.connect(port)
    expect(await a.publishOnce('$SYS/broker/uptime', '0')).toBe(0x87)
    await a.subscribe('$SYS/broker/+')
    const topics = (await a.received()).map((line) => line.split('=')[0])
    expect(topics).toContain('$SYS/broker/uptime')
    expect(topics).toContain('$SYS/broker/version')
    expect(broker.stats().retainedMessages).toBeGreaterThan(5)
  })
})

describe('identity that expires', () => {
  const method = { authenticationMethod: 'T' }

  async function start(lives: Record<string, number>) {
    const clock = new FakeClock()
    const seen: AuthenticationRequest[] = []
    const started = await startBroker({
      clock,
      authenticator: {
        authenticate: async (request) => {
          seen.push(request)
          const token = Buffer.from(request.authenticationData ?? []).toString()
          const life = lives[token]
          if (life === undefined) throw new AuthenticationRefused('bad token')
          const allowed = token === 'narrow' ? ['n/#'] : ['#']
          return identity('u', allowed, clock.now() + life)
        },
      },
    })
    return { ...started, clock, seen }
  }

  function connect(token: string) {
    const authenticationData = Buffer.from(token)
    return { clientId: 'c', properties: { ...method, authenticationData, sessionExpiryInterval: 60 } }
  }

  it('ends its connection with 0x87 [promise 36]', async () => {
    const { broker, port, clock } = await start({ short: 5_000 })
    const c = await RawClient.connect(port, connect('short'))
    await clock.advance(4_999)
    expect(await c.settle()).toEqual([])
    await clock.advance(1)
    expect((await c.expect('disconnect')).reasonCode).toBe(0x87)
    await c.closed
    expect(broker.stats().identitiesExpired).toBe(1)
  })

  it('is renewed by AUTH without a gap [MQTT-4.12.1-1] [promise 21]', async () => {
    const { port, clock, seen } = await start({ short: 5_000, long: 50_000 })
    const c = await RawClient.open(port)
    const connack = await c.handshake(connect('short'))
    expect(connack.properties?.authenticationMethod).toBe('T')
    await clock.advance(4_000)
    const properties = { ...method, authenticationData: Buffer.from('long') }
    c.send({ type: 'auth', reasonCode: 0x19, properties })
    expect(await c.expect('auth')).toMatchObject({ reasonCode: 0, properties: method })
    await clock.advance(40_000)
    expect(await c.settle()).toEqual([])
    expect(seen[1]).toMatchObject({ clientId: 'c', isRenewal: true })
  })

  it('is checked anew in what is delivered and queued after it was renewed [promise 36]', async () => {
    const { broker, port } = await start({ wide: 60_000, narrow: 60_000 })
    const c = await RawClient.connect(port, connect('wide'))
    await c.subscribe('#', 1)
    c.publish('w/1', 'a')
    expect(text(await c.expect('publish'))).toBe('w/1=a')
    c.send({
      type: 'auth',
      reasonCode: 0x19,
      properties: { ...method, authenticationData: Buffer.from('narrow') },
    })
    await c.expect('auth')
    expect(await c.publishOnce('w/1', 'b')).toBe(0x87)
    expect(await c.publishOnce('n/1', 'c').catch(() => 'delivered first')).toBe('delivered first')
    await c.vanish()
    const other = await RawClient.connect(port, {
      clientId: 'o',
      properties: { ...method, authenticationData: Buffer.from('wide') },
    })
    expect(await other.publishOnce('w/1', 'd')).toBe(0x10)
    expect(broker.stats().publishesDenied).toBe(1)
  })

  it('drops what was queued under wider permissions when the client comes back [promise 36]', async () => {
    const { broker, port } = await start({ wide: 60_000, narrow: 60_000 })
    const c = await RawClient.connect(port, connect('wide'))
    await c.subscribe('#', 1)
    await c.leave()
    const other = await RawClient.connect(port, {
      clientId: 'o',
      properties: { ...method, authenticationData: Buffer.from('wide') },
    })
    await other.publishOnce('w/1', 'secret')
    await other.publishOnce('n/1', 'fine')
    const again = await RawClient.connect(port, { ...connect('narrow'), cleanStart: false })
    expect(await again.received()).toEqual(['n/1=fine q1'])
    expect(broker.stats().droppedDenied).toBe(1)
  })

  for (const [what, reasonCode, properties] of [
    ['another method', 0x82, { authenticationMethod: 'other' }],
    ['a bad token', 0x87, { ...method, authenticationData: Buffer.from('nonsense') }],
  ] as const) {
    it(`is not renewed by AUTH with ${what} [MQTT-4.12.0-5]`, async () => {
      const { port } = await start({ short: 5_000 })
      const c = await RawClient.connect(port, connect('short'))
      c.send({ type: 'auth', reasonCode: 0x19, properties })
      expect((await c.expect('disconnect')).reasonCode).toBe(reasonCode)
      await c.closed
    })
  }
})
