import { FaultProxy, MqttPeer, settled, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { collectErrors, makeHarness, rejection, text } from '../test-support/harness.js'
import { HeldStore } from '../test-support/held-store.js'

const { connectTo, makeClient, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

describe('a store that commits', () => {
  it('has a message before the wire has it, all of one turn in one transaction [promise 3]', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const client = await connectTo(peer, { store })
    const asked = store.commitsAsked
    store.isHeld = true
    const published = ['1', '2', '3'].map((payload) => client.publish('t', payload, { qos: 1 }))
    const stored = client.publish('t', '4', { qos: 1, until: 'stored' })
    await until(() => store.commitsAsked === asked + 1)
    await settled(5)
    const server = await peer.connection(0)
    expect(server.all('publish')).toEqual([])
    store.isHeld = false
    store.end()
    expect(await stored).toEqual({ reasonCode: 0, receipt: 'abc.3' })
    await Promise.all(published)
    expect(server.all('publish').map((p) => text(p.payload))).toEqual(['1', '2', '3', '4'])
    await client.drained()
    expect(store.publishes.size).toBe(0)
  })

  it('rejects what it could not commit, and says so', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const { errors, onBackgroundError } = collectErrors()
    const client = await connectTo(peer, { store, onBackgroundError })
    await settled()
    store.isHeld = true
    const published = rejection(client.publish('t', 'x', { qos: 1 }))
    const before = store.commitsAsked
    await until(() => store.commitsAsked > before)
    store.isHeld = false
    store.end(new Error('disk full'))
    expect(await published).toMatchObject({ code: 'store-failed', mayBeDelivered: false })
    expect(errors[0]?.message).toContain('disk full')
    expect((await peer.connection(0)).all('publish')).toEqual([])
    await client.drained({ timeoutMs: 1000 })
  })

  it('brings back what an earlier process left: same order, same identifiers, DUP, PUBREL where due', async () => {
    const peer = await startPeer()
    peer.follow({
      publish: ({ packetIdentifier }, server) => server.acknowledge('pubrec', packetIdentifier),
      pubrel: () => {},
    })
    const store = new HeldStore()
    const first = await connectTo(peer, { store, cleanStart: false })
    void first.publish('t', 'released', { qos: 2 }).catch(() => {})
    void first.publish('t', 'sent', { qos: 1 }).catch(() => {})
    const before = await peer.connection(0)
    await before.packet('pubrel')
    await first.close({ drain: false })
    expect(store.publishes.size).toBe(2)

    peer.follow({ connect: (_, server) => server.accept({ sessionPresent: true }) })
    const second = makeClient({ url: peer.url, store, cleanStart: false })
    await second.connect()
    await second.publish('t', 'new', { qos: 1 })
    const after = await peer.connection(1)
    const sent = after.received.flatMap((p) =>
      p.type === 'publish' ? [`${text(p.payload)} ${p.dup}`] : p.type === 'pubrel' ? ['pubrel'] : [],
    )
    expect(sent).toEqual(['pubrel', 'sent true', 'new false'])
    const identifiers = before.all('publish').map((p) => p.packetIdentifier)
    expect(after.all('publish').map((p) => p.packetIdentifier)).toEqual([identifiers[1], 3])
    await until(() => store.publishes.size === 0)
  })

  it('remembers a QoS 2 message before its PUBREC leaves [MQTT-4.3.3-10]', async () => {
    const peer = await startPeer()
    peer.follow({ pubrec: () => {}, connect: (_, server) => server.accept({ sessionPresent: true }) })
    const store = new HeldStore()
    const first = await connectTo(peer, { store, cleanStart: false })
    const seen: string[] = []
    await first.subscribe('t', (m) => seen.push(text(m.payload)))
    const before = await peer.connection(0)
    store.isHeld = true
    before.publish('t', 'x', { qos: 2, packetIdentifier: 9 })
    await until(() => store.received.has(9))
    await settled(3)
    expect(before.all('pubrec')).toEqual([])
    store.isHeld = false
    store.end()
    await before.packet('pubrec')
    await first.close({ drain: false })

    const second = makeClient({ url: peer.url, store, cleanStart: false })
    const subscribed = second.subscribe('t', (m) => seen.push(text(m.payload)))
    await second.connect()
    await subscribed
    const after = await peer.connection(1)
    after.publish('t', 'x', { qos: 2, packetIdentifier: 9, dup: true })
    await after.packet('pubrec')
    expect(seen).toEqual(['x'])
  })

  it('that fails under a received QoS 2 message holds up no other acknowledgement, and the message comes once', async () => {
    const peer = await startPeer()
    peer.follow({
      pubrec: () => {},
      connect: (packet, server) => server.accept({ sessionPresent: !packet.cleanStart }),
    })
    const store = new HeldStore()
    const client = await connectTo(peer, { store, onBackgroundError: () => {} })
    const seen: string[] = []
    await client.subscribe('t', { qos: 2 }, (m) => seen.push(text(m.payload)))
    const before = await peer.connection(0)
    await settled(3)
    store.isHeld = true
    const asked = store.commitsAsked
    before.publish('t', 'exactly once', { qos: 2, packetIdentifier: 1 })
    before.publish('t', 'after it', { qos: 1, packetIdentifier: 2 })
    await until(() => store.commitsAsked > asked)
    store.isHeld = false
    store.end(new Error('disk full'))
    await before.packet('puback')
    expect(before.all('pubrec')).toEqual([])
    before.cut()
    const after = await peer.connection(1)
    await until(() => client.state === 'connected')
    after.publish('t', 'exactly once', { qos: 2, packetIdentifier: 1, dup: true })
    await after.packet('pubrec')
    expect(seen).toEqual(['exactly once', 'after it'])
  })

  it('hears nothing of a handler that ends after its session did: the identifier is another message by then', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const client = await connectTo(peer, { store })
    const ends: (() => void)[] = []
    const seen: string[] = []
    await client.subscribe('t', { qos: 2 }, (message) => {
      seen.push(text(message.payload))
      return new Promise<void>((resolve) => ends.push(resolve))
    })
    const before = await peer.connection(0)
    before.publish('t', 'old', { qos: 2, packetIdentifier: 1 })
    await until(() => seen.length === 1)
    before.cut()
    const after = await peer.connection(1)
    await until(() => client.state === 'connected')
    ends[0]?.()
    await settled(5)
    expect([...store.received]).toEqual([])
    after.publish('t', 'new', { qos: 2, packetIdentifier: 1 })
    await until(() => seen.length === 2)
    ends[1]?.()
    await after.packet('pubcomp')
    expect(seen).toEqual(['old', 'new'])
  })

  it('may bring back more than there are identifiers: all of it is sent, in order [promise 3] [MQTT-2.2.1-3]', async () => {
    const peer = await startPeer()
    peer.follow({ connect: (_, server) => server.accept({ sessionPresent: true }) })
    const store = new HeldStore()
    const count = 40_000
    for (let sequence = 0; sequence < count; sequence++) {
      const payload = Buffer.from(`${sequence}`)
      store.append({ sequence, topic: 't', payload, qos: 1, retain: false, properties: undefined })
    }
    const client = await connectTo(peer, { store, cleanStart: false })
    await client.drained()
    const sent = (await peer.connection(0)).all('publish')
    expect(sent).toHaveLength(count)
    expect(sent.every((packet, i) => text(packet.payload) === `${i}`)).toBe(true)
    // What lies beyond the window was never on the wire.
    expect(sent.filter((packet) => packet.dup)).toHaveLength(16_384)
    expect(store.publishes.size).toBe(0)
  })

  it('is read before anything is written to it: what is published early follows what it holds [promise 3]', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const properties = undefined
    for (const sequence of [0, 1]) {
      const payload = Buffer.from(`kept ${sequence}`)
      store.append({ sequence, topic: 't', payload, qos: 1, retain: false, properties })
    }
    const client = makeClient({ url: peer.url, store, cleanStart: false })
    const gaveUp = rejection(client.publish('t', 'given up', { qos: 1, signal: AbortSignal.abort() }))
    expect(await client.publish('t', 'early', { qos: 1, until: 'stored' })).toEqual({
      reasonCode: 0,
      receipt: 'abc.2',
    })
    expect([...store.publishes.keys()]).toEqual([0, 1, 2])
    expect(await gaveUp).toMatchObject({ code: 'aborted', mayBeDelivered: false })
    await client.connect()
    await client.drained()
    const sent = (await peer.connection(0)).all('publish').map((p) => text(p.payload))
    expect(sent).toEqual(['kept 0', 'kept 1', 'early'])
  })

  it('that cannot be read rejects connect and publish with a clear error, and may be tried again', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const { errors, onBackgroundError } = collectErrors()
    const { open } = store
    store.open = () => Promise.reject(new Error('damaged'))
    const client = makeClient({ url: peer.url, store, onBackgroundError })
    const published = rejection(client.publish('t', 'x', { qos: 1 }))
    expect(await published).toMatchObject({
      name: 'PublishError',
      code: 'store-failed',
      mayBeDelivered: false,
    })
    const connecting = await rejection(client.connect())
    expect(connecting).toMatchObject({ name: 'ConnectionError', code: 'store-failed' })
    expect(connecting.message).toContain('damaged')
    expect(errors.map(({ code }) => code)).toEqual(['store-failed', 'store-failed'])
    store.open = open
    await client.connect()
    expect(await client.publish('t', 'x', { qos: 1 })).toEqual({ reasonCode: 0 })
  })
})
