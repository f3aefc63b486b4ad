import { FakeClock, RawClient, settled, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import type { BrokerOptions } from '../server/broker.js'
import { MemoryBrokerStore } from '../storage/memory-store.js'
import { startBroker } from '../test-support/start-broker.js'

const LIMITS = { queuedMessages: 20, inFlight: 4, sysIntervalSeconds: 0 }

async function start(options: Partial<BrokerOptions> = {}) {
  const clock = new FakeClock()
  const started = await startBroker({ clock, ...options, limits: { ...LIMITS, ...options.limits } })
  return { ...started, clock }
}

/** Publishes `count` at QoS 1 without waiting; the answers come to `codes`. */
function publishMany(client: RawClient, topic: string, count: number, codes: number[] = []) {
  for (let n = 0; n < count; n++) client.publish(topic, `${n}`, { qos: 1, packetIdentifier: n + 1 })
  const all = (async () => {
    for (let n = 0; n < count; n++) codes.push((await client.expect('puback')).reasonCode)
  })()
  return { codes, all }
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, n) => `${n}`)

/** Everything that can happen by itself has happened. */
async function calm(broker: { stats(): { bytesReceived: number; bytesSent: number } }): Promise<void> {
  for (let before = -1, quiet = 0; quiet < 10; ) {
    await settled(10)
    const { bytesReceived, bytesSent } = broker.stats()
    quiet = bytesReceived + bytesSent === before ? quiet + 1 : 0
    before = bytesReceived + bytesSent
  }
}

describe('publishers of a subscriber that is slower than they are', () => {
  for (const store of [undefined, new MemoryBrokerStore()]) {
    it(`are slowed down, and nothing that was acknowledged is dropped ${store ? 'with' : 'without'} a store`, async () => {
      const { broker, port } = await start({ store })
      const s = await RawClient.connect(port, { clientId: 's', properties: { sessionExpiryInterval: 100 } })
      await s.subscribe('t/#', 1)
      const publishing = [4, 5].map(async (protocolVersion) => {
        const publisher = await RawClient.connect(port, { protocolVersion: protocolVersion as 4 | 5 })
        await publishMany(publisher, `t/${protocolVersion}`, 300).all
      })
      const seen = await s.take(600)
      await Promise.all(publishing)
      expect(new Set(seen).size).toBe(300)
      expect(broker.stats()).toMatchObject({ droppedOverflow: 0, subscribersGivenUp: 0, queuedMessages: 0 })
      expect(broker.stats().acknowledgementsDelayed).toBeGreaterThan(200)
    })
  }

  it('get an answer for each message that it takes, in their order [MQTT-4.6.0-2]', async () => {
    const { broker, port } = await start()
    const s = await RawClient.connect(port)
    await s.subscribe('t', 1)
    const publisher = await RawClient.connect(port)
    const { codes } = publishMany(publisher, 't', 20)
    publisher.publish('nobody', '', { qos: 1, packetIdentifier: 100 })
    await calm(broker)
    // Four are on their way, eleven wait, and the others are not answered, nor is what came behind them.
    expect(codes).toHaveLength(15)
    expect(await s.take(4)).toEqual(numbers(4))
    await until(() => codes.length === 19)
    await calm(broker)
    expect(codes).toHaveLength(19)
    await s.take(16)
    await until(() => codes.length === 20)
    expect((await publisher.expect('puback')).packetIdentifier).toBe(100)
  })

  it('are not read from while its queue is full, and then are', async () => {
    const { broker, port } = await start()
    const s = await RawClient.connect(port)
    await s.subscribe('t', 1)
    const publisher = await RawClient.connect(port)
    const { codes, all } = publishMany(publisher, 't', 500)
    await calm(broker)
    expect(broker.stats().queuedMessages).toBe(20)
    expect(codes.length).toBeLessThan(20)
    expect(await s.take(500)).toEqual(numbers(500))
    await all
    expect(broker.stats()).toMatchObject({ droppedOverflow: 0, connections: 2 })
  })

  it('wait for one of QoS 2 as well, and at QoS 2', async () => {
    const { broker, port } = await start()
    const s = await RawClient.connect(port)
    await s.subscribe('t', 1)
    const publisher = await RawClient.connect(port)
    for (let n = 0; n < 20; n++) publisher.publish('t', `${n}`, { qos: 2, packetIdentifier: n + 1 })
    for (let n = 0; n < 15; n++) await publisher.expect('pubrec')
    await calm(broker)
    expect(await publisher.settle()).toEqual([])
    await s.take(20)
    for (let n = 15; n < 20; n++) expect((await publisher.expect('pubrec')).packetIdentifier).toBe(n + 1)
  })

  it('wait ten seconds for one that takes nothing, and then its overflow is counted and said', async () => {
    const warnings: string[] = []
    const log = { debug() {}, info() {}, error() {}, warn: (_: object, what: string) => warnings.push(what) }
    const { broker, port, clock } = await start({ log })
    const s = await RawClient.connect(port)
    await s.subscribe('t', 1)
    const publisher = await RawClient.connect(port)
    const { codes, all } = publishMany(publisher, 't', 50)
    await calm(broker)
    await clock.advance(9_999)
    expect(codes.length).toBeLessThan(20)
    await clock.advance(1)
    await all
    // 4 in flight; one more than the limit was taken before its publisher was stopped.
    expect(broker.stats()).toMatchObject({ subscribersGivenUp: 1, queuedMessages: 20, droppedOverflow: 26 })
    expect(warnings.slice(1)).toEqual([
      'publishers no longer wait for a slow subscriber',
      'the queue of a session is full; messages for it are dropped',
    ])
    // Once it takes what it has, it is waited for again.
    await s.take(24)
    const again = publishMany(publisher, 't', 20)
    await calm(broker)
    expect(again.codes).toHaveLength(15)
    expect(clock.pendingTimers).toBe(1)
    await s.take(20)
    await again.all
    await calm(broker)
    expect(clock.pendingTimers).toBe(0)
  })

  it('do not wait longer than a minute, however little it takes to be waited for', async () => {
    const { broker, port, clock } = await start({ limits: { inFlight: 1 } })
    const s = await RawClient.connect(port)
    await s.subscribe('t', 1)
    const publisher = await RawClient.connect(port)
    const { all } = publishMany(publisher, 't', 25)
    for (let delay = 0; delay < 6; delay++) {
      await calm(broker)
      expect(broker.stats().subscribersGivenUp).toBe(0)
      await s.take(1)
      await calm(broker)
      await clock.advance(10_000)
    }
    await all
    expect(broker.stats().subscribersGivenUp).toBe(1)
  })

  it('do not wait for one that is away: its limit holds at once', async () => {
    const { broker, port } = await start()
    const s = await RawClient.connect(port, { clientId: 's', properties: { sessionExpiryInterval: 100 } })
    await s.subscribe('t', 1)
    const publisher = await RawClient.connect(port)
    const { codes, all } = publishMany(publisher, 't', 50)
    await calm(broker)
    expect(codes.length).toBeLessThan(20)
    await s.vanish()
    await all
    expect(broker.stats()).toMatchObject({ acknowledgementsDelayed: expect.any(Number), connections: 1 })
    expect(broker.stats().droppedOverflow).toBeGreaterThan(20)
  })
})

describe('clients whose queues wait for each other', () => {
  it('one that publishes to itself is served', async () => {
    const { broker, port } = await start()
    const own = await RawClient.connect(port, { protocolVersion: 4 })
    await own.subscribe('t', 1)
    const count = 35
    for (let n = 0; n < count; n++) own.publish('t', `${n}`, { qos: 1, packetIdentifier: n + 1 })
    const seen: string[] = []
    for (let answers = 0; answers < count || seen.length < count; ) {
      const packet = await own.next()
      if (packet?.type === 'puback') answers++
      else if (packet?.type === 'publish') {
        seen.push(Buffer.from(packet.payload).toString())
        own.acknowledge(packet)
      } else throw new Error(`got ${packet?.type}`)
    }
    expect(seen).toEqual(numbers(count))
    expect(broker.stats()).toMatchObject({ droppedOverflow: 0, subscribersGivenUp: 0 })
  })

  it('circles of two and of three are served without a time-out', async () => {
    for (const size of [2, 3]) {
      const { broker, port } = await start()
      const count = 30
      const clients: RawClient[] = []
      for (let n = 0; n < size; n++) {
        const client = await RawClient.connect(port, { protocolVersion: 4 })
        await client.subscribe(`to/${n}`, 1)
        clients.push(client)
      }
      // All send before any reads.
      for (const [n, client] of clients.entries()) {
        for (let m = 0; m < count; m++)
          client.publish(`to/${(n + 1) % size}`, `${m}`, { qos: 1, packetIdentifier: m + 1 })
      }
      await calm(broker)
      const seen = clients.map(async (client) => {
        const payloads: string[] = []
        for (let answers = 0; answers < count || payloads.length < count; ) {
          const packet = await client.next()
          if (packet?.type === 'puback') answers++
          else if (packet?.type === 'publish') {
            payloads.push(Buffer.from(packet.payload).toString())
            client.acknowledge(packet)
          } else throw new Error(`got ${packet?.type}`)
        }
        return payloads
      })
      for (const payloads of await Promise.all(seen)) expect(payloads).toEqual(numbers(count))
      expect(broker.stats()).toMatchObject({ droppedOverflow: 0, subscribersGivenUp: 0 })
    }
  })
})

describe('the overflow policy refuse', () => {
  it('tells the publisher 0x97 before anybody has the message [MQTT-4.3.3-9]', async () => {
    const { broker, port } = await start({ overflow: 'refuse' })
    const s = await RawClient.connect(port, { clientId: 's', properties: { sessionExpiryInterval: 100 } })
    await s.subscribe('t', 1)
    await s.leave()
    const other = await RawClient.connect(port)
    await other.subscribe('t', 1)
    const publisher = await RawClient.connect(port)
    const codes: number[] = []
    const takes = other.take(20)
    for (let n = 0; n < 25; n++) codes.push(await publisher.publishOnce('t', `${n}`, { retain: n > 20 }))
    expect(codes).toEqual([...Array(20).fill(0), ...Array(5).fill(0x97)])
    expect(await takes).toEqual(numbers(20))
    expect(await other.settle()).toEqual([])
    publisher.publish('t', 'two', { qos: 2, packetIdentifier: 9 })
    expect((await publisher.expect('pubrec')).reasonCode).toBe(0x97)
    expect(broker.stats()).toMatchObject({ droppedOverflow: 0, refusedOverflow: 6, retainedMessages: 0 })
    const back = await RawClient.connect(port, {
      clientId: 's',
      cleanStart: false,
      properties: { sessionExpiryInterval: 100 },
    })
    expect(await back.take(20)).toEqual(numbers(20))
    await back.settle()
    expect(await publisher.publishOnce('t', 'again')).toBe(0)
    expect(text(await back.expect('publish'))).toBe('t=again q1')
  })

  it('ends the connection of a publisher that cannot be told, and acknowledges nothing', async () => {
    const { broker, port } = await start({ overflow: 'refuse' })
    const s = await RawClient.connect(port, { clientId: 's', properties: { sessionExpiryInterval: 100 } })
    await s.subscribe('t', 1)
    await s.leave()
    const publisher = await RawClient.connect(port, { protocolVersion: 4 })
    for (let n = 0; n < 20; n++) await publisher.publishOnce('t', `${n}`)
    publisher.publish('t', 'more', { qos: 1, packetIdentifier: 7 })
    expect(await publisher.next()).toBeUndefined()
    expect(broker.stats()).toMatchObject({ droppedOverflow: 0, refusedOverflow: 1, queuedMessages: 20 })
  })
})
