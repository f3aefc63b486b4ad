import type { Publish } from '@jamey/protocol'
import { FakeClock, RawClient, settled, text, until } from '@jamey/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { GatedStore } from '../test-support/gated-store.js'
import { startBroker } from '../test-support/start-broker.js'

/** For so long what nobody waits for may stay off the disk. */
const LATEST_MS = 100
const request = { qos: 1, properties: { responseTopic: 'inbox' } } as const
const answer = { qos: 1, properties: { correlationData: Buffer.from('1') } } as const

const stores: GatedStore[] = []

// Before the brokers close, which waits for what is being committed.
afterEach(() => {
  for (const store of stores.splice(0)) store.open()
})

/** One that asks, and those that serve, whose sessions outlive the process; the gate of their store is shut. */
async function setUp(servers = 1) {
  const store = new GatedStore()
  stores.push(store)
  const clock = new FakeClock()
  const { broker, port } = await startBroker({ store, clock })
  const stays = { properties: { sessionExpiryInterval: 1000 } }
  const connect = (clientId: string): Promise<RawClient> => RawClient.connect(port, { ...stays, clientId })
  const asker = await connect('asker')
  await asker.subscribe('inbox', 1)
  const serving = await Promise.all(
    Array.from({ length: servers }, async (_, n) => {
      const server = await connect(`server-${n}`)
      await server.subscribe('t', 1)
      return server
    }),
  )
  await settleAll([asker, ...serving])
  store.isGated = true
  return { store, clock, broker, port, asker, serving, server: serving[0] as RawClient, connect }
}

async function settleAll(clients: readonly RawClient[]): Promise<void> {
  for (const client of clients) await client.settle()
}

function pubackOf(packets: readonly { type: string }[]): number[] {
  return packets.flatMap((packet) =>
    packet.type === 'puback' ? [(packet as unknown as Publish).packetIdentifier] : [],
  )
}

describe('a request or an answer', () => {
  it.each([
    ['request', 'asker', request],
    ['answer', 'server', answer],
  ] as const)(
    '(%s) is acknowledged without the disk once its receiver has acknowledged it',
    async (_, from, options) => {
      const { store, asker, server } = await setUp()
      const [sender, receiver, topic] = from === 'asker' ? [asker, server, 't'] : [server, asker, 'inbox']
      sender.publish(topic, 'x', { ...options, packetIdentifier: 7 })
      const came = await receiver.expect('publish')
      expect(await sender.settle()).toEqual([])
      receiver.acknowledge(came)
      expect((await sender.expect('puback')).packetIdentifier).toBe(7)
      expect(store.waiting).toEqual([])
    },
  )

  it('is acknowledged after its commit where its receiver takes time, and then comes in the next life, too [promise 33]', async () => {
    const { store, clock, asker, server } = await setUp()
    asker.publish('t', 'x', { ...request, packetIdentifier: 7 })
    await server.expect('publish')
    await clock.advance(LATEST_MS - 1)
    expect(store.waiting).toEqual([])
    expect(await asker.settle()).toEqual([])
    await clock.advance(1)
    await until(() => store.waiting.length === 1)
    expect(await asker.settle()).toEqual([])
    await store.commitOnce()
    expect((await asker.expect('puback')).packetIdentifier).toBe(7)
    store.open()
    const next = await startBroker({ store })
    const again = await RawClient.connect(next.port, {
      clientId: 'server-0',
      cleanStart: false,
      properties: { sessionExpiryInterval: 1000 },
    })
    expect(text(await again.expect('publish'))).toBe('t=x q1 dup')
  })

  it('is acknowledged while a commit takes its time, once its receiver has acknowledged it', async () => {
    const { store, clock, asker, server } = await setUp()
    asker.publish('t', 'x', { ...request, packetIdentifier: 7 })
    const came = await server.expect('publish')
    await clock.advance(LATEST_MS)
    await until(() => store.waiting.length === 1)
    server.acknowledge(came)
    expect((await asker.expect('puback')).packetIdentifier).toBe(7)
    expect(store.waiting).toHaveLength(1)
  })

  it('is not acknowledged while one of its receivers has it neither acknowledged nor on the disk [promise 33]', async () => {
    const { store, clock, asker, serving } = await setUp(2)
    asker.publish('t', 'x', { ...request, packetIdentifier: 7 })
    const [one, other] = serving as [RawClient, RawClient]
    one.acknowledge(await one.expect('publish'))
    await other.vanish()
    await settled()
    expect(await asker.settle()).toEqual([])
    await clock.advance(LATEST_MS)
    await store.commitOnce()
    await settled()
    if (store.waiting.length > 0) await store.commitOnce()
    expect((await asker.expect('puback')).packetIdentifier).toBe(7)
    expect(await store.load()).toMatchObject({
      queues: expect.arrayContaining([
        { clientId: 'server-1', queue: expect.objectContaining({ messages: 1 }) },
      ]),
    })
  })

  it('of which a receiver is away is committed at once, as all that waits is [promise 33]', async () => {
    const { store, asker, server } = await setUp()
    await server.vanish()
    await settled()
    while (store.waiting.length > 0) await store.commitOnce().then(() => settled())
    asker.publish('t', 'x', { ...request, packetIdentifier: 7 })
    await until(() => store.waiting.length === 1)
    expect(await asker.settle()).toEqual([])
    await store.commitOnce()
    expect((await asker.expect('puback')).packetIdentifier).toBe(7)
  })

  it('keeps its place among acknowledgements, and takes no longer than what is committed [MQTT-4.6.0-2]', async () => {
    const { store, asker, server } = await setUp()
    asker.publish('t', 'event', { qos: 1, packetIdentifier: 1 })
    asker.publish('t', 'request', { ...request, packetIdentifier: 2 })
    asker.publish('nobody', 'x', { qos: 1, packetIdentifier: 3 })
    for (let n = 0; n < 2; n++) server.acknowledge(await server.expect('publish'))
    await server.settle()
    expect(await asker.settle()).toEqual([])
    await store.commitOnce()
    await settled()
    expect(pubackOf(await asker.settle())).toEqual([1, 2, 3])
  })

  it('holds back what comes behind it no longer than its commit takes [MQTT-4.6.0-2]', async () => {
    const { store, asker, server } = await setUp()
    asker.publish('t', 'request', { ...request, packetIdentifier: 1 })
    asker.publish('t', 'event', { qos: 1, packetIdentifier: 2 })
    await server.settle()
    expect(await asker.settle()).toEqual([])
    await store.commitOnce()
    await settled()
    expect(pubackOf(await asker.settle())).toEqual([1, 2])
  })

  it('is not acknowledged by a store that fails, however long it is tried', async () => {
    const { store, clock, asker, server } = await setUp()
    store.failure = new Error('the disk is gone')
    asker.publish('t', 'x', { ...request, packetIdentifier: 7 })
    await server.expect('publish')
    await clock.advance(LATEST_MS)
    await clock.advance(1_000)
    expect(await asker.settle()).toEqual([])
    store.failure = undefined
    store.open()
    await clock.advance(2_000)
    expect((await asker.expect('puback')).packetIdentifier).toBe(7)
  })

  it('is on the disk when the broker has closed', async () => {
    const { store, broker, asker, server } = await setUp()
    asker.publish('t', 'x', { ...request, packetIdentifier: 7 })
    await server.expect('publish')
    store.open()
    await broker.close({ graceMs: 0 })
    const { queues } = await store.load()
    expect(queues.find(({ clientId }) => clientId === 'server-0')?.queue.messages).toBe(1)
  })
})

it('what nobody gets is acknowledged at once, whatever is being committed', async () => {
  const { store, asker } = await setUp()
  const other = await RawClient.open(asker.socket.remotePort as number)
  void other.handshake({ clientId: 'other', properties: { sessionExpiryInterval: 1000 } })
  await until(() => store.waiting.length === 1)
  asker.publish('nobody', 'x', { qos: 1, packetIdentifier: 3 })
  expect((await asker.expect('puback')).reasonCode).toBe(0x10)
  expect(store.waiting).toHaveLength(1)
})
