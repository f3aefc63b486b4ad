import { FakeClock, RawClient, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { type BrokerOptions, MemoryBrokerStore, type PublishOptions } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

const stays = { clientId: 's', cleanStart: false, properties: { sessionExpiryInterval: 1000 } }
const full = Object.assign(new Error('no space left on device'), { code: 'full' })

/** Whose commits can be made to wait, or to fail. */
class SlowStore extends MemoryBrokerStore {
  commits: (() => void)[] | undefined
  failure: Error | undefined

  override async commit(): Promise<void> {
    if (this.failure !== undefined) throw this.failure
    const { commits } = this
    if (commits !== undefined) await new Promise<void>((resolve) => commits.push(resolve))
    await super.commit()
  }

  override async close(): Promise<void> {
    if (this.failure === undefined) await super.close()
  }
}

async function start(options: Partial<BrokerOptions> = {}) {
  const clock = new FakeClock()
  const { broker, port } = await startBroker({ clock, ...options })
  const s = await RawClient.connect(port, stays)
  await s.subscribe('t/#', 2)
  return { broker, port, clock, s }
}

/** Whether it settled by now, and how. */
function watch(promise: Promise<unknown>): { outcome: unknown } {
  const watched = { outcome: undefined as unknown }
  promise.then(
    (value) => {
      watched.outcome = value
    },
    (error) => {
      watched.outcome = error.code
    },
  )
  return watched
}

describe('what the program publishes that embeds the broker', () => {
  it('reaches subscribers at its QoS, and it is told whether there were any', async () => {
    const { broker, s } = await start()
    expect(await broker.publish('t/0', 'zero')).toBe(true)
    expect(await broker.publish('t/1', Buffer.from('one'), { qos: 1 })).toBe(true)
    expect(await broker.publish('t/2', 'two', { qos: 2, properties: { contentType: 'c' } })).toBe(true)
    expect(await broker.publish('elsewhere', 'x', { qos: 1 })).toBe(false)
    expect(broker.stats().publishesUnmatched).toBe(1)
    const got = (await s.settle()).filter((packet) => packet.type === 'publish')
    expect(got.map(text)).toEqual(['t/0=zero', 't/1=one q1', 't/2=two q2'])
    expect(got[2]?.properties?.contentType).toBe('c')
  })

  it('is retained for subscribers to come, before the broker listens, too, and taken away by an empty payload', async () => {
    const { broker, port, s } = await start()
    await broker.publish('t/kept', 'old', { qos: 1, retain: true })
    expect(await s.received()).toEqual(['t/kept=old q1'])
    const late = await RawClient.connect(port)
    await late.subscribe('t/+')
    expect(await late.received()).toEqual(['t/kept=old retain'])
    await broker.publish('t/kept', '', { retain: true })
    expect(broker.stats().retainedMessages).toBe(0)
  })

  it('expires as any message', async () => {
    const { broker, port, clock, s } = await start()
    await s.leave()
    await broker.publish('t/short', 'm', { qos: 1, properties: { messageExpiryInterval: 5 } })
    await broker.publish('t/long', 'm', { qos: 1, properties: { messageExpiryInterval: 50 } })
    await clock.advance(10_000)
    const back = await RawClient.connect(port, stays)
    const got = (await back.settle()).filter((packet) => packet.type === 'publish')
    expect(got.map(({ topic, properties }) => [topic, properties?.messageExpiryInterval])).toEqual([
      ['t/long', 40],
    ])
  })

  it('holds what it was given, whatever the program does with its bytes afterwards', async () => {
    const { broker, port, s } = await start()
    await s.leave()
    const payload = Buffer.alloc(3, 'a')
    const correlationData = Buffer.alloc(3, 'b')
    await broker.publish('t/1', payload, { qos: 1, properties: { correlationData } })
    payload.fill('x')
    correlationData.fill('x')
    const back = await RawClient.connect(port, stays)
    const publish = await back.expect('publish')
    expect(text(publish)).toBe('t/1=aaa q1')
    expect(Buffer.from(publish.properties?.correlationData ?? []).toString()).toBe('bbb')
  })

  it.each<[string, unknown, unknown, PublishOptions & Record<string, unknown>]>([
    ['an empty topic', '', 'm', {}],
    ['a wildcard', 't/+', 'm', {}],
    ['a topic of the broker', '$SYS/broker/x', 'm', {}],
    ['too many levels', 'a/'.repeat(64), 'm', {}],
    ['no text for a topic', 7, 'm', {}],
    ['a number for a payload', 't', 7, {}],
    ['more bytes than a packet may have', 't', Buffer.alloc(3000), {}],
    ['QoS 3', 't', 'm', { qos: 3 as 2 }],
    ['a property that cannot be sent', 't', 'm', { properties: { messageExpiryInterval: -1 } }],
  ])('is refused with %s, and nobody gets it', async (_what, topic, payload, options) => {
    const { broker } = await start({ limits: { packetBytes: 2000 } })
    const given = [topic, payload] as [string, string]
    await expect(broker.publish(...given, options)).rejects.toMatchObject({ code: 'publish-invalid' })
    expect(broker.stats().publishesSent).toBe(0)
  })

  it("is said to be nobody's under a stamped topic, after a restart, too [promise 40]", async () => {
    const store = new MemoryBrokerStore()
    const options = { store, stampSenders: ['t/#'] }
    const { broker, clock, s } = await start(options)
    const userProperties = [
      ['jamey-sender', 'p'],
      ['a', '1'],
      ['jamey-act-for', '+'],
    ] as const
    await broker.publish('t/now', 'm', { properties: { userProperties } })
    const [now] = await s.settle()
    expect(now).toMatchObject({ topic: 't/now', properties: { userProperties: [['a', '1']] } })
    await s.leave()
    await broker.publish('t/later', 'm', { qos: 1, retain: true, properties: { userProperties } })
    await broker.close()
    const { port } = await startBroker({ ...options, clock })
    const back = await RawClient.connect(port, stays)
    expect(await back.expect('publish')).toMatchObject({ properties: { userProperties: [['a', '1']] } })
    const other = await RawClient.connect(port)
    await other.subscribe('t/#')
    expect(await other.expect('publish')).toMatchObject({ properties: { userProperties: [['a', '1']] } })
  })

  it('at QoS 1 and 2 is in the store when the promise resolves, and at QoS 0 waits for nothing', async () => {
    const store = new SlowStore()
    const { broker, s } = await start({ store })
    await s.leave()
    store.commits = []
    const one = watch(broker.publish('t/1', 'm', { qos: 1 }))
    expect(await broker.publish('t/0', 'm')).toBe(true)
    await until(() => store.commits?.length === 1)
    expect(one.outcome).toBeUndefined()
    store.commits[0]?.()
    await until(() => one.outcome === true)
    store.commits = undefined
  })

  it('waits some seconds for a store that fails, and is refused then', async () => {
    const store = new SlowStore()
    const { broker, clock, s } = await start({ store })
    await s.leave()
    store.failure = full
    const first = watch(broker.publish('t/1', 'first', { qos: 1 }))
    await until(() => broker.stats().storeFailures === 1)
    const second = watch(broker.publish('t/1', 'second', { qos: 1 }))
    await clock.advance(9_000)
    expect([first.outcome, second.outcome]).toEqual([undefined, undefined])
    await clock.advance(2_000)
    await until(() => second.outcome !== undefined)
    expect([first.outcome, second.outcome]).toEqual(['publish-refused', 'publish-refused'])
    store.failure = undefined
    await clock.advance(2_000)
    expect(await broker.publish('t/1', 'third', { qos: 1 })).toBe(true)
    expect(broker.stats()).toMatchObject({ queuedMessages: 2, refusedByStore: 1 })
  })

  it('that waits when the broker closes is told so, as is what comes later', async () => {
    const store = new SlowStore()
    const { broker } = await start({ store })
    store.failure = full
    const waiting = watch(broker.publish('t/1', 'm', { qos: 1 }))
    await until(() => broker.stats().storeFailures === 1)
    await broker.close({ graceMs: 0 })
    await until(() => waiting.outcome === 'broker-closed')
    await expect(broker.publish('t/1', 'm')).rejects.toMatchObject({ code: 'broker-closed' })
  })

  it('waits while the queue of a subscriber is crowded', async () => {
    const { broker, s } = await start({ limits: { queuedMessages: 4, inFlight: 1 } })
    for (let n = 0; n < 4; n++) await broker.publish('t/1', `${n}`, { qos: 1 })
    const waiting = watch(broker.publish('t/1', '4', { qos: 1 }))
    const first = await s.expect('publish')
    await s.settle()
    expect(waiting.outcome).toBeUndefined()
    s.acknowledge(first)
    await until(() => waiting.outcome === true)
  })

  it.each<[string, Partial<BrokerOptions>, PublishOptions]>([
    ['no place among what is retained', { limits: { retainedMessages: 1 } }, { retain: true }],
    ['a full queue, where that is the policy', { overflow: 'refuse' }, { qos: 1 }],
    ['full queues, where nobody is slowed down', { refuseWhenFull: ['t/#'] }, { qos: 1 }],
  ])('finds %s, and is refused before anybody has it', async (_what, options, publishOptions) => {
    const limits = { queuedMessages: 1, ...options.limits }
    const { broker, port, s } = await start({ ...options, limits })
    await s.leave()
    await broker.publish('t/1', 'first', publishOptions)
    const second = broker.publish('t/2', 'second', publishOptions)
    await expect(second).rejects.toMatchObject({ code: 'publish-refused' })
    const back = await RawClient.connect(port, stays)
    expect((await back.received()).join()).not.toContain('second')
  })
})
