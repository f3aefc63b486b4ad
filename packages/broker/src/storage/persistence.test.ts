import { RawClient, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { MemoryBrokerStore } from '../index.js'
import { GatedStore } from '../test-support/gated-store.js'
import { startBroker } from '../test-support/start-broker.js'

const stays = { clientId: 's', properties: { sessionExpiryInterval: 1000 } }

describe('persistence', () => {
  it('brings sessions, queued and retained messages into the next life [promise 33]', async () => {
    const store = new MemoryBrokerStore()
    const first = await startBroker({ store })
    const s = await RawClient.connect(first.port, stays)
    await s.subscribe([
      { filter: 't/#', qos: 1 },
      { filter: '$share/g/u', qos: 1 },
    ])
    const a = await RawClient.connect(first.port)
    await a.publishOnce('t/1', 'seen')
    const seen = await s.expect('publish')
    await s.settle()
    await s.vanish()
    await until(() => first.broker.stats().connections === 1)
    await a.publishOnce('t/2', 'queued', { properties: { contentType: 'x' } })
    await a.publishOnce('u', 'shared')
    await a.publishOnce('t/r', 'kept', { retain: true })
    await first.broker.close({ graceMs: 50 })

    const second = await startBroker({ store })
    const again = await RawClient.open(second.port)
    expect((await again.handshake({ ...stays, cleanStart: false })).sessionPresent).toBe(true)
    const got = [await again.expect('publish'), await again.expect('publish'), await again.expect('publish')]
    // DUP is for what was sent before, and so is the old identifier. [MQTT-3.3.1-1] [MQTT-4.4.0-1]
    expect(got.map(text)).toEqual(['t/1=seen q1 dup', 't/2=queued q1', 'u=shared q1'])
    expect(got[0]?.packetIdentifier).toBe(seen.packetIdentifier)
    expect(got[1]?.properties?.contentType).toBe('x')
    for (const publish of got) again.acknowledge(publish)
    expect(text(await again.expect('publish'))).toBe('t/r=kept q1')
    const late = await RawClient.connect(second.port)
    await late.subscribe('t/r')
    expect(await late.received()).toEqual(['t/r=kept retain'])
  })

  it('acknowledges nothing before it is committed, and many with one commit [promise 33]', async () => {
    const store = new GatedStore()
    const { port } = await startBroker({ store })
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 2)
    await s.leave()
    const a = await RawClient.connect(port)
    await a.settle()
    store.isGated = true
    a.publish('t', '1', { qos: 1, packetIdentifier: 1 })
    await until(() => store.waiting.length === 1)
    a.publish('t', '2', { qos: 1, packetIdentifier: 2 })
    a.publish('t', '3', { qos: 2, packetIdentifier: 3 })
    expect(await a.settle()).toEqual([])
    store.isGated = false
    store.waiting.shift()?.()
    const answers = [await a.expect('puback'), await a.expect('puback'), await a.expect('pubrec')]
    expect(answers.map(({ packetIdentifier }) => packetIdentifier)).toEqual([1, 2, 3])
  })

  it('acknowledges nothing with a commit that began before it, though nothing waited for that one [promise 33]', async () => {
    const store = new GatedStore()
    const { port } = await startBroker({ store })
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 1)
    await s.leave()
    const a = await RawClient.connect(port)
    await a.settle()
    store.isGated = true
    await RawClient.connect(port, { ...stays, clientId: 'other' })
    await until(() => store.waiting.length === 1)
    a.publish('t', '1', { qos: 1, packetIdentifier: 1 })
    expect(await a.settle()).toEqual([])
    store.waiting.shift()?.()
    await until(() => store.waiting.length === 1)
    expect(await a.settle()).toEqual([])
    store.isGated = false
    store.waiting.shift()?.()
    expect((await a.expect('puback')).packetIdentifier).toBe(1)
    expect(await a.settle()).toEqual([])
  })

  it('counts unacknowledged publishes that wait for the store against the Receive Maximum', async () => {
    const store = new GatedStore()
    const { port } = await startBroker({ store, limits: { receiveMaximum: 2 } })
    const a = await RawClient.connect(port, stays)
    await a.subscribe('t', 1)
    store.isGated = true
    for (const packetIdentifier of [1, 2, 3]) a.publish('t', 'm', { qos: 1, packetIdentifier })
    let last = await a.next()
    while (last?.type === 'publish') last = await a.next()
    expect(last).toMatchObject({ type: 'disconnect', reasonCode: 0x93 })
    store.isGated = false
    for (const open of store.waiting) open()
  })

  it('does not take a QoS 2 message twice across a crash [MQTT-4.3.3-10] [promise 33]', async () => {
    const store = new MemoryBrokerStore()
    const first = await startBroker({ store })
    const a = await RawClient.connect(first.port, stays)
    await a.subscribe('t', 0)
    a.publish('t', 'once', { qos: 2, packetIdentifier: 8 })
    await a.expect('publish')
    await a.expect('pubrec')
    // A second broker over the same store, without closing the first: what a crash leaves.
    const second = await startBroker({ store })
    const again = await RawClient.connect(second.port, { ...stays, cleanStart: false })
    again.publish('t', 'once', { qos: 2, packetIdentifier: 8, dup: true })
    await again.expect('pubrec')
    expect(await again.settle()).toEqual([])
  })

  it('publishes the will of a client that was connected when the process died', async () => {
    const store = new MemoryBrokerStore()
    const first = await startBroker({ store })
    const watcher = await RawClient.connect(first.port, stays)
    await watcher.subscribe('w', 1)
    await watcher.leave()
    const will = {
      topic: 'w',
      payload: Buffer.from('gone'),
      qos: 1,
      retain: true,
      properties: undefined,
    } as const
    const dying = await RawClient.connect(first.port, { clientId: 'd', will })
    await dying.subscribe('x')
    const second = await startBroker({ store })
    await until(() => second.broker.stats().willsPublished === 1)
    const again = await RawClient.connect(second.port, { ...stays, cleanStart: false })
    expect(text(await again.expect('publish'))).toBe('w=gone q1')
    expect(second.broker.stats()).toMatchObject({ retainedMessages: 1, sessions: 1 })
  })

  it('leaves nothing behind in the store once everything is acknowledged and over', async () => {
    const store = new MemoryBrokerStore()
    const { broker, port } = await startBroker({ store })
    const members = [
      await RawClient.connect(port, { ...stays, clientId: 'm1' }),
      await RawClient.connect(port, { ...stays, clientId: 'm2' }),
    ]
    for (const member of members) await member.subscribe('t', 2)
    const a = await RawClient.connect(port, stays)
    a.publish('t', 'one', { qos: 1, packetIdentifier: 1 })
    a.publish('t', 'two', { qos: 2, packetIdentifier: 2 })
    for (const member of members) {
      member.acknowledge(await member.expect('publish'))
      const { packetIdentifier } = await member.expect('publish')
      member.send({ type: 'pubrec', packetIdentifier, reasonCode: 0, properties: undefined })
      await member.expect('pubrel')
      member.send({ type: 'pubcomp', packetIdentifier, reasonCode: 0, properties: undefined })
      await member.settle()
    }
    await a.expect('puback')
    await a.expect('pubrec')
    a.send({ type: 'pubrel', packetIdentifier: 2, reasonCode: 0, properties: undefined })
    await a.expect('pubcomp')
    for (const client of [...members, a]) {
      client.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } })
      await client.closed
    }
    await until(() => broker.stats().sessions === 0)
    await broker.close()
    expect(await store.load()).toEqual({
      sessions: [],
      subscriptions: [],
      queues: [],
      incoming: [],
      retained: [],
      lastMessageId: 0,
    })
  })
})
