import type { Packet } from '@jamey/protocol'
import { FakeClock, RawClient, settled, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../test-support/start-broker.js'
import { MemoryBrokerStore } from './memory-store.js'

const stays = { clientId: 's', cleanStart: false, properties: { sessionExpiryInterval: 1000 } }
const full = Object.assign(new Error('no space left on device'), { code: 'full' })

class FailingStore extends MemoryBrokerStore {
  failure: Error | undefined
  isGone = false
  commits = 0

  override async commit(): Promise<void> {
    this.commits++
    if (this.failure !== undefined) throw this.failure
    await super.commit()
  }

  override async close(): Promise<void> {
    if (this.failure === undefined) await super.close()
  }

  check(): void {
    if (this.isGone) throw Object.assign(new Error('the folder is gone'), { code: 'gone' })
  }
}

function subscribeTo(filter: string, packetIdentifier: number): Packet {
  const options = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  return {
    type: 'subscribe',
    packetIdentifier,
    subscriptions: [{ filter, ...options }],
    properties: undefined,
  }
}

async function start() {
  const store = new FailingStore()
  const clock = new FakeClock()
  const lines: string[] = []
  const log = {
    debug: () => {},
    info: (_: object, what: string) => void lines.push(what),
    warn: () => {},
    error: (_: object, what: string) => void lines.push(what),
  }
  const { broker, port } = await startBroker({ store, clock, log, limits: { sysIntervalSeconds: 0 } })
  const s = await RawClient.connect(port, stays)
  await s.subscribe('t', 1)
  await s.leave()
  return { store, clock, broker, port, lines: () => lines.filter((line) => line.includes('store')) }
}

const FAILS = 'the store cannot commit; nothing is acknowledged until it can'
const IS_WELL = 'the store commits again'

describe('a store that fails', () => {
  it('has acknowledgements wait, and everything is acknowledged once when it is well again [promise 33]', async () => {
    const { store, clock, broker, port, lines } = await start()
    const publishers = [await RawClient.connect(port), await RawClient.connect(port, { protocolVersion: 4 })]
    store.failure = full
    for (const publisher of publishers) {
      for (const packetIdentifier of [1, 2, 3]) publisher.publish('t', 'm', { qos: 1, packetIdentifier })
    }
    await until(() => broker.stats().storeFailures === 1)
    await clock.advance(5000)
    expect(broker.stats()).toMatchObject({ connections: 2, storeFailingSeconds: 5 })
    store.failure = undefined
    await clock.advance(2000)
    for (const publisher of publishers) {
      for (const packetIdentifier of [1, 2, 3]) {
        expect(await publisher.expect('puback')).toMatchObject({ packetIdentifier, reasonCode: 0 })
      }
    }
    expect(lines()).toEqual([FAILS, IS_WELL])
    expect(broker.stats()).toMatchObject({ queuedMessages: 6, storeFailures: 1, storeFailingSeconds: 0 })
    const back = await RawClient.connect(port, stays)
    expect(await back.received()).toEqual(Array(6).fill('t=m q1'))
  })

  it('lets clients that cannot be told why a publish is refused come back when it is well again', async () => {
    const { store, clock, broker, port } = await start()
    const publisher = await RawClient.connect(port, { protocolVersion: 4 })
    store.failure = full
    publisher.publish('t', 'm', { qos: 1, packetIdentifier: 1 })
    await until(() => broker.stats().storeFailures === 1)
    await clock.advance(10_000)
    expect(await publisher.next()).toBeUndefined()
    expect((await (await RawClient.open(port, 4)).handshake()).reasonCode).toBe(0x88)
    expect((await (await RawClient.open(port)).handshake()).reasonCode).toBe(0)
    store.failure = undefined
    await clock.advance(2000)
    expect((await (await RawClient.open(port, 4)).handshake()).reasonCode).toBe(0)
  })

  it('is tried again a few times a second at first, not with every turn', async () => {
    const { store, clock, broker, port } = await start()
    const publisher = await RawClient.connect(port)
    store.failure = full
    publisher.publish('t', 'm', { qos: 1, packetIdentifier: 1 })
    await until(() => broker.stats().storeFailures === 1)
    const { commits } = store
    for (let turn = 0; turn < 20; turn++) await RawClient.connect(port, { ...stays, clientId: `${turn}` })
    expect(store.commits).toBe(commits)
    await clock.advance(60_000)
    expect(store.commits - commits).toBeGreaterThan(25)
    expect(store.commits - commits).toBeLessThan(40)
  })

  it('is told to clients after ten seconds, with the reason, and no sooner', async () => {
    const { store, clock, broker, port, lines } = await start()
    const waiting = await RawClient.connect(port)
    const idle = await RawClient.connect(port)
    const older = await RawClient.connect(port, { protocolVersion: 4 })
    store.failure = full
    waiting.publish('t', 'm', { qos: 1, packetIdentifier: 1 })
    await until(() => broker.stats().storeFailures === 1)
    await clock.advance(9000)
    expect(broker.stats().connections).toBe(3)
    await clock.advance(3000)
    expect(await waiting.expect('disconnect')).toMatchObject({
      reasonCode: 0x89,
      properties: { reasonString: 'the disk of the server is full' },
    })
    // Whoever comes now is told at once, before anything of it is taken.
    expect(await idle.publishOnce('t', 'm')).toBe(0x83)
    idle.publish('t', 'm', { qos: 2, packetIdentifier: 5 })
    expect((await idle.expect('pubrec')).reasonCode).toBe(0x83)
    older.publish('t', 'm', { qos: 1, packetIdentifier: 1 })
    await older.closed
    expect(broker.stats()).toMatchObject({ refusedByStore: 3, queuedMessages: 1 })
    idle.publish('t', 'QoS 0', {})
    expect(await idle.settle()).toEqual([])
    store.failure = undefined
    await clock.advance(2000)
    expect(await idle.publishOnce('t', 'well')).toBe(0)
    expect(lines()).toEqual([FAILS, IS_WELL])
  })

  it('has SUBACK and UNSUBACK wait for it, and nobody is sent away for those', async () => {
    const { store, clock, broker, port } = await start()
    const publisher = await RawClient.connect(port)
    store.failure = full
    publisher.publish('t', 'm', { qos: 1, packetIdentifier: 1 })
    await until(() => broker.stats().storeFailures === 1)
    await clock.advance(12_000)
    const subscriber = await RawClient.connect(port, { ...stays, clientId: 'late' })
    subscriber.send(subscribeTo('u', 1))
    subscriber.send({ type: 'unsubscribe', packetIdentifier: 2, filters: ['v'], properties: undefined })
    await clock.advance(600_000)
    expect(await subscriber.settle()).toEqual([])
    expect(broker.stats().connections).toBe(1)
    store.failure = undefined
    await clock.advance(2000)
    expect(await subscriber.expect('suback')).toMatchObject({ packetIdentifier: 1, reasonCodes: [1] })
    expect(await subscriber.expect('unsuback')).toMatchObject({ packetIdentifier: 2 })
  })

  it('ends those who ask for more than can wait', async () => {
    const { store, clock, broker, port } = await start()
    const publisher = await RawClient.connect(port)
    store.failure = full
    publisher.publish('t', 'm', { qos: 1, packetIdentifier: 1 })
    await until(() => broker.stats().storeFailures === 1)
    await clock.advance(12_000)
    const greedy = await RawClient.connect(port)
    const modest = await RawClient.connect(port)
    for (let packetIdentifier = 1; packetIdentifier <= 101; packetIdentifier++) {
      greedy.send(subscribeTo('u', packetIdentifier))
      if (packetIdentifier < 101) modest.send(subscribeTo('u', packetIdentifier))
    }
    await greedy.settle()
    await modest.settle()
    await clock.advance(2000)
    expect(await greedy.expect('disconnect')).toMatchObject({ reasonCode: 0x89 })
    expect(broker.stats().connections).toBe(1)
    store.failure = undefined
    await clock.advance(2000)
    for (let packetIdentifier = 1; packetIdentifier <= 100; packetIdentifier++) {
      expect(await modest.expect('suback')).toMatchObject({ packetIdentifier })
    }
  })

  it('is noticed within seconds though nobody publishes, and nothing is acknowledged', async () => {
    const { store, clock, broker, port, lines } = await start()
    const publisher = await RawClient.connect(port)
    await clock.advance(4000)
    expect(lines()).toEqual([])
    store.isGone = true
    store.failure = Object.assign(new Error('the folder is gone'), { code: 'gone' })
    await clock.advance(2000)
    expect(lines()).toEqual([FAILS])
    expect(broker.stats().storeFailures).toBe(1)
    publisher.publish('t', 'm', { qos: 1, packetIdentifier: 1 })
    const { packetsSent } = broker.stats()
    await settled(50)
    await clock.advance(5000)
    expect(broker.stats().packetsSent).toBe(packetsSent)
    await clock.advance(5000)
    expect((await publisher.expect('puback')).reasonCode).toBe(0x80)
    expect(broker.stats().queuedMessages).toBe(0)
  })

  it('does not hold up the end of the broker', async () => {
    const { store, clock, broker, port } = await start()
    const publisher = await RawClient.connect(port)
    store.failure = full
    publisher.publish('t', 'm', { qos: 1, packetIdentifier: 1 })
    await until(() => broker.stats().storeFailures === 1)
    await broker.close({ graceMs: 0 })
    expect(clock.pendingTimers).toBe(0)
    const last = await publisher.next()
    expect(last).toMatchObject({ type: 'disconnect', reasonCode: 0x8b })
  })
})

describe('what was taken while the store failed', () => {
  it('is delivered to those who are connected, in order, and kept for the others', async () => {
    const { store, clock, broker, port } = await start()
    const here = await RawClient.connect(port)
    await here.subscribe('t', 1)
    const publisher = await RawClient.connect(port)
    store.failure = full
    publisher.publish('t', '1', { qos: 1, packetIdentifier: 1 })
    const first = await here.expect('publish')
    expect(text(first)).toBe('t=1 q1')
    await until(() => broker.stats().storeFailures === 1)
    publisher.publish('t', '2', { qos: 1, packetIdentifier: 2 })
    publisher.publish('t', '3', { qos: 1, packetIdentifier: 3 })
    store.failure = undefined
    await clock.advance(1000)
    expect([text(await here.expect('publish')), text(await here.expect('publish'))]).toEqual([
      't=2 q1',
      't=3 q1',
    ])
    for (const packetIdentifier of [1, 2, 3]) {
      expect((await publisher.expect('puback')).packetIdentifier).toBe(packetIdentifier)
    }
    await broker.close({ graceMs: 0 })
    await store.load()
    expect(store.readDeliveries('s', 0, 10)).toHaveLength(3)
  })
})
