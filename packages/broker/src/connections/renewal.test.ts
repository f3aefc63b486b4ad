import { FakeClock, RawClient, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import type { AuthenticationRequest, Identity, Limits } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

const method = { authenticationMethod: 'T' }
/** Milliseconds of every token. */
const LIFETIME_MS = 100_000

/** A token is the topics its bearer may use, with commas between them. */
async function start(limits: Partial<Limits> = {}) {
  const clock = new FakeClock()
  /** Each question whether somebody may receive a topic. */
  const asked: string[] = []
  const authenticate = async ({ authenticationData, clientId }: AuthenticationRequest): Promise<Identity> => {
    const list = Buffer.from(authenticationData ?? [])
      .toString()
      .split(',')
    return {
      username: 'u',
      expiresAtMs: clock.now() + LIFETIME_MS,
      permissions: { list },
      mayPublish: (topic) => list.includes(topic),
      maySubscribe: () => true,
      mayReceive: (topic) => {
        asked.push(`${clientId} ${topic}`)
        return list.includes(topic)
      },
    }
  }
  const { broker, port } = await startBroker({ clock, limits, authenticator: { authenticate } })
  const take = () => asked.splice(0)
  return { broker, port, clock, take }
}

function showing(token: string) {
  return { ...method, authenticationData: Buffer.from(token) }
}

async function renew(client: RawClient, token: string): Promise<void> {
  client.send({ type: 'auth', reasonCode: 0x19, properties: showing(token) })
  expect((await client.expect('auth')).reasonCode).toBe(0)
}

describe('AUTH', () => {
  it('with the permissions there were makes nobody find out anything anew, with others it does [promise 34]', async () => {
    const { port, take } = await start()
    const a = await RawClient.connect(port, { clientId: 'a', properties: showing('t') })
    const b = await RawClient.connect(port, { clientId: 'b', properties: showing('t') })
    const publisher = await RawClient.connect(port, { clientId: 'p', properties: showing('t') })
    for (const client of [a, b]) await client.subscribe('t')
    expect(await publisher.publishOnce('t', '1')).toBe(0)
    expect(take()).toEqual(['a t', 'b t'])
    expect(await b.received()).toEqual(['t=1'])
    await renew(b, 't')
    expect(await publisher.publishOnce('t', '2')).toBe(0)
    expect(take()).toEqual([])
    expect(await b.received()).toEqual(['t=2'])
    await renew(b, 'u')
    expect(await publisher.publishOnce('t', '3')).toBe(0)
    expect(take()).toEqual(['a t', 'b t'])
    expect(await b.received()).toEqual([])
    expect(await a.received()).toEqual(['t=1', 't=2', 't=3'])
  })

  it('is answered so many times a minute [promise 34]', async () => {
    const { port, clock } = await start({ renewalsPerMinute: 2 })
    const a = await RawClient.connect(port, { properties: showing('t') })
    for (let minute = 0; minute < 3; minute++) {
      await renew(a, 't')
      await renew(a, 't')
      await clock.advance(minute < 2 ? 60_000 : 59_999)
    }
    const b = await RawClient.connect(port, { properties: showing('t') })
    await renew(b, 't')
    a.send({ type: 'auth', reasonCode: 0x19, properties: showing('t') })
    expect((await a.expect('disconnect')).reasonCode).toBe(0x96)
  })
})

describe('a will', () => {
  const will = {
    topic: 't',
    payload: Buffer.from('gone'),
    qos: 0,
    retain: false,
    properties: { willDelayInterval: 10 },
  } as const
  const stays = { clientId: 'a', will }

  async function watched(port: number): Promise<RawClient> {
    const watcher = await RawClient.connect(port, { clientId: 'w', properties: showing('t') })
    await watcher.subscribe('t')
    return watcher
  }

  it('is published even when the credentials have expired by then [MQTT-3.1.2-8]', async () => {
    const { broker, port, clock } = await start()
    const properties = { ...showing('t'), sessionExpiryInterval: 600 }
    const a = await RawClient.connect(port, { ...stays, properties })
    await clock.advance(LIFETIME_MS)
    expect((await a.expect('disconnect')).reasonCode).toBe(0x87)
    await a.closed
    await clock.advance(9_000)
    const watcher = await watched(port)
    await clock.advance(1_000)
    expect(text(await watcher.expect('publish'))).toBe('t=gone')
    expect(broker.stats().willsPublished).toBe(1)
  })

  it('is not published when AUTH has taken the permission back [promise 36]', async () => {
    const { broker, port } = await start()
    const watcher = await watched(port)
    const a = await RawClient.connect(port, { ...stays, properties: showing('t') })
    await renew(a, 'u')
    await a.vanish()
    await until(() => broker.stats().connections === 1)
    expect(await watcher.received()).toEqual([])
    expect(broker.stats()).toMatchObject({ willsPublished: 0, publishesDenied: 1 })
  })
})

describe('AUTH with fewer permissions', () => {
  const narrow = { sessionExpiryInterval: 600, receiveMaximum: 1 }

  it('stops at once what is published from then on, at any QoS, and only what was lost [promise 36]', async () => {
    const { port } = await start()
    const a = await RawClient.connect(port, { clientId: 'a', properties: showing('t,u') })
    await a.subscribe([{ filter: '#', qos: 1 }, { filter: 't' }])
    const publisher = await RawClient.connect(port, { clientId: 'p', properties: showing('t,u') })
    const publishAll = async (payload: string): Promise<void> => {
      for (const topic of ['t', 'u']) {
        publisher.publish(topic, payload)
        await publisher.publishOnce(topic, payload)
      }
    }
    await publishAll('1')
    expect(await a.received()).toEqual(['t=1', 't=1 q1', 'u=1', 'u=1 q1'])
    await renew(a, 'u')
    await publishAll('2')
    expect(await a.received()).toEqual(['u=2', 'u=2 q1'])
    await renew(a, 't,u')
    await publishAll('3')
    expect(await a.received()).toEqual(['t=3', 't=3 q1', 'u=3', 'u=3 q1'])
  })

  it('drops what was queued behind the window, and lets the rest pass [promise 36]', async () => {
    const { broker, port } = await start()
    const a = await RawClient.connect(port, { clientId: 'a', properties: { ...showing('t,u'), ...narrow } })
    await a.subscribe('#', 1)
    const publisher = await RawClient.connect(port, { clientId: 'p', properties: showing('t,u') })
    for (const [n, topic] of ['u', 't', 'u', 't', 'u'].entries())
      await publisher.publishOnce(topic, String(n))
    const first = await a.expect('publish')
    await renew(a, 'u')
    expect(broker.stats()).toMatchObject({ droppedDenied: 2, queuedMessages: 2, inFlightMessages: 1 })
    a.acknowledge(first)
    for (const expected of ['u=2 q1', 'u=4 q1']) {
      const publish = await a.expect('publish')
      expect(text(publish)).toBe(expected)
      a.acknowledge(publish)
    }
    expect(await a.received()).toEqual([])
    // Given back, the permission does not bring back what was dropped.
    await renew(a, 't,u')
    expect(await a.received()).toEqual([])
  })

  it('does not send again what was sent before, when the client comes back without the permission', async () => {
    const { broker, port } = await start()
    const a = await RawClient.connect(port, { clientId: 'a', properties: { ...showing('t'), ...narrow } })
    await a.subscribe('#', 1)
    const publisher = await RawClient.connect(port, { clientId: 'p', properties: showing('t') })
    await publisher.publishOnce('t', '1')
    await a.expect('publish')
    await renew(a, 'u')
    await a.vanish()
    const properties = { ...showing('u'), ...narrow }
    const back = await RawClient.connect(port, { clientId: 'a', cleanStart: false, properties })
    expect(await back.received()).toEqual([])
    expect(broker.stats()).toMatchObject({ droppedDenied: 1, queuedMessages: 0, inFlightMessages: 0 })
  })

  it('shows no retained message any more', async () => {
    const { port } = await start()
    const publisher = await RawClient.connect(port, { clientId: 'p', properties: showing('t,u') })
    for (const topic of ['t', 'u']) await publisher.publishOnce(topic, 'r', { retain: true })
    const a = await RawClient.connect(port, { clientId: 'a', properties: showing('t,u') })
    await renew(a, 'u')
    await a.subscribe('#')
    expect(await a.received()).toEqual(['u=r retain'])
  })

  it('leaves what came through a shared subscription to members that still may [promise 32]', async () => {
    const { broker, port } = await start()
    const a = await RawClient.connect(port, { clientId: 'a', properties: { ...showing('t'), ...narrow } })
    await a.subscribe('$share/g/t', 1)
    const publisher = await RawClient.connect(port, { clientId: 'p', properties: showing('t') })
    for (const payload of ['0', '1', '2']) await publisher.publishOnce('t', payload)
    expect(text(await a.expect('publish'))).toBe('t=0 q1')
    const b = await RawClient.connect(port, { clientId: 'b', properties: showing('t') })
    await b.subscribe('$share/g/t', 1)
    await renew(a, 'u')
    expect(await b.received()).toEqual(['t=1 q1', 't=2 q1'])
    expect(broker.stats()).toMatchObject({ droppedDenied: 0, redelivered: 2 })
  })
})
