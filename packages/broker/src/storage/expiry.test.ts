import { FakeClock, RawClient, settled, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import type { Broker, BrokerOptions } from '../server/broker.js'
import { ExpiryHeap } from '../support/expiry-heap.js'
import { startBroker } from '../test-support/start-broker.js'
import { MemoryBrokerStore } from './memory-store.js'

const stays = { clientId: 's', cleanStart: false, properties: { sessionExpiryInterval: 10_000 } }
const soon = { properties: { messageExpiryInterval: 1 } }

async function start(options: Partial<BrokerOptions> = {}) {
  const clock = new FakeClock()
  const started = await startBroker({
    clock,
    ...options,
    limits: { sysIntervalSeconds: 0, ...options.limits },
  })
  return { ...started, clock }
}

async function retained(store: MemoryBrokerStore): Promise<string[]> {
  return (await store.load()).retained.map(({ topic }) => topic)
}

/** Whoever is away leaves a queue with so many that expire after a second behind. */
async function fill(port: number, count: number, before: readonly string[] = []): Promise<RawClient> {
  const s = await RawClient.connect(port, stays)
  await s.subscribe('t', 1)
  await s.leave()
  const publisher = await RawClient.connect(port)
  for (const payload of before) await publisher.publishOnce('t', payload)
  for (let n = 0; n < count; n++) await publisher.publishOnce('t', `${n}`, soon)
  return publisher
}

async function committed(broker: Broker): Promise<void> {
  await until(() => broker.stats().droppedExpired > 0)
  await settled(10)
}

describe('a retained message that has expired', () => {
  it('gives up its place, in memory and in the store, though nobody subscribes', async () => {
    const store = new MemoryBrokerStore()
    const { broker, port, clock } = await start({ store, limits: { retainedMessagesPerClient: 100 } })
    const a = await RawClient.connect(port)
    for (let n = 0; n < 100; n++) await a.publishOnce(`r/${n}`, 'x', { retain: true, ...soon })
    expect(await a.publishOnce('r/more', 'x', { retain: true })).toBe(0x97)
    await clock.advance(3000)
    expect(broker.stats()).toMatchObject({ retainedMessages: 0, retainedBytes: 0, droppedExpired: 100 })
    expect(await a.publishOnce('r/more', 'x', { retain: true })).toBe(0x10)
    await settled(10)
    await broker.close({ graceMs: 0 })
    expect(await retained(store)).toEqual(['r/more'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('makes room at once where another needs it', async () => {
    const { broker, port, clock } = await start({ limits: { retainedMessages: 2 } })
    const a = await RawClient.connect(port)
    for (const topic of ['r/1', 'r/2']) await a.publishOnce(topic, 'x', { retain: true, ...soon })
    const other = await RawClient.connect(port)
    // It has expired, and the next sweep is still to come.
    const moved = clock.advance(1000)
    await moved
    expect(await other.publishOnce('r/3', 'x', { retain: true })).toBe(0x10)
    expect(broker.stats().retainedRefused).toBe(0)
  })

  it('leaves the store at the next start, where it expired meanwhile', async () => {
    const store = new MemoryBrokerStore()
    const first = await start({ store })
    const a = await RawClient.connect(first.port)
    await a.publishOnce('r/short', 'x', { retain: true, ...soon })
    await a.publishOnce('r/long', 'x', { retain: true, properties: { messageExpiryInterval: 1000 } })
    await first.broker.close({ graceMs: 0 })
    await first.clock.advance(5000)
    const second = await startBroker({ store, clock: first.clock, limits: { sysIntervalSeconds: 0 } })
    expect(second.broker.stats().retainedMessages).toBe(1)
    await settled(10)
    await second.broker.close({ graceMs: 0 })
    expect(await retained(store)).toEqual(['r/long'])
  })

  it('that was replaced takes nothing with it', async () => {
    const { broker, port, clock } = await start()
    const a = await RawClient.connect(port)
    for (let n = 0; n < 2500; n++) a.publish('r', `${n}`, { retain: true, ...soon })
    await a.publishOnce('r', 'stays', { retain: true })
    await clock.advance(5000)
    expect(broker.stats()).toMatchObject({ retainedMessages: 1, droppedExpired: 0 })
    expect(clock.pendingTimers).toBe(0)
  })
})

for (const name of ['memory', 'a store'] as const) {
  const storeOf = () => (name === 'memory' ? undefined : new MemoryBrokerStore())

  describe(`a message that has expired in a queue in ${name}`, () => {
    it('gives up its place, though its client stays away', async () => {
      const { broker, port, clock } = await start({ store: storeOf(), limits: { queuedMessages: 100 } })
      const publisher = await fill(port, 150, ['kept'])
      expect(broker.stats()).toMatchObject({ queuedMessages: 100, droppedOverflow: 51 })
      await clock.advance(3000)
      await committed(broker)
      expect(broker.stats()).toMatchObject({ queuedMessages: 1, droppedExpired: 99 })
      for (let n = 0; n < 5; n++) await publisher.publishOnce('t', `fresh ${n}`)
      expect(broker.stats()).toMatchObject({ queuedMessages: 6, droppedOverflow: 51 })
      expect(clock.pendingTimers).toBe(1)
      const again = await RawClient.connect(port, stays)
      const got = await again.received()
      expect(got).toEqual(['t=kept q1', ...[0, 1, 2, 3, 4].map((n) => `t=fresh ${n} q1`)])
    })

    it('makes room at once where another needs it', async () => {
      const { broker, port, clock } = await start({
        store: storeOf(),
        limits: { queuedMessages: 100 },
        overflow: 'refuse',
      })
      const publisher = await fill(port, 100)
      await clock.advance(1000)
      for (let n = 0; n < 5; n++) expect(await publisher.publishOnce('t', `fresh ${n}`)).toBe(0)
      expect(broker.stats()).toMatchObject({ queuedMessages: 5, droppedOverflow: 0, refusedOverflow: 0 })
    })

    it('gives up its place while its client is connected and takes nothing', async () => {
      const { broker, port, clock } = await start({ store: storeOf(), limits: { inFlight: 1 } })
      const s = await RawClient.connect(port, stays)
      await s.subscribe('t', 1)
      const publisher = await RawClient.connect(port)
      for (let n = 0; n < 50; n++) await publisher.publishOnce('t', `${n}`, soon)
      await clock.advance(3000)
      // What was sent is completed. [MQTT-3.3.2-5]
      expect(broker.stats()).toMatchObject({ queuedMessages: 0, inFlightMessages: 1, droppedExpired: 49 })
      const first = await s.expect('publish')
      expect(text(first)).toBe('t=0 q1')
      s.acknowledge(first)
      expect(await s.settle()).toEqual([])
    })
  })
}

describe('a message that has expired in the store', () => {
  it('gives up its place after a restart, though nobody asks, a piece at a time', async () => {
    const store = new MemoryBrokerStore()
    const first = await start({ store })
    await fill(first.port, 3000)
    await first.broker.close({ graceMs: 0 })
    await first.clock.advance(5000)
    const second = await startBroker({ store, clock: first.clock, limits: { sysIntervalSeconds: 0 } })
    expect(second.broker.stats().queuedMessages).toBe(3000)
    await first.clock.advance(1000)
    expect(second.broker.stats().queuedMessages).toBe(3000 - 1024)
    await first.clock.advance(3000)
    expect(second.broker.stats()).toMatchObject({ queuedMessages: 0, queuedBytes: 0, droppedExpired: 3000 })
    await second.broker.close({ graceMs: 0 })
    await store.load()
    expect(store.readDeliveries('s', 0, 10)).toEqual([])
  })
})

describe('the order of expiry', () => {
  it('has the first in front, whatever the order they came in', () => {
    const heap = new ExpiryHeap<{ expiresAtMs: number }>()
    const moments = Array.from({ length: 500 }, (_, n) => (n * 7919) % 1009)
    for (const expiresAtMs of moments) heap.push({ expiresAtMs })
    heap.keepOnly(({ expiresAtMs }) => expiresAtMs % 2 === 0)
    const seen: number[] = []
    for (let first = heap.shift(); first !== undefined; first = heap.shift()) seen.push(first.expiresAtMs)
    expect(seen).toEqual(moments.filter((moment) => moment % 2 === 0).sort((a, b) => a - b))
  })
})
