import { FaultProxy, MqttPeer, settled, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeHarness, rejection, text } from '../test-support/harness.js'
import { HeldStore } from '../test-support/held-store.js'

const { connectTo, makeClient, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

const RECORDED = { qos: 1 } as const
const UNRECORDED = { qos: 1, isDurable: false } as const
/** More than are kept in memory. */
const MANY = 20_000
const BOUNDS = { maximumMessages: 100_000, maximumBytes: 1_000_000_000 }

async function sentTo(peer: MqttPeer, connection = 0): Promise<string[]> {
  return (await peer.connection(connection)).all('publish').map(({ payload }) => text(payload))
}

describe('a message that is not to be recorded', () => {
  it('is sent without a commit and acknowledged as usual, and the store never hears of it', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const client = await connectTo(peer, { store })
    await settled(3)
    const asked = store.commitsAsked
    store.isHeld = true
    expect(await client.publish('t', 'x', UNRECORDED)).toEqual({ reasonCode: 0 })
    await client.drained()
    await settled(3)
    expect(store.commitsAsked).toBe(asked)
    expect(store.publishes.size).toBe(0)
    store.isHeld = false
  })

  it('goes behind those before it that are on their way into the store, and before those after it', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const client = await connectTo(peer, { store })
    store.isHeld = true
    const asked = store.commitsAsked
    const published = [
      client.publish('t', '1', RECORDED),
      client.publish('t', '2', UNRECORDED),
      client.publish('t', '3', RECORDED),
    ]
    await until(() => store.commitsAsked > asked)
    expect(await sentTo(peer)).toEqual([])
    store.isHeld = false
    store.end()
    await Promise.all(published)
    expect(await sentTo(peer)).toEqual(['1', '2', '3'])
    const identifiers = (await peer.connection(0)).all('publish').map((packet) => packet.packetIdentifier)
    expect(new Set(identifiers).size).toBe(3)
  })

  it('goes on where those before it could not be stored', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const client = await connectTo(peer, { store, onBackgroundError: () => {} })
    store.isHeld = true
    const asked = store.commitsAsked
    const failed = rejection(client.publish('t', '1', RECORDED))
    const published = client.publish('t', '2', UNRECORDED)
    await until(() => store.commitsAsked > asked)
    store.isHeld = false
    store.end(new Error('disk full'))
    expect(await failed).toMatchObject({ code: 'store-failed' })
    expect(await published).toEqual({ reasonCode: 0 })
    expect(await sentTo(peer)).toEqual(['2'])
  })

  it('is repeated with the next connection, but not by the next process', async () => {
    const peer = await startPeer()
    peer.follow({ publish: () => {} })
    const store = new HeldStore()
    const first = await connectTo(peer, { store, cleanStart: false })
    void first.publish('t', 'recorded', RECORDED).catch(() => {})
    await until(() => store.publishes.size === 1)
    void first.publish('t', 'unrecorded', UNRECORDED).catch(() => {})
    await expect.poll(() => sentTo(peer)).toEqual(['recorded', 'unrecorded'])
    ;(await peer.connection(0)).cut()
    await expect.poll(() => sentTo(peer, 1)).toEqual(['recorded', 'unrecorded'])
    await first.close({ drain: false })
    const second = makeClient({ url: peer.url, store, cleanStart: false })
    await second.connect()
    await expect.poll(() => sentTo(peer, 2)).toEqual(['recorded'])
    await settled(5)
    expect(await sentTo(peer, 2)).toEqual(['recorded'])
  })

  it('takes its turn where the queue lies on disk, with its payload from memory [promise 6]', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const client = makeClient({ url: peer.url, store, cleanStart: false, queue: BOUNDS })
    for (let i = 0; i < MANY; i++) void client.publish('t', `${i}`, { qos: 1, until: 'stored' })
    const between = client.publish('t', 'between', UNRECORDED)
    const abort = new AbortController()
    const gaveUp = rejection(client.publish('t', 'given up', { ...UNRECORDED, signal: abort.signal }))
    const behind = client.publish('t', 'behind', RECORDED)
    const last = client.publish('t', 'last', UNRECORDED)
    await until(() => store.publishes.size === MANY + 1)
    await settled(3)
    expect(client.stats().queuedMessages).toBe(MANY + 4)
    abort.abort()
    expect(await gaveUp).toMatchObject({ code: 'aborted', mayBeDelivered: false })
    expect(client.stats().queuedMessages).toBe(MANY + 3)
    await client.connect()
    await Promise.all([between, behind, last])
    const all = Array.from({ length: MANY }, (_, i) => `${i}`)
    expect(await sentTo(peer)).toEqual([...all, 'between', 'behind', 'last'])
    expect(client.stats()).toMatchObject({ queuedMessages: 0, queuedBytes: 0, inFlightMessages: 0 })
    expect(store.publishes.size).toBe(0)
  })

  it('is refused where too many of them wait behind a queue on disk [promise 6]', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const client = makeClient({ url: peer.url, store, queue: BOUNDS })
    for (let i = 0; i < MANY; i++) void client.publish('t', 'x', { qos: 1, until: 'stored' })
    await until(() => store.publishes.size === MANY)
    await settled(3)
    const megabyte = 'x'.repeat(1_048_576)
    const kept = Array.from({ length: 15 }, () => rejection(client.publish('t', megabyte, UNRECORDED)))
    const refused = await rejection(client.publish('t', `${megabyte}${megabyte}`, UNRECORDED))
    expect(refused).toMatchObject({ code: 'queue-full', retryable: true })
    await client.close({ drain: false })
    for (const one of await Promise.all(kept)) expect(one).toMatchObject({ code: 'closed' })
  })

  it('drops none of the others where it is refused itself [promise 6]', async () => {
    const store = new HeldStore()
    const queue = { ...BOUNDS, maximumMessages: MANY + 15, overflow: 'drop-oldest' } as const
    const client = makeClient({ url: 'mqtt://127.0.0.1:1', store, queue })
    for (let i = 0; i < MANY; i++) void client.publish('t', 'x', { qos: 1, until: 'stored' })
    await until(() => store.publishes.size === MANY)
    await settled(3)
    const megabyte = 'x'.repeat(1_048_576)
    for (let i = 0; i < 15; i++) void client.publish('t', megabyte, UNRECORDED).catch(() => {})
    const refused = rejection(client.publish('t', `${megabyte}${megabyte}`, UNRECORDED))
    expect(await refused).toMatchObject({ code: 'queue-full' })
    expect(client.stats()).toMatchObject({ queuedMessages: MANY + 15, messagesDropped: 1 })
    expect(store.publishes.size).toBe(MANY)
    await client.close({ drain: false })
  })

  it.each([{ qos: 2 }, { qos: 1, until: 'stored' }] as const)(
    'needs its record with %j, which is said at once',
    async (options) => {
      const peer = await startPeer()
      const client = await connectTo(peer, { store: new HeldStore() })
      const error = await rejection(client.publish('t', 'x', { ...options, isDurable: false }))
      expect(error).toMatchObject({ code: 'invalid-argument' })
    },
  )
})
