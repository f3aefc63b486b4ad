import { FakeClock, RawClient, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import {
  type BrokerHooks,
  type ClientInfo,
  DEFAULT_LIMITS,
  type DisconnectInfo,
  type Identity,
  type PublishOffer,
} from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

const everything: Identity = {
  username: 'u',
  mayPublish: () => true,
  maySubscribe: () => true,
  mayReceive: () => true,
}

/** Answers of a hook that a test gives when it likes. */
function answersLater<T>() {
  const waiting: ((answer: T) => void)[] = []
  const ask = (): Promise<T> => new Promise((resolve) => waiting.push(resolve))
  const answer = async (value: T): Promise<void> => {
    await until(() => waiting.length > 0)
    waiting.shift()?.(value)
  }
  return { waiting, ask, answer }
}

async function start(hooks: BrokerHooks) {
  const clock = new FakeClock()
  const logged: unknown[] = []
  const note = (fields: Record<string, unknown>): void => void logged.push(fields['hook'])
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: note }
  const { broker, port } = await startBroker({ hooks, clock, log })
  return { broker, port, clock, logged }
}

async function watched(port: number): Promise<RawClient> {
  const watcher = await RawClient.connect(port, { clientId: 'watcher' })
  await watcher.subscribe('#')
  return watcher
}

describe('the hook authenticate', () => {
  it('narrows what the authenticator allowed, or refuses with its own code', async () => {
    const { port } = await start({
      authenticate: ({ clientId }) => {
        if (clientId === 'banned') return { refuse: 0x8a, reason: 'banned until Monday' }
        return clientId === 'guest' ? { ...everything, mayPublish: () => false } : undefined
      },
    })
    const banned = await RawClient.open(port)
    const connack = await banned.handshake({ clientId: 'banned' })
    expect(connack).toMatchObject({ reasonCode: 0x8a, properties: { reasonString: 'banned until Monday' } })
    const guest = await RawClient.connect(port, { clientId: 'guest' })
    expect(await guest.publishOnce('t', 'm')).toBe(0x87)
    const other = await RawClient.connect(port, { clientId: 'other' })
    expect(await other.publishOnce('t', 'm')).toBe(0x10)
  })
})

describe('the hook authorize', () => {
  const denied = new Set(['publish secret', 'subscribe secret/#', 'subscribe inbox/other'])
  const answers: [string, BrokerHooks['authorize']][] = [
    ['at once', (_client, action, topic) => !denied.has(`${action} ${topic}`)],
    ['later', async (_client, action, topic) => !denied.has(`${action} ${topic}`)],
  ]

  it.each(answers)('denies topics, filters, answers and wills, %s', async (_when, authorize) => {
    const { broker, port } = await start({ authorize })
    const a = await RawClient.connect(port, { clientId: 'a' })
    const { reasonCodes } = await a.subscribe([
      { filter: 'open/#', qos: 1 },
      { filter: 'secret/#' },
      { filter: '$share/g/secret/#' },
    ])
    expect(reasonCodes).toEqual([1, 0x87, 0x87])
    expect(await a.publishOnce('secret', 'm')).toBe(0x87)
    expect(await a.publishOnce('t', 'm', { properties: { responseTopic: 'inbox/other' } })).toBe(0x87)
    expect(await a.publishOnce('elsewhere', 'm', { properties: { responseTopic: 'inbox/own' } })).toBe(0x10)
    const will = {
      topic: 'secret',
      payload: Buffer.from('w'),
      qos: 0,
      retain: false,
      properties: undefined,
    } as const
    const b = await RawClient.open(port)
    expect((await b.handshake({ clientId: 'b', will })).reasonCode).toBe(0x87)
    expect(broker.stats()).toMatchObject({ publishesDenied: 3, subscriptionsDenied: 2, hooksFailed: 0 })
  })

  it('is told the share group, and may keep somebody out of it alone', async () => {
    const { port } = await start({ authorize: (_client, _action, _topic, group) => group !== 'theirs' })
    const a = await RawClient.connect(port, { clientId: 'a' })
    const filters = ['$share/theirs/t', '$share/ours/t', 't'].map((filter) => ({ filter }))
    expect((await a.subscribe(filters)).reasonCodes).toEqual([0x87, 0, 0])
  })
})

describe('the hook onPublish', () => {
  it('sees what was published and by whom', async () => {
    const seen: [PublishOffer, ClientInfo][] = []
    const { port } = await start({ onPublish: (offer, client) => void seen.push([offer, client]) })
    const a = await RawClient.connect(port, { clientId: 'a' })
    await a.publishOnce('t', 'm', { retain: true, properties: { contentType: 'text/plain', topicAlias: 1 } })
    await a.publishOnce('', 'n', { properties: { topicAlias: 1 } })
    const [[offer, client] = [], [aliased] = []] = seen
    expect(offer).toMatchObject({ topic: 't', qos: 1, retain: true, isWill: false })
    expect(offer?.properties).toEqual({ contentType: 'text/plain' })
    expect(Buffer.from(offer?.payload ?? []).toString()).toBe('m')
    expect(client).toMatchObject({ clientId: 'a', remoteAddress: '127.0.0.1', protocolVersion: 5 })
    expect(aliased?.topic).toBe('t')
  })

  it('refuses with a reason code where the QoS has an answer, silently before MQTT 5.0', async () => {
    const { broker, port } = await start({
      onPublish: ({ topic }) => (topic === 't' && { refuse: 0x99 }) || undefined,
    })
    const watcher = await watched(port)
    const a = await RawClient.connect(port, { clientId: 'a' })
    const old = await RawClient.connect(port, { clientId: 'old', protocolVersion: 4 })
    a.publish('t', '0')
    expect(await a.publishOnce('t', '1')).toBe(0x99)
    a.publish('t', '2', { qos: 2, packetIdentifier: 2 })
    expect((await a.expect('pubrec')).reasonCode).toBe(0x99)
    expect(await old.publishOnce('t', '3')).toBe(0)
    expect(await a.publishOnce('u', '4')).toBe(0)
    expect(await watcher.received()).toEqual(['u=4'])
    expect(broker.stats()).toMatchObject({ publishesRefused: 4, publishesDenied: 0 })
  })

  it('tells a code that PUBACK does not have as 0x80', async () => {
    const { port } = await start({ onPublish: () => ({ refuse: 0x8a }) })
    const a = await RawClient.connect(port)
    expect(await a.publishOnce('t', 'm')).toBe(0x80)
  })

  it('changes topic, payload and properties, for what is retained, too', async () => {
    const { port } = await start({
      onPublish: ({ topic, payload }) => ({
        topic: `seen/${topic}`,
        payload: Buffer.from(Buffer.from(payload).toString().toUpperCase()),
        properties: { contentType: 'x', messageExpiryInterval: 10 },
      }),
    })
    const a = await RawClient.connect(port, { clientId: 'a' })
    expect(await a.publishOnce('t', 'm', { retain: true })).toBe(0x10)
    await a.subscribe('seen/t')
    const publish = await a.expect('publish')
    expect(Buffer.from(publish.payload).toString()).toBe('M')
    expect(publish.properties).toMatchObject({ contentType: 'x', messageExpiryInterval: 10 })
  })

  it('has a say in wills, and keeps the order of what one client sends while it thinks', async () => {
    const { ask, answer, waiting } = answersLater<PublishOffer | undefined>()
    const { port } = await start({ onPublish: ({ payload }) => (payload.length === 1 ? undefined : ask()) })
    const watcher = await watched(port)
    const will = {
      topic: 't',
      payload: Buffer.from('will'),
      qos: 0,
      retain: false,
      properties: undefined,
    } as const
    const a = await RawClient.connect(port, { clientId: 'a', will })
    a.publish('t', 'slow')
    a.publish('t', 'f')
    a.publish('t', 'slow as well')
    a.publish('t', 'g', { qos: 1, packetIdentifier: 1 })
    await until(() => waiting.length === 1)
    // Nobody else waits.
    const b = await RawClient.connect(port, { clientId: 'b' })
    expect(await b.publishOnce('t', 'b')).toBe(0)
    expect(await watcher.received()).toEqual(['t=b'])
    await answer(undefined)
    await answer(undefined)
    await a.expect('puback')
    expect(await watcher.received()).toEqual(['t=slow', 't=f', 't=slow as well', 't=g'])
    await a.vanish()
    await answer(undefined)
    await until(() => waiting.length === 0)
    expect(await watcher.received()).toEqual(['t=will'])
  })

  it('leaves unpublished what it thinks about when the connection breaks: no acknowledgement was sent', async () => {
    const { ask, answer, waiting } = answersLater<undefined>()
    const { broker, port } = await start({
      onPublish: ({ payload }) => (payload.length === 1 ? ask() : undefined),
    })
    const watcher = await watched(port)
    const a = await RawClient.connect(port, { clientId: 'a' })
    a.publish('t', 'm', { qos: 1, packetIdentifier: 1 })
    await until(() => waiting.length === 1)
    a.socket.resetAndDestroy()
    await until(() => broker.stats().connections === 1)
    await answer(undefined)
    const again = await RawClient.connect(port, { clientId: 'a' })
    expect(await again.publishOnce('t', 'again')).toBe(0)
    expect(await watcher.received()).toEqual(['t=again'])
  })

  it('does not let keep alive run out while the broker does not listen [MQTT-3.1.2-22]', async () => {
    const { ask, answer, waiting } = answersLater<undefined>()
    const { port, clock } = await start({ onPublish: ask })
    const a = await RawClient.connect(port, { keepAlive: 1 })
    a.publish('t', 'm', { qos: 1, packetIdentifier: 1 })
    await until(() => waiting.length === 1)
    await clock.advance(4_000)
    await answer(undefined)
    expect((await a.expect('puback')).reasonCode).toBe(0x10)
    await clock.advance(1_500)
    expect((await a.expect('disconnect')).reasonCode).toBe(0x8d)
  })
})

describe('the hooks onConnect and onDisconnect', () => {
  function recorder() {
    const events: string[] = []
    const clients: ClientInfo[] = []
    const hooks: BrokerHooks = {
      onConnect: (client) => {
        clients.push(client)
        events.push(`+${client.clientId}`)
        return client.clientId === 'nobody' ? { refuse: 0x89, reason: 'later' } : undefined
      },
      onDisconnect: (client, { by, reasonCode, reason }: DisconnectInfo) => {
        clients.push(client)
        events.push(`-${client.clientId} ${by} ${reasonCode} ${reason}`)
      },
    }
    return { events, clients, hooks }
  }

  it('tell who came and how it went, in pairs', async () => {
    const { events, clients, hooks } = recorder()
    const { broker, port } = await start(hooks)
    const said = await RawClient.connect(port, { clientId: 'said' })
    await said.leave(4)
    const gone = await RawClient.connect(port, { clientId: 'gone' })
    await gone.vanish()
    await until(() => events.length === 4)
    const one = await RawClient.connect(port, { clientId: 'twice' })
    await RawClient.connect(port, { clientId: 'twice' })
    await one.closed
    const nobody = await RawClient.open(port)
    expect((await nobody.handshake({ clientId: 'nobody' })).reasonCode).toBe(0x89)
    await nobody.closed
    await broker.close({ graceMs: 0 })
    expect(events).toEqual([
      '+said',
      '-said client 4 undefined',
      '+gone',
      '-gone network undefined undefined',
      '+twice',
      '+twice',
      '-twice server 142 the same client identifier connected again',
      '+nobody',
      '-twice server 139 the server is shutting down',
    ])
    expect(clients[0]).toBe(clients[1])
    expect(clients[4]).toBe(clients[6])
    expect(clients[5]).toBe(clients[8])
  })

  it('keep what follows CONNECT waiting, and pair even those that are gone before the answer', async () => {
    const { events, hooks } = recorder()
    const { ask, answer, waiting } = answersLater<undefined>()
    const { broker, port } = await start({ ...hooks, onConnect: ask })
    const gone = await RawClient.open(port)
    void gone.handshake({ clientId: 'gone' }).catch(() => {})
    await until(() => waiting.length === 1)
    gone.socket.resetAndDestroy()
    await gone.closed
    const a = await RawClient.open(port)
    const connack = a.handshake({ clientId: 'a' })
    a.send({ type: 'pingreq' })
    await until(() => waiting.length === 2)
    await answer(undefined)
    await until(() => events.length === 1)
    expect(events).toEqual(['-gone network undefined undefined'])
    expect(await a.socket.bytesRead).toBe(0)
    await answer(undefined)
    expect((await connack).reasonCode).toBe(0)
    await a.expect('pingresp')
    expect(broker.stats().connections).toBe(1)
  })

  it('are waited for when the broker closes', async () => {
    const { ask, answer, waiting } = answersLater<undefined>()
    const { broker, port } = await start({ onDisconnect: ask })
    await RawClient.connect(port)
    let isClosed = false
    const closing = broker.close({ graceMs: 0 }).then(() => {
      isClosed = true
    })
    await until(() => waiting.length === 1 && broker.stats().connections === 0)
    expect(isClosed).toBe(false)
    await answer(undefined)
    await closing
  })
})

describe('a hook that fails', () => {
  const boom = (): never => {
    throw new Error('secret of the hook')
  }
  const failures: [string, () => never | Promise<never>][] = [
    ['throws', boom],
    ['rejects', async () => boom()],
    ['answers nonsense', () => 7 as never],
    ['answers nonsense later', async () => 'yes' as never],
  ]

  it.each(failures)('refuses and is logged when it %s', async (_how, hook) => {
    const connecting = async (hooks: BrokerHooks, expected: string): Promise<void> => {
      const { broker, port, logged } = await start(hooks)
      const a = await RawClient.open(port)
      const connack = await a.handshake({ clientId: 'a' })
      expect(connack.reasonCode).toBe(0x80)
      expect(JSON.stringify(connack)).not.toContain('secret')
      expect(logged).toEqual([expected])
      expect(broker.stats().hooksFailed).toBe(1)
    }
    await connecting({ authenticate: hook }, 'authenticate')
    await connecting({ onConnect: hook }, 'onConnect')
    const { port, logged } = await start({ authorize: hook })
    const b = await RawClient.connect(port)
    expect((await b.subscribe('t')).reasonCodes).toEqual([0x87])
    expect(await b.publishOnce('t', 'm')).toBe(0x87)
    const publishing = await start({ onPublish: hook })
    const c = await RawClient.connect(publishing.port)
    expect(await c.publishOnce('t', 'm')).toBe(0x80)
    expect([...logged, ...publishing.logged]).toEqual(['authorize', 'authorize', 'onPublish'])
  })

  it('at the end of a connection harms nobody', async () => {
    const { broker, port, logged } = await start({ onDisconnect: async () => boom() })
    const a = await RawClient.connect(port, { clientId: 'a' })
    await a.leave()
    await until(() => logged.length === 1)
    expect(logged).toEqual(['onDisconnect'])
    await RawClient.connect(port, { clientId: 'a' })
    expect(broker.stats().hooksFailed).toBe(1)
  })

  it('refuses when it takes too long, and what comes of it later is not heard', async () => {
    const { ask, answer, waiting } = answersLater<undefined>()
    const { port, clock, logged } = await start({ onPublish: ask })
    const a = await RawClient.connect(port)
    a.publish('t', 'm', { qos: 1, packetIdentifier: 1 })
    await until(() => waiting.length === 1)
    await clock.advance(DEFAULT_LIMITS.hookTimeoutMs)
    expect((await a.expect('puback')).reasonCode).toBe(0x80)
    await answer(undefined)
    expect(await a.received()).toEqual([])
    expect(logged).toEqual(['onPublish'])
  })

  it('refuses a change that no receiver could be sent', async () => {
    const changes = [
      { topic: 'a/#' },
      { topic: '' },
      { topic: '$SYS/broker/uptime' },
      { topic: 7 as unknown as string },
      { payload: 'text' as unknown as Uint8Array },
      { payload: Buffer.alloc(DEFAULT_LIMITS.packetBytes) },
      { properties: { contentType: 'a\0b' } },
    ]
    const { port, logged } = await start({
      onPublish: ({ payload }) => changes[Number(Buffer.from(payload).toString())],
    })
    const watcher = await watched(port)
    const a = await RawClient.connect(port, { clientId: 'a' })
    for (const at of changes.keys()) expect(await a.publishOnce('t', `${at}`)).toBe(0x80)
    expect(logged).toHaveLength(changes.length)
    expect(await a.publishOnce('t', '99')).toBe(0)
    expect(await watcher.received()).toEqual(['t=99'])
  })
})
