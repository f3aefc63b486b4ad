import { FakeClock, RawClient, settled, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { type BrokerHooks, type BrokerOptions, type Identity, MemoryBrokerStore } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

const stays = { clientId: 's', cleanStart: false, properties: { sessionExpiryInterval: 1000 } }

async function start(hooks: BrokerHooks, options: Partial<BrokerOptions> = {}) {
  const clock = new FakeClock()
  return { ...(await startBroker({ hooks, clock, ...options })), clock }
}

describe('the hooks onSubscribe and onUnsubscribe', () => {
  it.each([4, 5] as const)(
    'are told by whom, and what became of each filter, in version %i',
    async (version) => {
      const told: unknown[] = []
      const { port } = await start({
        authorize: (_client, _action, topic) => topic !== 'secret',
        onSubscribe: ({ clientId }, outcomes) => void told.push([clientId, 'in', outcomes]),
        onUnsubscribe: ({ clientId }, outcomes) => void told.push([clientId, 'out', outcomes]),
      })
      const c = await RawClient.connect(port, { clientId: 'c', protocolVersion: version })
      const { reasonCodes } = await c.subscribe([
        { filter: 'a', qos: 2 },
        { filter: '$share/g/b' },
        { filter: 'secret' },
      ])
      c.send({ type: 'unsubscribe', packetIdentifier: 2, filters: ['a', 'never'], properties: undefined })
      await c.expect('unsuback')
      expect(told).toEqual([
        [
          'c',
          'in',
          [
            { filter: 'a', reasonCode: 2 },
            { filter: '$share/g/b', reasonCode: 0 },
            { filter: 'secret', reasonCode: reasonCodes[2] },
          ],
        ],
        [
          'c',
          'out',
          [
            { filter: 'a', reasonCode: 0x00 },
            { filter: 'never', reasonCode: 0x11 },
          ],
        ],
      ])
      expect(reasonCodes[2]).toBe(version === 5 ? 0x87 : 0x80)
    },
  )

  it('that throw or reject are counted, and change nothing', async () => {
    const { broker, port } = await start({
      onSubscribe: () => {
        throw new Error('no')
      },
      onUnsubscribe: async () => {
        throw new Error('no')
      },
    })
    const c = await RawClient.connect(port)
    expect((await c.subscribe('t', 1)).reasonCodes).toEqual([1])
    c.send({ type: 'unsubscribe', packetIdentifier: 2, filters: ['t'], properties: undefined })
    expect((await c.expect('unsuback')).reasonCodes).toEqual([0])
    await until(() => broker.stats().hooksFailed === 2)
  })
})

describe('the hook onDropped', () => {
  function watch(options: Partial<BrokerOptions> = {}) {
    const dropped: string[] = []
    const hooks: BrokerHooks = {
      onDropped: ({ topic, payload, qos, publishedBy }, { clientId }, reason) => {
        const what = Buffer.from(payload).toString().slice(0, 5)
        dropped.push(`${reason}: ${topic}=${what} q${qos} of '${publishedBy}' to ${clientId}`)
      },
    }
    return start(hooks, options).then((started) => ({ ...started, dropped }))
  }

  it.each(['drop-newest', 'drop-oldest', 'refuse'] as const)(
    'is told what a full queue drops by %s',
    async (overflow) => {
      const { broker, port, dropped } = await watch({ overflow, limits: { queuedMessages: 1 } })
      const s = await RawClient.connect(port, stays)
      await s.subscribe('t', 1)
      await s.leave()
      await broker.publish('t', 'old', { qos: 1 })
      await broker.publish('t', 'new', { qos: 1 }).catch(() => {})
      await settled()
      const lost = { 'drop-newest': ['new'], 'drop-oldest': ['old'], refuse: [] }[overflow]
      expect(dropped).toEqual(lost.map((payload) => `overflow: t=${payload} q1 of '' to s`))
      expect(broker.stats().droppedOverflow).toBe(lost.length)
    },
  )

  it('is told of each receiver without room where nobody is slowed down', async () => {
    const { port, dropped } = await watch({ refuseWhenFull: ['t'], limits: { queuedMessages: 1 } })
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 1)
    await s.leave()
    const p = await RawClient.connect(port, { clientId: 'p' })
    expect(await p.publishOnce('t', 'one')).toBe(0)
    expect(await p.publishOnce('t', 'two')).toBe(0x97)
    expect(dropped).toEqual(["overflow: t=two q1 of 'p' to s"])
  })

  it.each([undefined, new MemoryBrokerStore()])('is told what expired in a queue', async (store) => {
    const { broker, port, clock, dropped } = await watch({ store, limits: { queuedMessages: 1 } })
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 1)
    await s.leave()
    const properties = { messageExpiryInterval: 1 }
    await broker.publish('t', 'brief', { qos: 1, properties })
    await clock.advance(120_000)
    await broker.publish('t', 'next', { qos: 1 })
    await settled()
    expect(dropped).toEqual(["expired: t=brief q1 of '' to s"])
    const back = await RawClient.connect(port, stays)
    expect(await back.received()).toEqual(['t=next q1'])
  })

  it('is told what is larger than the client takes, at any QoS [MQTT-3.1.2-25]', async () => {
    const { broker, port, dropped } = await watch()
    const s = await RawClient.connect(port, { clientId: 's', properties: { maximumPacketSize: 100 } })
    await s.subscribe('t', 1)
    for (const qos of [0, 1] as const) await broker.publish('t', 'x'.repeat(200), { qos })
    await settled()
    expect(dropped).toEqual(["too-large: t=xxxxx q0 of '' to s", "too-large: t=xxxxx q1 of '' to s"])
    expect(broker.stats().droppedTooLarge).toBe(2)
  })

  it('is told what a slow client misses at QoS 0', async () => {
    const { broker, port, dropped } = await watch({ limits: { queuedBytes: 100_000 } })
    const s = await RawClient.connect(port, { clientId: 's' })
    await s.subscribe('t', 0)
    s.socket.pause()
    const payload = Buffer.alloc(90_000, 'x')
    while (broker.stats().droppedSlow === 0) {
      await broker.publish('t', payload)
      await settled(2)
    }
    await settled()
    expect(dropped).toHaveLength(broker.stats().droppedSlow)
    expect(dropped[0]).toBe("slow: t=xxxxx q0 of '' to s")
    s.socket.resume()
  })

  it('is told what a client that came back may not receive any more, after a restart of the broker, too', async () => {
    const store = new MemoryBrokerStore()
    const first = await startBroker({ store })
    const s = await RawClient.connect(first.port, stays)
    await s.subscribe('t', 1)
    await s.leave()
    await first.broker.publish('t', 'm', { qos: 1 })
    await first.broker.close()
    const nothing = (): boolean => false
    const authenticate = async (): Promise<Identity> => {
      return { username: 's', mayPublish: nothing, maySubscribe: nothing, mayReceive: nothing }
    }
    const { port, dropped } = await watch({ store, authenticator: { authenticate } })
    const back = await RawClient.connect(port, stays)
    expect(await back.settle()).toEqual([])
    expect(dropped).toEqual(["denied: t=m q1 of '' to s"])
  })

  it('may publish what was dropped elsewhere', async () => {
    const { broker, port } = await start(
      {
        onDropped: ({ topic, payload }) => {
          broker.publish(`dropped/${topic}`, payload).catch(() => {})
        },
      },
      { limits: { queuedMessages: 1 } },
    )
    const watcher = await RawClient.connect(port)
    await watcher.subscribe('dropped/#')
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 1)
    await s.leave()
    for (const payload of ['one', 'two']) await broker.publish('t', payload, { qos: 1 })
    expect(text(await watcher.expect('publish'))).toBe('dropped/t=two')
  })
})
