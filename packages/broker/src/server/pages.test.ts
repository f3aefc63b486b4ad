import { FakeClock, RawClient } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import type { Broker, BrokerOptions, Identity, SessionOrder } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'
import type { Core } from './core.js'
import { sessionPageOf } from './session-page.js'

const stays = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } }

async function start(options: Partial<BrokerOptions> = {}) {
  const clock = new FakeClock()
  return { ...(await startBroker({ clock, ...options })), clock }
}

async function allOf(broker: Broker, limit: number, order: SessionOrder = 'clientId'): Promise<string[]> {
  const found: string[] = []
  let after: Awaited<ReturnType<Broker['sessionPage']>>['next']
  do {
    const { sessions, next } = await broker.sessionPage({ limit, order, after })
    found.push(...sessions.map(({ clientId }) => clientId))
    after = next
  } while (after !== undefined)
  return found
}

describe('a page of sessions', () => {
  it('goes on where the one before ended, in the order of identifiers, whoever comes meanwhile', async () => {
    const { broker, port } = await start()
    for (const clientId of ['c', 'a', 'e', 'b', 'd']) await RawClient.connect(port, { clientId })
    expect(await allOf(broker, 2)).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(await allOf(broker, 5)).toEqual(['a', 'b', 'c', 'd', 'e'])
    const { next } = await broker.sessionPage({ limit: 3 })
    await RawClient.connect(port, { clientId: 'aa' })
    const rest = await broker.sessionPage({ limit: 3, after: next })
    expect(rest.sessions.map(({ clientId }) => clientId)).toEqual(['d', 'e'])
  })

  it('has those that fit alone: a part of the name, the user or the address, connected or away', async () => {
    const { broker, port } = await start()
    await RawClient.connect(port, { clientId: 'Robot-7', username: 'Robot-7' })
    const away = await RawClient.connect(port, { clientId: 'x', username: 'robots', ...stays })
    await RawClient.connect(port, { clientId: 'y' })
    await away.leave()
    const found = async (given: object): Promise<string[]> =>
      (await broker.sessionPage({ limit: 10, ...given })).sessions.map(({ clientId }) => clientId)
    expect(await found({ search: 'ROBOT' })).toEqual(['Robot-7', 'x'])
    expect(await found({ search: '127.0.0' })).toEqual(['Robot-7', 'y'])
    expect(await found({ isConnected: false })).toEqual(['x'])
    expect(await found({ isConnected: true, search: 'robot' })).toEqual(['Robot-7'])
  })

  it('begins with the highest number, and counts what came, went, waits and was dropped', async () => {
    const { broker, port, clock } = await start({ limits: { queuedMessages: 2 } })
    const names = ['quiet', 'one', 'many']
    const [, one, many] = await Promise.all(names.map((clientId) => RawClient.connect(port, { clientId })))
    await one?.publishOnce('t', '1')
    for (const n of [1, 2, 3]) await many?.publishOnce('t', `${n}`)
    expect(await allOf(broker, 1, 'received')).toEqual(['many', 'one', 'quiet'])
    await clock.advance(2_000)
    expect(await allOf(broker, 1, 'rate')).toEqual(['many', 'one', 'quiet'])
    expect(broker.session('many')?.connection?.publishesPerSecond).toBeGreaterThan(1)
    const s = await RawClient.connect(port, { clientId: 'away', ...stays })
    await s.subscribe('t', 1)
    await s.leave()
    await clock.advance(5_000)
    for (const n of [1, 2, 3]) await one?.publishOnce('t', `${n}`)
    expect((await allOf(broker, 10, 'queued'))[0]).toBe('away')
    expect((await allOf(broker, 10, 'dropped'))[0]).toBe('away')
    expect(broker.session('away')).toMatchObject({
      queued: 2,
      drops: { overflow: 1 },
      waitingSinceMs: clock.timeOfDay(),
      connection: undefined,
    })
    expect(broker.session('many')).toMatchObject({ connection: { publishesReceived: 3, publishesSent: 0 } })
    expect(broker.session('nobody')).toBeUndefined()
  })

  it('of ten thousand lets others have their turn twenty times over', async () => {
    const outgoing = { queued: 0, inFlight: 0 }
    const many = Array.from({ length: 10_000 }, (_, i) => ({ clientId: `s-${i}`, username: 'u', outgoing }))
    const core = { sessions: { values: () => many.values() } } as unknown as Core
    let turns = 0
    let isOver = false
    const count = (): void => {
      turns++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    // Nobody has it, so that no facts are made.
    const page = await sessionPageOf(core, { limit: 200, search: 'nobody' })
    isOver = true
    expect(page).toEqual({ sessions: [], next: undefined })
    expect(turns).toBeGreaterThanOrEqual(20)
  })
})

describe('a page of retained messages', () => {
  it('has those that a filter selects, by topic, with what has expired left out', async () => {
    const { broker, clock } = await start()
    for (const topic of ['b', 'a/2', 'a/1', 'a/10', '$x/1'])
      await broker.publish(topic, topic, { qos: 1, retain: true })
    const brief = { qos: 1, retain: true, properties: { messageExpiryInterval: 5 } } as const
    await broker.publish('a/3', 'soon gone', brief)
    const all = await broker.retainedPage({ filter: '#', limit: 10 })
    expect(all.messages.map(({ topic }) => topic)).toEqual(['a/1', 'a/10', 'a/2', 'a/3', 'b'])
    expect(all.next).toBeUndefined()
    expect(all.messages[3]).toMatchObject({ qos: 1, publishedBy: '', expiresAtMs: clock.timeOfDay() + 5_000 })
    await clock.advance(6_000)
    const first = await broker.retainedPage({ filter: 'a/#', limit: 2 })
    expect([first.messages.map(({ topic }) => topic), first.next]).toEqual([['a/1', 'a/10'], 'a/10'])
    const second = await broker.retainedPage({ filter: 'a/#', limit: 2, after: first.next })
    expect([second.messages.map(({ topic }) => topic), second.next]).toEqual([['a/2'], undefined])
  })

  it.each(['a/#/b', '', '$share/g/a'])('needs a filter, which %j is not', async (filter) => {
    const { broker } = await start()
    await expect(broker.retainedPage({ filter, limit: 1 })).rejects.toMatchObject({
      code: 'subscribe-invalid',
    })
  })
})

describe('a topic', () => {
  const identityOf = (clientId: string): Identity => ({
    username: clientId,
    permissions: { list: [`of ${clientId}`] },
    mayPublish: (topic) => clientId !== 'reader' && topic.startsWith('t/'),
    maySubscribe: () => clientId !== 'writer',
    mayReceive: (topic) => clientId === 'reader' || (clientId === 'curious' && topic !== 't/1'),
  })
  const authenticator = { authenticate: async ({ clientId }: { clientId: string }) => identityOf(clientId) }

  it('has who may publish and be sent it, who has subscribed, and what became of its messages', async () => {
    const { broker, port } = await start({ authenticator, limits: { queuedMessages: 1 } })
    const writer = await RawClient.connect(port, { clientId: 'writer' })
    const reader = await RawClient.connect(port, { clientId: 'reader', ...stays })
    await reader.subscribe('t/+', 1)
    await reader.subscribe('$share/g/t/1', 0)
    const curious = await RawClient.connect(port, { clientId: 'curious' })
    await curious.subscribe('#', 1)
    broker.subscribe('t/1', () => {})
    await reader.leave()
    for (const n of [1, 2, 3]) await writer.publishOnce('t/1', `${n}`, { retain: true })
    const facts = await broker.topic('t/1', 10)
    expect(facts.publishers).toEqual([
      { clientId: 'writer', isConnected: true, permissions: ['of writer'] },
      { clientId: 'curious', isConnected: true, permissions: ['of curious'] },
    ])
    expect(facts.receivers.map(({ clientId }) => clientId)).toEqual(['reader'])
    const away = { clientId: 'reader', isConnected: false, mayReceive: true, queued: 1 }
    expect(facts.subscribers).toEqual(
      expect.arrayContaining([
        { ...away, filter: 't/+', qos: 1, drops: { overflow: 2 } },
        { ...away, filter: '$share/g/t/1', qos: 0, drops: { overflow: 2 } },
        expect.objectContaining({ clientId: 'curious', filter: '#', mayReceive: false, drops: {} }),
      ]),
    )
    expect(facts.subscribers).toHaveLength(3)
    expect(facts.ownFilters).toEqual(['t/1'])
    expect(facts).toMatchObject({ drops: { overflow: 2 }, isComplete: true })
    expect(facts.retained).toMatchObject({ topic: 't/1', publishedBy: 'writer' })
    expect(await broker.topic('t/2', 10)).toMatchObject({ drops: {}, retained: undefined })
  })

  it('says where one of its lists was cut, and must be one', async () => {
    const { broker, port } = await start({ authenticator })
    for (const clientId of ['a', 'b', 'c']) await RawClient.connect(port, { clientId })
    const { publishers, isComplete } = await broker.topic('t/1', 2)
    expect([publishers.length, isComplete]).toEqual([2, false])
    await expect(broker.topic('t/#', 2)).rejects.toMatchObject({ code: 'publish-invalid' })
  })
})

describe('what the program publishes', () => {
  it('is of the client that it names, and the stamp says so where messages have one', async () => {
    const { broker, port } = await start({ stampSenders: ['s/#'] })
    const client = await RawClient.connect(port)
    await client.subscribe('#', 1)
    await broker.publish('s/1', 'm', { publishedBy: 'me' })
    await broker.publish('t/1', 'm', { publishedBy: 'me' })
    const stamped = await client.expect('publish')
    expect(stamped.properties?.userProperties).toEqual([['jamey-sender', 'me']])
    expect((await client.expect('publish')).properties?.userProperties ?? []).toEqual([])
  })

  it('is heard with whom its publisher may act for, where that is told', async () => {
    const identity = { username: 'g', actsFor: ['+'], mayPublish: () => true, maySubscribe: () => true }
    const authenticator = { authenticate: async () => ({ ...identity, mayReceive: () => true }) }
    const { broker, port } = await start({ stampSenders: ['s/#'], authenticator })
    const heard: unknown[] = []
    broker.subscribe('#', ({ topic, publishedBy, actsFor }) => heard.push([topic, publishedBy, actsFor]))
    const client = await RawClient.connect(port, { clientId: 'g' })
    await client.publishOnce('s/1', 'm')
    await client.publishOnce('t/1', 'm')
    await expect
      .poll(() => heard)
      .toEqual([
        ['s/1', 'g', ['+']],
        ['t/1', 'g', []],
      ])
  })
})

describe('the counts of messages', () => {
  it('tell one quality of service from another', async () => {
    const { broker, port } = await start()
    const reader = await RawClient.connect(port, { clientId: 'r' })
    await reader.subscribe('t', 2)
    const client = await RawClient.connect(port, { clientId: 'w' })
    client.publish('t', '0')
    await client.publishOnce('t', '1')
    expect([(await reader.expect('publish')).qos, (await reader.expect('publish')).qos]).toEqual([0, 1])
    expect(broker.stats()).toMatchObject({
      publishesReceived: 2,
      publishesReceivedQos1: 1,
      publishesReceivedQos2: 0,
      publishesSent: 2,
      publishesSentQos1: 1,
    })
    expect(broker.sockets).toEqual([2])
    expect(broker.limits.queuedMessages).toBeGreaterThan(0)
  })
})
