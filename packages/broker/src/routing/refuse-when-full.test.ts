import { FakeClock, RawClient, settled, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import type { BrokerOptions } from '../server/broker.js'
import { MemoryBrokerStore } from '../storage/memory-store.js'
import { startBroker } from '../test-support/start-broker.js'

const LIMITS = { queuedMessages: 20, inFlight: 4, sysIntervalSeconds: 0 }
/** In flight, and the most that waits. */
const MOST = 24

function start(options: Partial<BrokerOptions> = {}) {
  const clock = new FakeClock()
  return startBroker({
    clock,
    refuseWhenFull: ['answers/#'],
    ...options,
    limits: { ...LIMITS, ...options.limits },
  })
}

/** Resolves with the reason codes of all. */
async function publishMany(client: RawClient, topic: string, count: number, first = 1): Promise<number[]> {
  const codes: number[] = []
  for (let n = first; n < first + count; n++) client.publish(topic, `${n}`, { qos: 1, packetIdentifier: n })
  while (codes.length < count) codes.push((await client.expect('puback')).reasonCode)
  return codes
}

describe('a topic of refuseWhenFull', () => {
  for (const store of [undefined, new MemoryBrokerStore()]) {
    it(`slows its publisher down for nobody that does not read, ${store ? 'with' : 'without'} a store`, async () => {
      const warnings: string[] = []
      const log = {
        debug() {},
        info() {},
        error() {},
        warn: (_: object, what: string) => warnings.push(what),
      }
      const { broker, port } = await start({ store, log })
      const silent = await RawClient.connect(port, {
        clientId: 'silent',
        properties: { sessionExpiryInterval: 100 },
      })
      await silent.subscribe('answers/silent', 1)
      const heard = await RawClient.connect(port)
      await heard.subscribe('answers/heard', 1)
      const service = await RawClient.connect(port)
      // No time passes, so whatever waited for the silent one would wait for good.
      const codes = await publishMany(service, 'answers/silent', 100)
      expect(codes).toEqual(Array.from({ length: 100 }, (_, n) => (n < MOST ? 0 : 0x97)))
      expect(await publishMany(service, 'answers/heard', 1, 101)).toEqual([0])
      expect(await heard.take(1)).toEqual(['101'])
      expect(broker.stats()).toMatchObject({
        queuedMessages: 20,
        acknowledgementsDelayed: 0,
        subscribersGivenUp: 0,
        refusedOverflow: 76,
        droppedOverflow: 76,
      })
      expect(warnings.slice(1)).toEqual(['the queue of a session is full; messages for it are dropped'])
      // What was acknowledged is there, and then there is room again.
      expect((await silent.take(MOST)).at(-1)).toBe('24')
      await until(() => broker.stats().queuedMessages + broker.stats().inFlightMessages === 0)
      expect(await publishMany(service, 'answers/silent', 2, 102)).toEqual([0, 0])
    })
  }

  it('is bounded in bytes, too', async () => {
    const { broker, port } = await start({ limits: { ...LIMITS, queuedMessages: 1000, queuedBytes: 10_000 } })
    const silent = await RawClient.connect(port)
    await silent.subscribe('answers/silent', 1)
    const service = await RawClient.connect(port)
    const codes: number[] = []
    for (let n = 1; n <= 20; n++) {
      service.publish('answers/silent', 'x'.repeat(3000), { qos: 1, packetIdentifier: n })
      codes.push((await service.expect('puback')).reasonCode)
    }
    expect(codes.filter((code) => code === 0)).toHaveLength(4)
    // One may be beyond, as anywhere.
    expect(broker.stats().queuedBytes).toBeLessThan(10_000 + 3300)
  })

  it('reaches whoever has room, and its publisher hears of the others nothing', async () => {
    const { broker, port } = await start()
    const [silent, heard] = [await RawClient.connect(port), await RawClient.connect(port)]
    await silent.subscribe('answers/+', 1)
    await heard.subscribe('answers/both', 1)
    const service = await RawClient.connect(port)
    for (let n = 1; n <= 100; n++) {
      service.publish('answers/both', `${n}`, { qos: 1, packetIdentifier: n })
      expect((await service.expect('puback')).reasonCode).toBe(0)
      expect(await heard.take(1)).toEqual([`${n}`])
    }
    expect(broker.stats()).toMatchObject({ droppedOverflow: 76, refusedOverflow: 0 })
  })

  it('goes to a member of a shared subscription that has room', async () => {
    const { broker, port } = await start()
    const [silent, heard] = [await RawClient.connect(port), await RawClient.connect(port)]
    await silent.subscribe('$share/g/answers/#', 1)
    await heard.subscribe('$share/g/answers/#', 1)
    const service = await RawClient.connect(port)
    for (let n = 1; n <= 60; n++) {
      service.publish('answers/a', `${n}`, { qos: 1, packetIdentifier: n })
      expect((await service.expect('puback')).reasonCode).toBe(0)
      await settled(2)
      for (const packet of await heard.settle()) if (packet.type === 'publish') heard.acknowledge(packet)
    }
    await heard.vanish()
    await until(() => broker.stats().connections === 2)
    const codes = await publishMany(service, 'answers/a', 60, 61)
    expect(codes.filter((code) => code === 0x97).length).toBeGreaterThan(30)
  })

  it.each(['refuse', 'disconnect', 'drop-oldest'] as const)(
    'has its own way with a full queue, whatever overflow says: %s',
    async (overflow) => {
      const { broker, port } = await start({ overflow })
      const silent = await RawClient.connect(port)
      await silent.subscribe('#', 1)
      const service = await RawClient.connect(port)
      const codes = await publishMany(service, 'answers/silent', 30)
      expect(codes.filter((code) => code === 0)).toHaveLength(MOST)
      expect(broker.stats().connections).toBe(2)
      expect((await silent.take(1))[0]).toBe('1')
    },
  )

  it('is acknowledged to a publisher of MQTT 3.1.1 and QoS 2 as ever, for it cannot be told', async () => {
    const { broker, port } = await start()
    const silent = await RawClient.connect(port)
    await silent.subscribe('answers/silent', 1)
    const [old, exact] = [
      await RawClient.connect(port, { protocolVersion: 4 }),
      await RawClient.connect(port),
    ]
    expect(await publishMany(old, 'answers/silent', 30)).toEqual(Array.from({ length: 30 }, () => 0))
    exact.publish('answers/silent', 'x', { qos: 2, packetIdentifier: 1 })
    // A failed PUBREC ends the exchange. Section 4.3.3.
    expect((await exact.expect('pubrec')).reasonCode).toBe(0x97)
    exact.publish('answers/silent', 'x', { qos: 2, packetIdentifier: 1 })
    expect((await exact.expect('pubrec')).reasonCode).toBe(0x97)
    expect(broker.stats().refusedOverflow).toBe(8)
  })

  it('waits for one that reads slowly under any other topic', async () => {
    const { broker, port } = await start()
    const silent = await RawClient.connect(port)
    await silent.subscribe('#', 1)
    const service = await RawClient.connect(port)
    for (let n = 1; n <= 40; n++) service.publish('other', `${n}`, { qos: 1, packetIdentifier: n })
    await until(() => broker.stats().acknowledgementsDelayed > 0)
    expect(broker.stats()).toMatchObject({ refusedOverflow: 0, droppedOverflow: 0 })
  })

  it.each(['a/#/b', '$share/g/a', '$SYS/#', ''])('cannot be %s', async (filter) => {
    const starting = startBroker({ refuseWhenFull: ['answers/#', filter] })
    await expect(starting).rejects.toMatchObject({ code: 'refuse-when-full-invalid' })
    await expect(starting).rejects.toThrow(`refuseWhenFull: got ${JSON.stringify(filter)}`)
  })
})
