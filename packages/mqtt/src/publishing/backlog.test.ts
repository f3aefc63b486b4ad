import { FakeClock, FaultProxy, MqttPeer, settled, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { StoredPublish } from '../index.js'
import { collectErrors, makeHarness, rejection, text } from '../test-support/harness.js'
import { HeldStore } from '../test-support/held-store.js'

const { connectTo, makeClient, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

/** More than are kept in memory. */
const MANY = 40_000
const STORED = { qos: 1, until: 'stored' } as const
const BOUNDS = { maximumMessages: 100_000, maximumBytes: 1_000_000_000 }

function publishOf(sequence: number, payload: string): StoredPublish {
  return { sequence, topic: 't', payload: Buffer.from(payload), qos: 1, retain: false, properties: undefined }
}

/** Counts how many messages a store hands out beyond what has left it again. */
class CountingStore extends HeldStore {
  inMemory = 0
  most = 0
  override async read(range: Parameters<HeldStore['read']>[0]) {
    const page = await super.read(range)
    this.inMemory += page.publishes.length
    this.most = Math.max(this.most, this.inMemory)
    return page
  }
  override remove(sequence: number): void {
    this.inMemory--
    super.remove(sequence)
  }
}

describe('a queue that is larger than memory', () => {
  it('left by an earlier process is read page by page while it drains, in order [promise 3] [promise 6]', async () => {
    const peer = await startPeer()
    const store = new CountingStore()
    for (let sequence = 0; sequence < MANY; sequence++) store.append(publishOf(sequence, `${sequence}`))
    const client = makeClient({ url: peer.url, store, cleanStart: false, queue: BOUNDS })
    peer.follow({ connect: (_, server) => server.accept({ properties: { receiveMaximum: 100 } }) })
    await client.connect()
    await client.publish('t', 'new', { qos: 1 })
    expect(store.most).toBeLessThan(8192)
    const sent = (await peer.connection(0)).all('publish').map((packet) => text(packet.payload))
    expect(sent).toEqual([...Array.from({ length: MANY }, (_, i) => `${i}`), 'new'])
    await client.drained()
    expect(client.stats()).toMatchObject({ queuedMessages: 0, queuedBytes: 0, inFlightMessages: 0 })
    expect(store.publishes.size).toBe(0)
  })

  it('is let go of while there is no connection, and waits for those who wait [promise 3]', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const client = makeClient({ url: peer.url, store, cleanStart: false, queue: BOUNDS })
    for (let i = 0; i < MANY / 2; i++) void client.publish('t', `${i}`, STORED)
    const last = client.publish('t', 'awaited', { qos: 1 })
    const abort = new AbortController()
    const gaveUp = rejection(client.publish('t', 'given up', { qos: 1, signal: abort.signal }))
    await until(() => store.publishes.size === MANY / 2 + 2)
    await settled(3)
    expect(client.stats().queuedMessages).toBe(MANY / 2 + 2)
    abort.abort()
    expect(await gaveUp).toMatchObject({ code: 'aborted', mayBeDelivered: false })
    expect(client.stats().queuedMessages).toBe(MANY / 2 + 1)
    await client.connect()
    expect(await last).toEqual({ reasonCode: 0 })
    const sent = (await peer.connection(0)).all('publish').map((packet) => text(packet.payload))
    expect(sent).toEqual([...Array.from({ length: MANY / 2 }, (_, i) => `${i}`), 'awaited'])
    expect(store.reads).toBeGreaterThan(1)
  })

  it('does not send what was given up while its record was being read [promise 2]', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const client = makeClient({ url: peer.url, store, cleanStart: false, queue: BOUNDS })
    await client.publish('t', 'first', STORED)
    for (let i = 0; i < 16_384; i++) void client.publish('t', 'x', STORED)
    const abort = new AbortController()
    const gaveUp = rejection(client.publish('t', 'given up', { qos: 1, signal: abort.signal }))
    await until(() => store.publishes.size === 16_386)
    await settled(3)
    const read = store.read.bind(store)
    let isRead = false
    store.read = async (range) => {
      const page = await read(range)
      isRead ||= page.publishes.some(({ payload }) => text(payload) === 'given up')
      if (isRead) abort.abort()
      return page
    }
    await client.connect()
    expect(await gaveUp).toMatchObject({ code: 'aborted', mayBeDelivered: false })
    expect(isRead).toBe(true)
    await client.drained()
    const sent = (await peer.connection(0)).all('publish').map((packet) => text(packet.payload))
    expect(sent).toHaveLength(16_385)
    expect(sent).not.toContain('given up')
  })

  it('goes on behind messages that were all given up, in memory and in whole pages of the store [promise 3]', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const client = makeClient({ url: peer.url, store, cleanStart: false, queue: BOUNDS })
    const abort = new AbortController()
    const given = { qos: 1, signal: abort.signal } as const
    // More than the window and the next page.
    const givenUp = Array.from({ length: 20_000 }, () => rejection(client.publish('t', 'given up', given)))
    await until(() => store.publishes.size === 20_000)
    await settled(3)
    // What was written before is still there when it is read, as with a store that gathers its changes.
    const records = new Map(store.publishes)
    const read = store.read.bind(store)
    store.read = async (range) => {
      for (const [sequence, record] of records) store.publishes.set(sequence, record)
      return read(range)
    }
    const last = client.publish('t', 'last', { qos: 1 })
    await until(() => store.publishes.size === 20_001)
    await settled(3)
    abort.abort()
    await Promise.all(givenUp)
    await client.connect()
    expect(await last).toEqual({ reasonCode: 0 })
    expect((await peer.connection(0)).all('publish').map((packet) => text(packet.payload))).toEqual(['last'])
  })

  it('keeps its bound where the oldest are dropped, and their receipts say so [promise 6]', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const queue = { maximumMessages: 20_000, overflow: 'drop-oldest' } as const
    const client = makeClient({ url: peer.url, store, cleanStart: false, queue })
    const first = await client.publish('t', '0', STORED)
    for (let i = 1; i < MANY; i++) {
      void client.publish('t', `${i}`, STORED)
      // As a program does that has other things to do, too.
      if (i % 1000 === 0) await settled(1)
    }
    await until(() => store.nextSequence === MANY)
    await settled(3)
    const { queuedMessages, messagesDropped } = client.stats()
    expect(queuedMessages + messagesDropped).toBe(MANY)
    expect(queuedMessages).toBeLessThan(21_000)
    expect(await rejection(client.acknowledged(first.receipt ?? ''))).toMatchObject({ code: 'dropped' })
    await client.connect()
    await client.drained()
    const sent = (await peer.connection(0)).all('publish').map((packet) => Number(text(packet.payload)))
    expect(sent).toEqual([...sent].sort((a, b) => a - b))
    expect(sent.at(-1)).toBe(MANY - 1)
    expect(sent).toHaveLength(queuedMessages)
  })

  it('drops none that the server has received already: PUBREL still ends its exchange [promise 6] [MQTT-4.3.3-5]', async () => {
    const peer = await startPeer()
    peer.follow({ connect: (_, server) => server.accept({ sessionPresent: true }) })
    const store = new HeldStore()
    for (const sequence of [0, 1]) store.append({ ...publishOf(sequence, `${sequence}`), qos: 2 })
    store.append(publishOf(2, '2'))
    for (const sequence of [0, 1]) store.release(sequence)
    const queue = { maximumMessages: 3, overflow: 'drop-oldest' } as const
    const client = makeClient({ url: peer.url, store, cleanStart: false, queue })
    // Reading dead letters opens the store.
    await client.deadLetters.list()
    for (const payload of ['3', '4']) await client.publish('t', payload, STORED)
    const abort = new AbortController()
    const gaveUp = rejection(client.publish('t', '5', { qos: 1, signal: abort.signal }))
    await until(() => store.publishes.has(5))
    await settled(3)
    abort.abort()
    expect(await gaveUp).toMatchObject({ mayBeDelivered: false })
    for (const payload of ['6', '7']) await client.publish('t', payload, STORED)
    expect(client.stats()).toMatchObject({ queuedMessages: 3, messagesDropped: 4 })
    await until(() => store.publishes.size === 3)
    expect([...store.publishes.keys()]).toEqual([0, 1, 7])
    await client.connect()
    await client.drained()
    const { received } = await peer.connection(0)
    const sent = received.flatMap((packet) =>
      packet.type === 'publish'
        ? [text(packet.payload)]
        : packet.type === 'pubrel'
          ? [`pubrel ${packet.packetIdentifier}`]
          : [],
    )
    expect(sent).toEqual(['pubrel 1', 'pubrel 2', '7'])
  })

  it.each([1, 6000])(
    'takes no more where all %i that wait are such [promise 6] [MQTT-4.3.3-5]',
    async (count) => {
      const store = new HeldStore()
      for (let sequence = 0; sequence < count; sequence++) {
        store.append({ ...publishOf(sequence, 'received'), qos: 2 })
        store.release(sequence)
      }
      const queue = { maximumMessages: count, overflow: 'drop-oldest' } as const
      const client = makeClient({ url: 'mqtt://127.0.0.1:1', store, cleanStart: false, queue })
      await client.deadLetters.list()
      // Asking for the oldest has as much read as memory may hold.
      expect(client.explain().queue.messages).toBe(count)
      await settled(3)
      expect(await rejection(client.publish('t', 'x', STORED))).toMatchObject({ code: 'queue-full' })
      expect(store.publishes.size).toBe(count)
    },
  )

  it('drops no QoS 2 that the server may have received: it would take the next of that identifier for it [promise 6]', async () => {
    const peer = await startPeer()
    peer.follow({ connect: (_, server) => server.accept({ sessionPresent: true }) })
    const store = new HeldStore()
    for (const qos of [2, 1] as const) store.append({ ...publishOf(2 - qos, `qos ${qos}`), qos })
    const queue = { maximumMessages: 2, overflow: 'drop-oldest' } as const
    const client = makeClient({ url: peer.url, store, cleanStart: false, queue })
    await client.deadLetters.list()
    await client.publish('t', 'new', STORED)
    await client.connect()
    await client.drained()
    const sent = (await peer.connection(0)).all('publish')
    expect(sent.map(({ payload, dup }) => [text(payload), dup])).toEqual([
      ['qos 2', true],
      ['new', false],
    ])
  })

  it('takes neither itself nor the connection down where a record cannot be read [promise 37]', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    for (const sequence of [0, 1, 2]) store.append(publishOf(sequence, `${sequence}`))
    const read = store.read.bind(store)
    store.read = async (range) => {
      const page = await read(range)
      const damaged = [{ sequence: 1, error: new Error('expected the checksum 1, found 2') }]
      return { ...page, publishes: page.publishes.filter(({ sequence }) => sequence !== 1), damaged }
    }
    const { errors, onBackgroundError } = collectErrors()
    const client = await connectTo(peer, { store, cleanStart: false, onBackgroundError })
    await client.drained()
    expect((await peer.connection(0)).all('publish').map((packet) => text(packet.payload))).toEqual([
      '0',
      '2',
    ])
    expect(errors).toMatchObject([{ name: 'PublishError', code: 'store-failed' }])
    expect(errors[0]?.message).toContain('message 1 cannot be read and is left in the store')
    expect([...store.publishes.keys()]).toEqual([1])
  })

  it('is read again, a second later, where the store could not be read; that is reported once', async () => {
    const peer = await startPeer()
    const clock = new FakeClock()
    const store = new HeldStore()
    for (let sequence = 0; sequence < 5000; sequence++) store.append(publishOf(sequence, `${sequence}`))
    const read = store.read.bind(store)
    let failures = 0
    store.read = (range) => {
      if (range.after === -1 || failures === 3) return read(range)
      failures++
      return Promise.reject(new Error('the disk is gone'))
    }
    const { errors, onBackgroundError } = collectErrors()
    const client = await connectTo(peer, { store, cleanStart: false, clock, onBackgroundError })
    for (const count of [1, 2, 3]) {
      await until(() => failures === count)
      await settled(3)
      await clock.advance(1000)
    }
    await client.drained()
    expect((await peer.connection(0)).all('publish')).toHaveLength(5000)
    expect(errors.map(({ code }) => code)).toEqual(['store-failed'])
    expect(client.state).toBe('connected')
  })

  it('counts the time that passed before a restart: what expired meanwhile is not sent [MQTT-3.3.2-6]', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const properties = { messageExpiryInterval: 60 }
    for (const [sequence, ageMs] of [61_000, 20_000].entries()) {
      store.append({ ...publishOf(sequence, `${sequence}`), properties })
      const record = store.publishes.get(sequence)
      if (record !== undefined) store.publishes.set(sequence, { ...record, ageMs })
    }
    const client = await connectTo(peer, { store, cleanStart: false })
    await client.drained()
    const sent = (await peer.connection(0)).all('publish')
    expect(sent.map(({ payload, properties: p }) => [text(payload), p?.messageExpiryInterval])).toEqual([
      ['1', 40],
    ])
    expect(await rejection(client.acknowledged('abc.0'))).toMatchObject({ code: 'expired' })
  })
})

describe('a QoS 2 message that an earlier process may have sent', () => {
  it.each([
    ['is sent again, though it has expired meanwhile', true, [['x', true, 1]]],
    ['is not, where the session is gone that it was sent in', false, []],
  ])('%s [MQTT-4.3.3-7]', async (_, sessionPresent, expected) => {
    const peer = await startPeer()
    peer.follow({ connect: (_packet, server) => server.accept({ sessionPresent }) })
    const store = new HeldStore()
    store.append({ ...publishOf(0, 'x'), qos: 2, properties: { messageExpiryInterval: 60 } })
    const record = store.publishes.get(0)
    if (record !== undefined) store.publishes.set(0, { ...record, ageMs: 61_000 })
    const client = await connectTo(peer, { store, cleanStart: false })
    await client.drained()
    const sent = (await peer.connection(0)).all('publish')
    expect(
      sent.map(({ payload, dup, properties }) => [text(payload), dup, properties?.messageExpiryInterval]),
    ).toEqual(expected)
    expect(store.publishes.size).toBe(0)
  })
})

describe('a receipt', () => {
  it('tells of the acknowledgement, also to a later process [promise 1] [promise 3]', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const first = makeClient({ url: peer.url, store, cleanStart: false })
    const { receipt = '' } = await first.publish('t', 'x', STORED)
    const other = await first.publish('t', 'y', STORED)
    const waiting = rejection(first.acknowledged(receipt))
    await settled(3)
    await first.close()
    expect(await waiting).toMatchObject({ code: 'closed', mayBeDelivered: true })

    peer.follow({
      publish: ({ packetIdentifier }, server) => server.acknowledge('puback', packetIdentifier, 0x10),
    })
    const second = makeClient({ url: peer.url, store, cleanStart: false })
    const early = second.acknowledged(receipt)
    await second.connect()
    expect(await early).toEqual({ reasonCode: 0x10 })
    expect(await second.acknowledged(other.receipt ?? '')).toMatchObject({ reasonCode: expect.any(Number) })
    await second.drained()
    // What was answered is not kept.
    expect(await second.acknowledged(receipt)).toEqual({ reasonCode: 0 })
  })

  it('tells why the server does not take the message, and where it went when it was retried [promise 1]', async () => {
    const peer = await startPeer()
    let reasonCode = 0x87
    peer.follow({
      publish: ({ packetIdentifier }, server) => server.acknowledge('puback', packetIdentifier, reasonCode),
    })
    for (const store of [new HeldStore(), undefined]) {
      reasonCode = 0x87
      const client = await connectTo(peer, { ...(store && { store }), onBackgroundError: () => {} })
      const { receipt = '' } = await client.publish('t', 'x', STORED)
      expect(await rejection(client.acknowledged(receipt))).toMatchObject({ code: 'refused', reasonCode })
      // Asked once more, the store answers.
      expect(await rejection(client.acknowledged(receipt))).toMatchObject({ code: 'refused', reasonCode })
      reasonCode = 0
      expect(await client.deadLetters.retry(0)).toBe(true)
      await client.drained()
      const { message } = await rejection(client.acknowledged(receipt))
      const next = /with the receipt (\S+)$/.exec(message)?.[1]
      expect(await client.acknowledged(next ?? '')).toEqual({ reasonCode: 0 })
      await client.close()
    }
  })

  it('can be waited for with a time-out or a signal, and leaves nothing behind [promise 2]', async () => {
    const peer = await startPeer()
    peer.follow({ publish: () => {} })
    const clock = new FakeClock()
    const client = await connectTo(peer, { clock })
    const { receipt = '' } = await client.publish('t', 'x', STORED)
    const inTime = rejection(client.acknowledged(receipt, { timeoutMs: 500 }))
    const aborted = rejection(client.acknowledged(receipt, { signal: AbortSignal.abort() }))
    expect(await aborted).toMatchObject({ code: 'aborted', mayBeDelivered: true })
    await settled(3)
    await clock.advance(500)
    expect(await inTime).toMatchObject({ code: 'timeout', mayBeDelivered: true })
    const server = await peer.connection(0)
    const waiting = client.acknowledged(receipt)
    await settled(3)
    server.acknowledge('puback', 1)
    expect(await waiting).toEqual({ reasonCode: 0 })
    expect(await client.acknowledged(receipt)).toEqual({ reasonCode: 0 })
  })

  it.each(['', 'abc', 'abc.', 'xyz.0', 'abc.5', 'abc.-1', 'abc.0 '])(
    "that this store did not give ('%s') is refused with what was expected [promise 37]",
    async (receipt) => {
      const client = makeClient({ url: 'mqtt://127.0.0.1:1', store: new HeldStore() })
      await client.publish('t', 'x', STORED)
      const error = await rejection(client.acknowledged(receipt))
      expect(error).toMatchObject({ name: 'PublishError', code: 'invalid-argument' })
      expect(error.message).toContain('expected one that this store gave (abc.<number>)')
    },
  )
})
