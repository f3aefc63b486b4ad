import { FakeClock, RawClient, settled, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { type Authenticator, type Identity, insecureAuthenticator } from '../ports/authenticator.js'
import { MemoryBrokerStore } from '../storage/memory-store.js'
import type { LogFields } from '../support/log.js'
import { startBroker } from '../test-support/start-broker.js'

async function start(limits: Record<string, number>, options: Record<string, unknown> = {}) {
  const clock = new FakeClock()
  const warnings: object[] = []
  const log = {
    debug() {},
    info() {},
    error() {},
    warn: ({ event: _, ...about }: LogFields) => warnings.push(about),
  }
  const started = await startBroker({ clock, log, limits: { sysIntervalSeconds: 0, ...limits }, ...options })
  return { ...started, clock, warnings: () => warnings.slice(1) }
}

/** Everything that can happen by itself has happened. */
async function calm(): Promise<void> {
  await settled(200)
}

async function received(broker: { stats(): { publishesReceived: number } }, count: number): Promise<void> {
  await until(() => broker.stats().publishesReceived >= count)
  await calm()
  expect(broker.stats().publishesReceived).toBe(count)
}

function publishMany(client: RawClient, count: number, payload = 'x'): void {
  for (let n = 1; n <= count; n++) client.publish('t', payload, { qos: 1, packetIdentifier: n })
}

describe('a client that publishes faster than it may', () => {
  for (const store of [undefined, new MemoryBrokerStore()]) {
    it(`is read from at the rate that is set, and loses nothing, ${store ? 'with' : 'without'} a store`, async () => {
      const { broker, port, clock, warnings } = await start({ publishesPerSecond: 10 }, { store })
      const publisher = await RawClient.connect(port, { clientId: 'fast' })
      publishMany(publisher, 25)
      for (let n = 1; n <= 25; n++) {
        await received(broker, n)
        await clock.advance(99)
        await received(broker, n)
        await clock.advance(1)
      }
      for (let n = 1; n <= 25; n++)
        expect(await publisher.expect('puback')).toMatchObject({ packetIdentifier: n })
      expect(broker.stats()).toMatchObject({ publishersSlowed: 1, connections: 1 })
      expect(warnings()).toEqual([{ clientId: 'fast', publishesPerSecond: 10, publishBytesPerSecond: 0 }])
    })
  }

  it('is read from at the rate of its bytes, whatever one message has', async () => {
    const { broker, port, clock } = await start({ publishBytesPerSecond: 1000 })
    const publisher = await RawClient.connect(port)
    publishMany(publisher, 3, 'x'.repeat(2000))
    await received(broker, 1)
    await clock.advance(1999)
    await received(broker, 1)
    await clock.advance(1)
    await received(broker, 2)
    await clock.advance(2000)
    await received(broker, 3)
  })

  it('makes nobody else wait', async () => {
    const { broker, port } = await start({ publishesPerSecond: 10 })
    const fast = await RawClient.connect(port)
    publishMany(fast, 100)
    await received(broker, 1)
    const other = await RawClient.connect(port)
    expect(await other.publishOnce('t', 'x')).toBe(0x10)
  })

  it('is not ended for its silence while it is not read from [MQTT-3.1.2-22]', async () => {
    const { broker, port, clock } = await start({ publishBytesPerSecond: 1000 })
    const publisher = await RawClient.connect(port, { keepAlive: 2 })
    publishMany(publisher, 2, 'x'.repeat(60_000))
    publisher.send({ type: 'pingreq' })
    await received(broker, 1)
    await clock.advance(59_999)
    expect(broker.stats()).toMatchObject({ connections: 1, keepAliveTimeouts: 0 })
    await clock.advance(1)
    await received(broker, 2)
    await clock.advance(60_000)
    for (const type of ['puback', 'puback', 'pingresp'] as const) await publisher.expect(type)
    // From now on the silence is its own.
    await clock.advance(3_001)
    await publisher.closed
    expect(broker.stats().keepAliveTimeouts).toBe(1)
  })

  it('makes up for what it did not use, for a second and no more', async () => {
    const { broker, port, clock } = await start({ publishesPerSecond: 10 })
    const publisher = await RawClient.connect(port)
    publishMany(publisher, 1)
    await received(broker, 1)
    await clock.advance(60_000)
    publishMany(publisher, 30)
    await received(broker, 12)
  })

  it('gains nothing by coming again', async () => {
    const { broker, port } = await start({ publishesPerSecond: 10 })
    for (let n = 1; n <= 5; n++) {
      const publisher = await RawClient.connect(port, { clientId: 'fast' })
      publishMany(publisher, 20)
      await received(broker, n)
    }
  })

  it('has bounds of its own where its identity says so, in the place of those of everybody', async () => {
    const own = {
      quick: { publishesPerSecond: 20 },
      free: { publishesPerSecond: 0 },
      small: { publishBytesPerSecond: 5 },
    }
    const all = insecureAuthenticator()
    const authenticator: Authenticator = {
      authenticate: async (request) => ({
        ...((await all.authenticate(request)) as Identity),
        limits: own[request.clientId as keyof typeof own],
      }),
    }
    const { broker, port, clock, warnings } = await start({ publishesPerSecond: 10 }, { authenticator })
    const publish = async (clientId: string): Promise<void> =>
      publishMany(await RawClient.connect(port, { clientId }), 30)
    await publish('other')
    await received(broker, 1)
    await publish('quick')
    await received(broker, 2)
    await clock.advance(50)
    await received(broker, 3)
    await clock.advance(50)
    await received(broker, 5)
    await publish('free')
    await received(broker, 35)
    await publish('small')
    await received(broker, 36)
    await clock.advance(100)
    await received(broker, 39)
    await clock.advance(100)
    // Of its bytes, one in 200 ms: the bound of messages is that of everybody.
    await received(broker, 43)
    expect(warnings()).toContainEqual({ clientId: 'quick', publishesPerSecond: 20, publishBytesPerSecond: 0 })
    expect(warnings()).toContainEqual({ clientId: 'small', publishesPerSecond: 10, publishBytesPerSecond: 5 })
  })

  it('has other bounds of its own once its identity is another, and keeps its permissions', async () => {
    const { broker, port, clock } = await start({})
    const publisher = await RawClient.connect(port)
    broker.reload({ revise: (identity) => ({ ...identity, limits: { publishesPerSecond: 10 } }) })
    publishMany(publisher, 50)
    await received(broker, 1)
    broker.reload({ revise: (identity) => ({ ...identity, limits: undefined }) })
    await clock.advance(100)
    await received(broker, 50)
  })

  it('is told so by a reload, and no more once the bound is gone', async () => {
    const { broker, port, clock } = await start({})
    const publisher = await RawClient.connect(port)
    publishMany(publisher, 50)
    await received(broker, 50)
    broker.reload({ limits: { publishesPerSecond: 10, sysIntervalSeconds: 0 } })
    publishMany(publisher, 50)
    await received(broker, 51)
    broker.reload({ limits: { sysIntervalSeconds: 0 } })
    await clock.advance(100)
    await received(broker, 100)
  })

  it('is let go at once where the broker closes [promise 38]', async () => {
    const { broker, port, clock } = await start({ publishesPerSecond: 1 })
    const publisher = await RawClient.connect(port)
    publishMany(publisher, 10)
    await received(broker, 1)
    const closed = broker.close({ graceMs: 1000 })
    await clock.advance(1000)
    await closed
    expect(clock.pendingTimers).toBe(0)
  })
})
