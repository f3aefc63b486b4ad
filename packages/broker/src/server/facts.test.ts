import { FakeClock, RawClient, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { type BrokerOptions, MemoryBrokerStore } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

const stays = { clientId: 's', cleanStart: false, properties: { sessionExpiryInterval: 1000 } }

async function start(options: Partial<BrokerOptions> = {}) {
  const clock = new FakeClock()
  return { ...(await startBroker({ clock, ...options })), clock }
}

describe('the clients of a broker', () => {
  it('are those that are connected, with what is known of each', async () => {
    const { broker, port, clock } = await start({ limits: { inFlight: 1, keepAliveSeconds: 60 } })
    expect([...broker.clients()]).toEqual([])
    const connectedAtMs = clock.timeOfDay()
    const s = await RawClient.connect(port, { ...stays, username: 'u', keepAlive: 90 })
    await clock.advance(5_000)
    await RawClient.connect(port, { clientId: 'old', protocolVersion: 4, keepAlive: 30 })
    await RawClient.open(port)
    await s.subscribe('t', 1)
    for (const n of [1, 2, 3]) await broker.publish('t', `${n}`, { qos: 1 })
    const remoteAddress = '127.0.0.1'
    expect([...broker.clients()]).toEqual([
      {
        clientId: 's',
        username: 'u',
        remoteAddress,
        protocolVersion: 5,
        connectedAtMs,
        keepAliveSeconds: 60,
        inFlight: 1,
        queued: 2,
      },
      {
        clientId: 'old',
        username: 'old',
        remoteAddress,
        protocolVersion: 4,
        connectedAtMs: connectedAtMs + 5_000,
        keepAliveSeconds: 30,
        inFlight: 0,
        queued: 0,
      },
    ])
    await s.leave()
    expect([...broker.clients()].map(({ clientId }) => clientId)).toEqual(['old'])
  })

  it('can be disconnected while they are gone through', async () => {
    const { broker, port } = await start()
    const clients = await Promise.all(
      ['a', 'b', 'c'].map((clientId) => RawClient.connect(port, { clientId })),
    )
    for (const { clientId } of broker.clients()) expect(broker.disconnect(clientId)).toBe(true)
    await Promise.all(clients.map(({ closed }) => closed))
    expect([...broker.clients()]).toEqual([])
  })
})

describe('the sessions of a broker', () => {
  it('are those of clients that are away, too, and of an earlier life, whose queues stay in the store', async () => {
    const store = new MemoryBrokerStore()
    const first = await start({ store })
    const s = await RawClient.connect(first.port, stays)
    await s.subscribe('t/#', 1)
    await s.leave()
    const disconnectedAtMs = first.clock.timeOfDay()
    await first.clock.advance(2_000)
    await first.broker.publish('t/1', 'm', { qos: 1 })
    const facts = {
      clientId: 's',
      username: 's',
      protocolVersion: 5,
      isConnected: false,
      connection: undefined,
      disconnectedAtMs,
      sessionExpirySeconds: 1000,
      subscriptions: [{ filter: 't/#', qos: 1 }],
      inFlight: 0,
      queued: 1,
      queuedBytes: expect.any(Number),
      permissions: undefined,
      expiresAtMs: undefined,
      waitingSinceMs: disconnectedAtMs + 2_000,
      drops: {},
    }
    expect([...first.broker.sessions()]).toEqual([facts])
    await first.broker.close()
    const reads: string[] = []
    const readDeliveries = store.readDeliveries.bind(store)
    store.readDeliveries = (...given) => {
      reads.push('deliveries')
      return readDeliveries(...given)
    }
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ store, clock })
    expect([...broker.sessions()]).toMatchObject([
      { ...facts, disconnectedAtMs: expect.any(Number), waitingSinceMs: expect.any(Number) },
    ])
    expect(reads).toEqual([])
    await RawClient.connect(port, { ...stays, properties: { sessionExpiryInterval: 0xffff_ffff } })
    await RawClient.connect(port, { clientId: 'forever', protocolVersion: 4, cleanStart: false })
    expect([...broker.sessions()]).toMatchObject([
      { clientId: 's', isConnected: true, disconnectedAtMs: undefined },
      { clientId: 'forever', isConnected: true },
    ])
  })
})

describe('a client that the program disconnects', () => {
  it('is told why, its will is published, and its session stays [MQTT-3.1.2-8]', async () => {
    const { broker, port } = await start()
    const watcher = await RawClient.connect(port)
    await watcher.subscribe('gone')
    const will = {
      topic: 'gone',
      payload: Buffer.from('s'),
      qos: 0,
      retain: false,
      properties: undefined,
    } as const
    const s = await RawClient.connect(port, { ...stays, will })
    expect(broker.disconnect('s', { reasonCode: 0x97, reasonString: 'too much' })).toBe(true)
    const properties = { reasonString: 'too much' }
    expect(await s.expect('disconnect')).toMatchObject({ reasonCode: 0x97, properties })
    await s.closed
    expect(await watcher.received()).toEqual(['gone=s'])
    expect(broker.disconnect('s')).toBe(false)
    expect([...broker.sessions()].map(({ clientId }) => clientId)).toContain('s')
    const back = await RawClient.connect(port, stays)
    broker.disconnect('s')
    expect(await back.expect('disconnect')).toMatchObject({ reasonCode: 0x98 })
  })

  it('is just cut before MQTT 5.0, and nobody is where there is no such client', async () => {
    const { broker, port } = await start()
    const old = await RawClient.connect(port, { clientId: 'old', protocolVersion: 4 })
    expect(broker.disconnect('nobody')).toBe(false)
    expect(broker.disconnect('old')).toBe(true)
    expect(await old.next()).toBeUndefined()
    await until(() => broker.stats().connections === 0)
  })

  it.each([0x00, 0x04, 0x84, 0x92, 7])('cannot be told %i', async (reasonCode) => {
    const { broker, port } = await start()
    await RawClient.connect(port, { clientId: 'c' })
    expect(() => broker.disconnect('c', { reasonCode })).toThrow(
      expect.objectContaining({ code: 'disconnect-invalid' }),
    )
    expect(broker.stats().connections).toBe(1)
  })
})
