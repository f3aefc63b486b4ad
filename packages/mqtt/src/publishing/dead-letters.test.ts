import { FaultProxy, MqttPeer, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { collectErrors, makeHarness, text } from '../test-support/harness.js'
import { HeldStore } from '../test-support/held-store.js'

const { connectTo, makeClient, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

const STORED = { qos: 1, until: 'stored' } as const
const NARROW = { maximumPacketSize: 40, maximumQoS: 1, retainAvailable: 0 } as const

describe('messages that were stored and that the server does not take', () => {
  it('become dead letters with the reason, are reported, and hold up no others [promise 3]', async () => {
    const peer = await startPeer()
    peer.follow({
      connect: (_, server) => server.accept({ properties: NARROW }),
      publish: ({ topic, packetIdentifier }, server) =>
        server.acknowledge('puback', packetIdentifier, topic === 'forbidden' ? 0x87 : 0),
    })
    const { errors, onBackgroundError } = collectErrors()
    const client = makeClient({ url: peer.url, onBackgroundError })
    await client.publish('t', 'x'.repeat(50), STORED)
    await client.publish('t', 'qos 2', { ...STORED, qos: 2 })
    await client.publish('t', 'retained', { ...STORED, retain: true })
    await client.publish('forbidden', 'x', STORED)
    const last = client.publish('t', 'last', { qos: 1 })
    await client.connect()
    expect(await last).toEqual({ reasonCode: 0 })
    const reasons = (await client.deadLetters.list()).map(({ sequence, reason }) => [
      sequence,
      reason.code,
      reason.reasonCode,
    ])
    expect(reasons).toEqual([
      [0, 'packet-too-large', undefined],
      [1, 'qos-not-supported', undefined],
      [2, 'retain-not-supported', undefined],
      [3, 'refused', 0x87],
    ])
    expect(errors.map(({ name, code }) => [name, code])).toEqual(
      reasons.map(([, code]) => ['PublishError', code]),
    )
    expect(errors[0]?.message).toContain('; dead letter 0')
    expect(client.stats()).toMatchObject({ messagesDeadLettered: 4, queuedMessages: 0, inFlightMessages: 0 })
    expect(client.explain().because).toBe('4 messages are dead letters: the server refuses them.')
    await client.drained({ timeoutMs: 1000 })
  })

  it('are retried behind all others, or dropped, by number', async () => {
    const peer = await startPeer()
    let isForbidden = true
    peer.follow({
      publish: ({ packetIdentifier }, server) =>
        server.acknowledge('puback', packetIdentifier, isForbidden ? 0x87 : 0),
    })
    const client = await connectTo(peer, { onBackgroundError: () => {} })
    await client.publish('t', 'retried', { ...STORED, properties: { contentType: 'c' } })
    await client.publish('t', 'dropped', STORED)
    await until(() => client.deadLetters.size === 2)
    isForbidden = false
    const [first, second] = await client.deadLetters.list()
    expect(await client.deadLetters.drop(second?.sequence ?? -1)).toBe(true)
    expect(await client.deadLetters.retry(first?.sequence ?? -1)).toBe(true)
    expect([await client.deadLetters.retry(99), await client.deadLetters.drop(99)]).toEqual([false, false])
    await client.drained()
    expect(client.deadLetters.size).toBe(0)
    const sent = (await peer.connection(0)).all('publish')
    expect(sent.map((p) => [text(p.payload), p.properties?.contentType])).toEqual([
      ['retried', 'c'],
      ['dropped', undefined],
      ['retried', 'c'],
    ])
  })

  it('are not kept where their publisher is told, or had given up', async () => {
    const peer = await startPeer()
    peer.follow({ connect: (_, server) => server.accept({ properties: NARROW }) })
    const client = makeClient({ url: peer.url })
    const told = client
      .publish('t', 'x'.repeat(50), { qos: 1 })
      .catch((error: { code: string }) => error.code)
    await client.connect()
    expect(await told).toBe('packet-too-large')
    expect(client.deadLetters.size).toBe(0)
  })

  it('are bounded like the queue, and the report tells of those that had to go [promise 6]', async () => {
    const peer = await startPeer()
    peer.follow({ connect: (_, server) => server.accept({ properties: NARROW }) })
    const { errors, onBackgroundError } = collectErrors()
    const client = await connectTo(peer, { onBackgroundError, queue: { maximumMessages: 2 } })
    for (const letter of ['a', 'b', 'c']) await client.publish('t', letter.repeat(50), STORED)
    await until(() => client.deadLetters.size === 2)
    expect((await client.deadLetters.list()).map(({ payload }) => text(payload)[0])).toEqual(['b', 'c'])
    expect(errors.at(-1)).toMatchObject({ code: 'dropped' })
    expect(client.stats().messagesDropped).toBe(1)
  })

  it('stay in a store over a restart, with their reason, until they are dropped [promise 3]', async () => {
    const peer = await startPeer()
    peer.follow({ connect: (_, server) => server.accept({ properties: NARROW }) })
    const store = new HeldStore()
    const first = await connectTo(peer, { store, onBackgroundError: () => {} })
    await first.publish('t', 'x'.repeat(50), STORED)
    await until(() => first.deadLetters.size === 1)
    await first.close()
    expect(store.deadLetters.get(0)?.reason).toMatchObject({ code: 'packet-too-large' })

    const second = await connectTo(peer, { store, onBackgroundError: () => {} })
    expect(await second.deadLetters.list()).toMatchObject([
      { sequence: 0, reason: { code: 'packet-too-large' } },
    ])
    expect(await second.publish('t', 'small', { qos: 1 })).toEqual({ reasonCode: 0 })
    await second.deadLetters.drop(0)
    await second.close()
    expect(store.publishes.size).toBe(0)
  })

  it('come from a store that is older than the server, too: nobody waits for those', async () => {
    const peer = await startPeer()
    peer.follow({ connect: (_, server) => server.accept({ properties: NARROW }) })
    const store = new HeldStore()
    const properties = undefined
    store.append({ sequence: 7, topic: 't', payload: Buffer.alloc(50), qos: 1, retain: false, properties })
    store.append({
      sequence: 8,
      topic: 't',
      payload: Buffer.from('small'),
      qos: 1,
      retain: false,
      properties,
    })
    const client = await connectTo(peer, { store, onBackgroundError: () => {} })
    await client.drained()
    expect((await client.deadLetters.list()).map(({ sequence }) => sequence)).toEqual([7])
    expect((await peer.connection(0)).all('publish').map((p) => text(p.payload))).toEqual(['small'])
  })
})
