import { FakeClock, publishPacket, RawClient, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { Message } from '../messages/message.js'
import { insecureAuthenticator } from '../ports/authenticator.js'
import { Core } from '../server/core.js'
import { resolveLimits } from '../support/limits.js'
import { silentLog } from '../support/log.js'
import { startBroker } from '../test-support/start-broker.js'
import { RetainedDelivery } from './retained-delivery.js'
import { Session } from './session.js'

const TOPICS = 300
/** Each looks at every topic. */
const FILTERS = 200

function started() {
  const core = new Core({
    authenticator: insecureAuthenticator(),
    store: undefined,
    limits: resolveLimits(),
    clock: new FakeClock(),
    log: silentLog,
    overflow: 'drop-newest',
    responseInformation: undefined,
  })
  for (let i = 0; i < TOPICS; i++) {
    const payload = Buffer.from('x')
    core.retained.tree.set(new Message(`r/${i}`, payload, 1, true, undefined, Number.POSITIVE_INFINITY, 'p'))
  }
  const session = new Session(core, 's', 'u', 5)
  const calls: string[] = []
  const connection = {
    session: session as Session | undefined,
    sender: { isWritable: true },
    pauseReading: () => calls.push('pause'),
    resumeReading: () => calls.push(`resume ${retainedDelivery.isBusy}`),
  }
  const retainedDelivery: RetainedDelivery = new RetainedDelivery(core, connection)
  const subscriptions = Array.from({ length: FILTERS }, (_, i) => ({
    session,
    filter: `+/${i}`,
    path: `+/${i}`,
    qos: 1 as const,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0 as const,
    subscriptionIdentifier: undefined,
    group: undefined,
  }))
  for (const subscription of subscriptions) session.subscriptions.set(subscription.filter, subscription)
  return { core, session, connection, retainedDelivery, subscriptions, calls }
}

/** Takes so many publishes of QoS 1 or 2 to their end, and says how many topics they had. */
async function readAll(reader: RawClient, count: number): Promise<number> {
  const topics = new Set<string>()
  for (let done = 0; done < count; ) {
    const packet = await reader.next()
    if (packet?.type === 'pubrel') {
      reader.send({ ...packet, type: 'pubcomp', reasonCode: 0 })
      done++
      continue
    }
    if (packet?.type !== 'publish') throw new Error(`got ${packet?.type} after ${done}`)
    topics.add(packet.topic)
    if (packet.qos === 1) {
      reader.acknowledge(packet)
      done++
    } else
      reader.send({
        type: 'pubrec',
        packetIdentifier: packet.packetIdentifier,
        reasonCode: 0,
        properties: undefined,
      })
  }
  return topics.size
}

function subscribeTo(filter: string) {
  const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  const subscriptions = [{ filter, ...options }]
  return { type: 'subscribe', packetIdentifier: 1, subscriptions, properties: undefined } as const
}

describe('retained messages for new subscriptions', () => {
  it('are sent in one turn where they are few', () => {
    const { session, retainedDelivery, subscriptions, calls } = started()
    retainedDelivery.send(subscriptions.slice(0, 3))
    expect(session.outgoing.queued).toBe(3)
    expect(retainedDelivery.isBusy).toBe(false)
    expect(calls).toEqual([])
  })

  it('leave other clients their turns where there is much to look at [promise 34]', async () => {
    const { core, session, retainedDelivery, subscriptions, calls } = started()
    // The tree has one node above its topics, so ten times as many filters are ten shares of a turn.
    for (let i = 0; i < TOPICS * 50; i++) {
      core.retained.tree.set(new Message(`${i}/other`, Buffer.from('x'), 0, true, undefined, Infinity, 'p'))
    }
    retainedDelivery.send(subscriptions)
    expect(retainedDelivery.isBusy).toBe(true)
    expect(calls).toEqual(['pause'])
    let turns = 0
    while (retainedDelivery.isBusy) {
      const before = core.retained.tree.visited
      await new Promise((resolve) => setImmediate(resolve))
      turns++
      expect(core.retained.tree.visited - before).toBeLessThanOrEqual(20_000)
    }
    expect(turns).toBeGreaterThan(50)
    expect(session.outgoing.queued).toBe(FILTERS)
    expect(calls).toEqual(['pause', 'resume false'])
  })

  it('leave other clients their turns where one filter selects everything [promise 34]', async () => {
    const { core, session, retainedDelivery, subscriptions } = started()
    for (let i = 0; i < 40_000; i++) {
      core.retained.tree.set(new Message(`all/${i}`, Buffer.from('x'), 1, true, undefined, Infinity, 'p'))
    }
    const everything = { ...(subscriptions[0] as (typeof subscriptions)[0]), filter: '#', path: '#' }
    session.subscriptions.set('#', everything)
    retainedDelivery.send([everything])
    expect(session.outgoing.queued).toBeLessThanOrEqual(20_000)
    await until(() => !retainedDelivery.isBusy)
    expect(session.outgoing.queued).toBe(40_000 + TOPICS)
  })

  it('are all there for one of QoS 0 that reads slowly: they wait for its socket', async () => {
    const { broker, port } = await startBroker({ limits: { queuedBytes: 1_000_000 } })
    const publisher = await RawClient.connect(port)
    const payload = 'x'.repeat(16_000)
    for (let i = 0; i < 1000; i++) publisher.publish(`r/${i}`, payload, { retain: true })
    await publisher.settle()
    const reader = await RawClient.connect(port)
    reader.socket.pause()
    reader.send(subscribeTo('#'))
    await until(() => broker.stats().publishesSent > 0)
    for (let turn = 0; turn < 20; turn++) await publisher.settle()
    expect(broker.stats().publishesSent).toBeLessThan(1000)
    reader.socket.resume()
    await reader.expect('suback')
    for (let i = 0; i < 1000; i++) expect((await reader.expect('publish')).payload).toHaveLength(16_000)
    expect(broker.stats().droppedSlow).toBe(0)
  })

  it('are all there at QoS 1 and 2, however many they are for its queue: they wait until it shrinks [MQTT-3.3.1-9]', async () => {
    for (const qos of [1, 2] as const) {
      const { broker, port } = await startBroker({ limits: { queuedMessages: 50, inFlight: 10 } })
      const publisher = await RawClient.connect(port)
      for (let i = 0; i < 1000; i++)
        publisher.publish(`r/${i}`, 'x', { qos, packetIdentifier: i + 1, retain: true })
      for (let i = 0; i < 1000; i++) await publisher.expect(qos === 1 ? 'puback' : 'pubrec')
      const reader = await RawClient.connect(port)
      await reader.subscribe('r/#', qos)
      expect(await readAll(reader, 1000)).toBe(1000)
      expect(await reader.settle()).toEqual([])
      expect(broker.stats()).toMatchObject({ droppedOverflow: 0, queuedMessages: 0, inFlightMessages: 0 })
    }
  })

  it('are all there at QoS 1 where a few of them fill the queue', async () => {
    const { broker, port } = await startBroker({ limits: { queuedBytes: 100_000 } })
    const publisher = await RawClient.connect(port)
    for (let i = 0; i < 20; i++) await publisher.publishOnce(`r/${i}`, 'x'.repeat(40_000), { retain: true })
    const reader = await RawClient.connect(port, { properties: { receiveMaximum: 2 } })
    await reader.subscribe('r/#', 1)
    expect(await readAll(reader, 20)).toBe(20)
    expect(broker.stats().droppedOverflow).toBe(0)
  })

  it('go on where they stopped when the client of the session is back', async () => {
    const { port } = await startBroker({ limits: { queuedMessages: 20, inFlight: 1 } })
    const publisher = await RawClient.connect(port)
    for (let i = 0; i < 100; i++) await publisher.publishOnce(`r/${i}`, 'x', { retain: true })
    const stays = { clientId: 's', cleanStart: false, properties: { sessionExpiryInterval: 100 } }
    const reader = await RawClient.connect(port, stays)
    await reader.subscribe('r/#', 1)
    const topics = new Set([(await reader.expect('publish')).topic])
    await reader.vanish()
    const again = await RawClient.connect(port, stays)
    while (topics.size < 100) {
      const publish = await again.expect('publish')
      topics.add(publish.topic)
      again.acknowledge(publish)
    }
    expect(await again.settle()).toEqual([])
  })

  it('are what is retained when their turn comes, not what was replaced while they waited', async () => {
    const { broker, port } = await startBroker({ limits: { queuedMessages: 2, inFlight: 1 } })
    const publisher = await RawClient.connect(port)
    for (let i = 0; i < 5; i++) await publisher.publishOnce(`r/${i}`, 'old', { retain: true })
    const reader = await RawClient.connect(port)
    await reader.subscribe('r/#', 1)
    // One is sent, two are queued, the fourth waits for room.
    await until(() => broker.stats().queuedMessages === 2)
    publisher.publish('r/4', '', { retain: true })
    publisher.publish('r/3', 'new', { qos: 1, packetIdentifier: 1, retain: true })
    const seen: string[] = []
    while (!seen.includes('r/3=new q1 retain')) {
      const publish = await reader.expect('publish')
      seen.push(text(publish))
      if (publish.qos > 0) reader.acknowledge(publish)
    }
    expect(await reader.settle()).toEqual([])
    expect(seen.filter((what) => /r\/[34]/.test(what))).toEqual(['r/4=', 'r/3=new q1', 'r/3=new q1 retain'])
  })

  it('wait for a client that does not read only as long as it is heard, and end with its subscription [promise 34]', async () => {
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ clock, limits: { queuedBytes: 1_000_000 } })
    const publisher = await RawClient.connect(port)
    for (let i = 0; i < 1000; i++) publisher.publish(`r/${i}`, 'x'.repeat(16_000), { retain: true })
    await publisher.settle()
    const reader = await RawClient.connect(port, { keepAlive: 10 })
    reader.socket.pause()
    reader.send(subscribeTo('#'))
    await until(() => broker.stats().publishesSent > 0)
    reader.send({ type: 'unsubscribe', packetIdentifier: 2, filters: ['#'], properties: undefined })
    await until(() => broker.stats().subscriptions === 0)
    await clock.advance(14_000)
    await publisher.settle()
    expect(broker.stats().connections).toBe(2)
    reader.socket.resume()
    let packet = await reader.next()
    let got = 0
    for (; packet?.type !== 'unsuback'; packet = await reader.next()) if (packet?.type === 'publish') got++
    const later = await reader.settle()
    expect(later).toEqual([])
    expect(got).toBeLessThan(1000)
    reader.socket.pause()
    reader.send(subscribeTo('#'))
    await until(() => broker.stats().subscriptions === 1)
    for (let turn = 0; turn < 20; turn++) await publisher.settle()
    await clock.advance(16_000)
    await until(() => broker.stats().connections === 1)
    expect(broker.stats().keepAliveTimeouts).toBe(1)
    reader.socket.destroy()
  })

  it('are given up where the connection is over', async () => {
    const { core, connection, retainedDelivery, subscriptions, calls } = started()
    for (let i = 0; i < 20_000; i++) {
      core.retained.tree.set(new Message(`${i}/other`, Buffer.from('x'), 0, true, undefined, Infinity, 'p'))
    }
    retainedDelivery.send(subscriptions)
    expect(retainedDelivery.isBusy).toBe(true)
    connection.session = undefined
    await new Promise((resolve) => setImmediate(resolve))
    expect(retainedDelivery.isBusy).toBe(false)
    expect(calls).toEqual(['pause'])
  })

  it('come before the answer to what the client sent behind its SUBSCRIBE', async () => {
    const { port } = await startBroker({ limits: { filtersPerPacket: 1000 } })
    const a = await RawClient.connect(port)
    for (let i = 0; i < TOPICS; i++) a.publish(`${i}/r`, 'x', { retain: true })
    await a.settle()
    const filters = [...Array.from({ length: FILTERS }, (_, i) => `+/none${i}`), '0/+']
    const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    const subscriptions = filters.map((filter) => ({ filter, ...options }))
    const subscribe = {
      type: 'subscribe',
      packetIdentifier: 1,
      subscriptions,
      properties: undefined,
    } as const
    a.send(subscribe, { ...subscribe, packetIdentifier: 2 }, publishPacket('0/live', 'y'))
    const got = []
    for (let i = 0; i < 5; i++) got.push(await a.next())
    expect(got.map((packet) => (packet?.type === 'publish' ? text(packet) : packet?.type))).toEqual([
      'suback',
      '0/r=x retain',
      'suback',
      '0/r=x retain',
      '0/live=y',
    ])
  })
})
