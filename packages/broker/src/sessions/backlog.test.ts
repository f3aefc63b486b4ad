import { FakeClock, RawClient, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { MemoryBrokerStore } from '../index.js'
import type { Damaged, MessageRecord, StoredDelivery } from '../ports/broker-store.js'
import type { BrokerOptions } from '../server/broker.js'
import { startBroker } from '../test-support/start-broker.js'

const stays = (clientId: string, receiveMaximum = 65_535) =>
  ({ clientId, cleanStart: false, properties: { sessionExpiryInterval: 1000, receiveMaximum } }) as const

/** Remembers what was read, and can be made to fail. */
class WatchedStore extends MemoryBrokerStore {
  largestPage = 0
  isUnreadable = false
  failure: Error | undefined
  readonly damaged = new Set<number>()

  override readDeliveries(clientId: string, after: number, maximum: number): StoredDelivery[] {
    if (this.isUnreadable) throw new Error('the disk is gone')
    const page = super.readDeliveries(clientId, after, maximum)
    this.largestPage = Math.max(this.largestPage, page.length)
    return page
  }

  override async commit(): Promise<void> {
    if (this.failure !== undefined) throw this.failure
    await super.commit()
  }

  override readMessage(messageId: number): MessageRecord | Damaged {
    if (this.damaged.has(messageId)) return { damage: new Error('garbage') }
    return super.readMessage(messageId)
  }
}

async function start(options: Partial<BrokerOptions> = {}) {
  const store = new WatchedStore()
  const started = await startBroker({ store, ...options })
  return { store, ...started }
}

/** Subscribes, and goes away. */
async function leaveBehind(port: number, clientId: string, filter = 't'): Promise<void> {
  const client = await RawClient.connect(port, stays(clientId))
  await client.subscribe([{ filter, qos: 1, retainAsPublished: true }], 1, 5)
  await client.leave()
}

/** The payloads are numbers, from `from` up to before `to`. */
async function publishAll(port: number, from: number, to: number, topic = 't'): Promise<void> {
  const publisher = await RawClient.connect(port)
  for (let n = from; n < to; n += 1000) {
    const count = Math.min(1000, to - n)
    for (let i = 0; i < count; i++) publisher.publish(topic, `${n + i}`, { qos: 1, packetIdentifier: 1 + i })
    for (let i = 0; i < count; i++) await publisher.expect('puback')
  }
  await publisher.leave()
}

const numbersUpTo = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i)
const numberOf = ({ payload }: { payload: Uint8Array }): number => Number(Buffer.from(payload).toString())

/** Takes so many messages, whose payloads are numbers. */
async function take(client: RawClient, count: number): Promise<number[]> {
  return (await client.take(count)).map(Number)
}

describe('the queue of a session that is stored', () => {
  it('is read from the store in order and in pages, in this life of the broker and in the next [promise 33]', async () => {
    const { broker, port, store } = await start()
    await leaveBehind(port, 's')
    await publishAll(port, 0, 3000)
    expect(broker.stats().queuedMessages).toBe(3000)
    const client = await RawClient.connect(port, stays('s', 700))
    expect(await take(client, 1000)).toEqual(numbersUpTo(0, 1000))
    await client.settle()
    await client.vanish()
    await until(() => broker.stats().connections === 0)
    await publishAll(port, 3000, 3100)

    const second = await startBroker({ store })
    expect(second.broker.stats()).toMatchObject({ queuedMessages: 1400, inFlightMessages: 700 })
    const again = await RawClient.connect(second.port, stays('s', 700))
    const publishes = []
    for (let n = 0; n < 700; n++) publishes.push(await again.expect('publish'))
    expect(publishes.map(numberOf)).toEqual(numbersUpTo(1000, 1700))
    // DUP and the identifiers of before for what was in flight, and for nothing else. [MQTT-3.3.1-1] [MQTT-4.4.0-1]
    expect(publishes.every(({ dup }) => dup)).toBe(true)
    expect(publishes[0]?.packetIdentifier).toBe(1 + 1001)
    for (const publish of publishes) again.acknowledge(publish)
    const next = await again.expect('publish')
    expect(text(next)).toBe('t=1700 q1')
    expect(next.properties?.subscriptionIdentifiers).toEqual([5])
    again.acknowledge(next)
    expect(await take(again, 1399)).toEqual(numbersUpTo(1701, 3100))
    expect(await again.settle()).toEqual([])
    expect(second.broker.stats()).toMatchObject({ queuedMessages: 0, inFlightMessages: 0 })
    expect(store.largestPage).toBeLessThanOrEqual(256)
  })

  it('keeps its order while a slow client takes it and more is published than memory has a window for', async () => {
    const { port } = await start()
    const client = await RawClient.connect(port, stays('s', 3))
    await client.subscribe('t', 1)
    await publishAll(port, 0, 6000)
    expect(await take(client, 1000)).toEqual(numbersUpTo(0, 1000))
    await publishAll(port, 6000, 6500)
    expect(await take(client, 5500)).toEqual(numbersUpTo(1000, 6500))
    expect(await client.settle()).toEqual([])
  })

  it('is in memory again once the session is to end with its connection', async () => {
    const { port, store } = await start()
    await leaveBehind(port, 's')
    const properties = { receiveMaximum: 1 }
    const client = await RawClient.connect(port, { clientId: 's', cleanStart: false, properties })
    await publishAll(port, 0, 5000)
    expect(await take(client, 5000)).toEqual(numbersUpTo(0, 5000))
    expect((await store.load()).sessions).toEqual([])
  })

  it('leaves nothing in the store once all who waited for a message have it', async () => {
    const { port, store, broker } = await start()
    for (const clientId of ['a', 'b', 'c']) await leaveBehind(port, clientId)
    await publishAll(port, 0, 600)
    for (const clientId of ['a', 'b']) {
      const client = await RawClient.connect(port, stays(clientId))
      expect(await take(client, 600)).toEqual(numbersUpTo(0, 600))
      await client.settle()
    }
    // The third one ends, with its queue.
    const third = await RawClient.connect(port, { clientId: 'c', cleanStart: true })
    await third.settle()
    await broker.close({ graceMs: 0 })
    const { lastMessageId, queues } = await store.load()
    expect([lastMessageId, queues.map(({ queue }) => queue.messages)]).toEqual([0, [0, 0]])
  })

  it('has the message again that another session was the last to wait for', async () => {
    const { port, store } = await start()
    const publisher = await RawClient.connect(port)
    await publisher.publishOnce('t', '1', { retain: true })
    const first = await RawClient.connect(port, stays('first'))
    await first.subscribe('t', 1)
    expect(await take(first, 1)).toEqual([1])
    await first.settle()
    const second = await RawClient.connect(port, stays('second'))
    await second.subscribe('t', 1)
    await second.expect('publish')
    const next = await startBroker({ store })
    const again = await RawClient.connect(next.port, stays('second'))
    expect(text(await again.expect('publish'))).toBe('t=1 q1 retain dup')
  })

  it('marks as sent before what an earlier connection with a larger quota left [MQTT-3.3.1-1]', async () => {
    const { port, store } = await start()
    await leaveBehind(port, 's')
    await publishAll(port, 0, 60)
    const first = await RawClient.connect(port, stays('s', 50))
    for (let n = 0; n < 50; n++) await first.expect('publish')
    await first.vanish()
    const second = await RawClient.connect(port, stays('s', 5))
    await second.settle()
    const next = await startBroker({ store })
    const again = await RawClient.connect(next.port, stays('s'))
    const dups = []
    for (let n = 0; n < 60; n++) dups.push((await again.expect('publish')).dup)
    expect(dups).toEqual([...Array(50).fill(true), ...Array(10).fill(false)])
  })

  it('holds what is retained, published with QoS 2 and released as if it had been in memory [MQTT-4.3.3-6]', async () => {
    const { port } = await start()
    const client = await RawClient.connect(port, stays('s'))
    await client.subscribe([{ filter: 't', qos: 2, retainAsPublished: true }], 2)
    const publisher = await RawClient.connect(port)
    for (const packetIdentifier of [1, 2]) {
      publisher.publish('t', `${packetIdentifier}`, { qos: 2, packetIdentifier, retain: true })
      await publisher.expect('pubrec')
    }
    const first = await client.expect('publish')
    await client.expect('publish')
    const { packetIdentifier } = first
    client.send({ type: 'pubrec', packetIdentifier, reasonCode: 0, properties: undefined })
    await client.expect('pubrel')
    await client.vanish()
    publisher.publish('t', '3', { qos: 2, packetIdentifier: 3 })
    await publisher.expect('pubrec')
    const again = await RawClient.connect(port, stays('s'))
    expect((await again.expect('pubrel')).packetIdentifier).toBe(packetIdentifier)
    expect(text(await again.expect('publish'))).toBe('t=2 q2 retain dup')
    expect(text(await again.expect('publish'))).toBe('t=3 q2')
  })

  it('counts against its limits what lies in the store, after a restart, too [promise 34]', async () => {
    const limits = { queuedMessages: 500, sysIntervalSeconds: 0 }
    const { port, store, broker } = await start({ limits })
    await leaveBehind(port, 's')
    await publishAll(port, 0, 600)
    expect(broker.stats()).toMatchObject({ queuedMessages: 500, droppedOverflow: 100 })
    const second = await startBroker({ store, limits })
    await publishAll(second.port, 600, 610)
    expect(second.broker.stats()).toMatchObject({ queuedMessages: 500, droppedOverflow: 10 })
    const client = await RawClient.connect(second.port, stays('s'))
    expect(await take(client, 500)).toEqual(numbersUpTo(0, 500))
  })

  it('drops the oldest of those in the store where that is the policy [promise 35]', async () => {
    const limits = { queuedMessages: 500, sysIntervalSeconds: 0 }
    const { port, broker } = await start({ limits, overflow: 'drop-oldest' })
    await leaveBehind(port, 's')
    await publishAll(port, 0, 1300)
    expect(broker.stats()).toMatchObject({ queuedMessages: 500, droppedOverflow: 800 })
    const client = await RawClient.connect(port, stays('s'))
    expect(await take(client, 500)).toEqual(numbersUpTo(800, 1300))
    expect(await client.settle()).toEqual([])
  })

  it('does not deliver what expired in the store, however much that is [MQTT-3.3.2-5]', async () => {
    const clock = new FakeClock()
    const { port, broker } = await start({ clock })
    await leaveBehind(port, 's')
    const publisher = await RawClient.connect(port)
    for (let n = 0; n < 900; n++) {
      const properties = n === 899 ? undefined : { messageExpiryInterval: 10 }
      publisher.publish('t', `${n}`, { qos: 1, packetIdentifier: 1 + n, properties })
    }
    for (let n = 0; n < 900; n++) await publisher.expect('puback')
    await clock.advance(10_000)
    const client = await RawClient.connect(port, stays('s'))
    expect(await take(client, 1)).toEqual([899])
    expect(broker.stats()).toMatchObject({ droppedExpired: 899, queuedMessages: 0 })
  })

  it('goes to other members of its shared subscription [MQTT-4.8.2-4]', async () => {
    const { port, broker } = await start()
    await leaveBehind(port, 'away', '$share/g/t')
    await publishAll(port, 0, 700)
    const other = await RawClient.connect(port, stays('other'))
    await other.subscribe('$share/g/t', 1)
    expect(await take(other, 700)).toEqual(numbersUpTo(0, 700))
    await other.settle()
    expect(broker.stats()).toMatchObject({ queuedMessages: 0, inFlightMessages: 0, redelivered: 700 })
  })

  it('goes to other members when its client takes the shared subscription back [MQTT-3.10.4-3]', async () => {
    const { port } = await start()
    await leaveBehind(port, 'leaving', '$share/g/t')
    await publishAll(port, 0, 700)
    const leaving = await RawClient.connect(port, stays('leaving', 1))
    const first = await leaving.expect('publish')
    expect(numberOf(first)).toBe(0)
    await leaving.subscribe('of its own', 1)
    const other = await RawClient.connect(port, stays('other'))
    await other.subscribe('$share/g/t', 1)
    const filters = ['$share/g/t']
    leaving.send({ type: 'unsubscribe', packetIdentifier: 1, filters, properties: undefined })
    await leaving.expect('unsuback')
    expect(await take(other, 699)).toEqual(numbersUpTo(1, 700))
    // Nothing waits any more for the one that left, and so nothing stands in the way of what comes.
    leaving.acknowledge(first)
    await leaving.settle()
    await publishAll(port, 0, 1, 'of its own')
    expect(await take(leaving, 1)).toEqual([0])
  })

  it('passes over what the store cannot read, and counts it [promise 37]', async () => {
    const { port, store, broker } = await start()
    await leaveBehind(port, 's')
    await publishAll(port, 0, 5)
    for (const messageId of [1, 3]) store.damaged.add(messageId)
    const client = await RawClient.connect(port, stays('s'))
    expect(await take(client, 3)).toEqual([1, 3, 4])
    await client.settle()
    expect(broker.stats()).toMatchObject({ damagedDeliveries: 2, queuedMessages: 0, inFlightMessages: 0 })
  })

  it('is read on while commits fail, and is not delivered again once one succeeded [promise 33]', async () => {
    const { broker, port, store } = await start()
    await leaveBehind(port, 's')
    await publishAll(port, 0, 2000)
    const client = await RawClient.connect(port, stays('s', 100))
    expect(await take(client, 300)).toEqual(numbersUpTo(0, 300))
    store.failure = new Error('disk is full')
    expect(await take(client, 1000)).toEqual(numbersUpTo(300, 1300))
    store.failure = undefined
    expect(await take(client, 500)).toEqual(numbersUpTo(1300, 1800))
    await client.leave()
    await broker.close({ graceMs: 0 })
    const next = await startBroker({ store })
    const again = await RawClient.connect(next.port, stays('s'))
    expect(await take(again, 200)).toEqual(numbersUpTo(1800, 2000))
    expect(await again.settle()).toEqual([])
  })

  it('waits for a store that cannot be read, and its client is sent away [promise 33]', async () => {
    const { port, store, broker } = await start()
    await leaveBehind(port, 's')
    await publishAll(port, 0, 600)
    const client = await RawClient.connect(port, stays('s', 100))
    expect(await take(client, 100)).toEqual(numbersUpTo(0, 100))
    store.isUnreadable = true
    for (;;) {
      const packet = await client.next()
      if (packet?.type === 'publish') client.acknowledge(packet)
      else {
        expect(packet).toMatchObject({ type: 'disconnect', reasonCode: 0x80 })
        break
      }
    }
    await client.closed
    const refused = await RawClient.connect(port, stays('s', 100))
    expect(await refused.next()).toMatchObject({ type: 'disconnect', reasonCode: 0x80 })
    store.isUnreadable = false
    const left = broker.stats().queuedMessages + broker.stats().inFlightMessages
    const again = await RawClient.connect(port, stays('s'))
    expect(await take(again, left)).toEqual(numbersUpTo(600 - left, 600))
  })
})
