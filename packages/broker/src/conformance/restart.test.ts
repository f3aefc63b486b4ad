import { FakeClock, RawClient, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { MemoryBrokerStore } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

const stays = { clientId: 's', cleanStart: false, properties: { sessionExpiryInterval: 10_000 } }

/** A broker that dies after `before` and lives again: without `close`, as a crash leaves things, or with it. */
describe.each(['closed', 'killed'] as const)('a broker that was %s', (how) => {
  async function live() {
    const store = new MemoryBrokerStore()
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ store, clock })
    const next = async () => {
      if (how === 'closed') {
        const closed = broker.close({ graceMs: 50 })
        // Who has not acknowledged everything is waited for.
        await clock.advance(50)
        await closed
      }
      const again = await startBroker({ store, clock })
      await clock.advance(0)
      return again
    }
    return { broker, clock, port, next }
  }

  it('says DUP for what it sent before, and for nothing else [MQTT-3.3.1-1] [MQTT-3.3.1-3] [MQTT-4.3.2-2]', async () => {
    const { broker, port, next } = await live()
    const s = await RawClient.connect(port, {
      ...stays,
      properties: { ...stays.properties, receiveMaximum: 2 },
    })
    await s.subscribe('t', 1)
    const publisher = await RawClient.connect(port)
    for (const payload of ['1', '2', '3']) await publisher.publishOnce('t', payload)
    expect(await s.received()).toEqual(['t=1 q1', 't=2 q1'])
    await s.vanish()
    await until(() => broker.stats().connections === 1)
    await publisher.publishOnce('t', '4')
    const again = await next()
    const back = await RawClient.connect(again.port, stays)
    expect(await back.received()).toEqual(['t=1 q1 dup', 't=2 q1 dup', 't=3 q1', 't=4 q1'])
  })

  it('says DUP for nothing in the place of what another member of a group took over [MQTT-3.3.1-1]', async () => {
    const { broker, port, next } = await live()
    const s = await RawClient.connect(port, stays)
    await s.subscribe([
      { filter: '$share/g/shared', qos: 1 },
      { filter: 't', qos: 1 },
    ])
    const publisher = await RawClient.connect(port)
    for (const payload of ['1', '2']) await publisher.publishOnce('shared', payload)
    expect(await s.received()).toEqual(['shared=1 q1', 'shared=2 q1'])
    await s.vanish()
    await until(() => broker.stats().connections === 1)
    for (const payload of ['3', '4']) await publisher.publishOnce('t', payload)
    const member = await RawClient.connect(port, { clientId: 'member' })
    await member.subscribe('$share/g/shared', 1)
    for (const payload of ['1', '2']) {
      const publish = await member.expect('publish')
      expect(text(publish)).toBe(`shared=${payload} q1`)
      member.acknowledge(publish)
    }
    await member.settle()
    const again = await next()
    const back = await RawClient.connect(again.port, stays)
    expect(await back.received()).toEqual(['t=3 q1', 't=4 q1'])
  })

  it('says DUP for all that a new connection with a larger window was sent [MQTT-3.3.1-1] [MQTT-4.4.0-1]', async () => {
    const { port, next } = await live()
    const small = await RawClient.connect(port, {
      ...stays,
      properties: { ...stays.properties, receiveMaximum: 1 },
    })
    await small.subscribe('t', 1)
    await small.vanish()
    const s = await RawClient.connect(port, stays)
    const publisher = await RawClient.connect(port)
    for (const payload of ['1', '2', '3']) await publisher.publishOnce('t', payload)
    const sent = (await s.settle()).map((packet) => 'packetIdentifier' in packet && packet.packetIdentifier)
    const again = await next()
    const back = await RawClient.connect(again.port, stays)
    const packets = await back.settle()
    expect(packets.map((packet) => 'packetIdentifier' in packet && packet.packetIdentifier)).toEqual(sent)
    expect(packets.map((packet) => packet.type === 'publish' && packet.dup)).toEqual([true, true, true])
  })

  it('drops what expired and was never sent [MQTT-3.3.2-5]', async () => {
    const { broker, clock, port, next } = await live()
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 1)
    await s.vanish()
    await until(() => broker.stats().connections === 0)
    const publisher = await RawClient.connect(port)
    await publisher.publishOnce('t', 'm', { properties: { messageExpiryInterval: 10 }, retain: true })
    const again = await next()
    await clock.advance(10_000)
    const back = await RawClient.connect(again.port, stays)
    expect(await back.settle()).toEqual([])
    await back.subscribe('+', 1)
    expect(await back.settle()).toEqual([])
  })

  it('publishes a will that was due once, not in each of its lives [MQTT-3.1.2-10]', async () => {
    const { broker, clock, port, next } = await live()
    const watcher = await RawClient.connect(port, { ...stays, clientId: 'watcher' })
    await watcher.subscribe('w', 1)
    const payload = Buffer.from('gone')
    const properties = { willDelayInterval: 5 }
    const will = { topic: 'w', payload, qos: 1, retain: false, properties } as const
    await (await RawClient.connect(port, { ...stays, will })).vanish()
    await until(() => broker.stats().connections === 1)
    await clock.advance(5_000)
    const publish = await watcher.expect('publish')
    expect(text(publish)).toBe('w=gone q1')
    watcher.acknowledge(publish)
    await watcher.settle()
    const again = await next()
    await clock.advance(60_000)
    expect(again.broker.stats().willsPublished).toBe(0)
    const back = await RawClient.connect(again.port, { ...stays, clientId: 'watcher' })
    expect(await back.settle()).toEqual([])
  })

  it('answers PUBREL of what it had released before with success, where the session survived [MQTT-4.4.0-1]', async () => {
    const { broker, port, next } = await live()
    const publisher = await RawClient.connect(port, stays)
    publisher.publish('t', 'm', { qos: 2, packetIdentifier: 5 })
    await publisher.expect('pubrec')
    const pubrel = { type: 'pubrel', packetIdentifier: 5, reasonCode: 0, properties: undefined } as const
    publisher.send(pubrel)
    expect((await publisher.expect('pubcomp')).reasonCode).toBe(0)
    await publisher.vanish()
    await until(() => broker.stats().connections === 0)
    const again = await next()
    const back = await RawClient.connect(again.port, stays)
    back.send(pubrel)
    expect((await back.expect('pubcomp')).reasonCode).toBe(0)
    // A session that is new knows of nothing.
    const other = await RawClient.connect(again.port, { ...stays, clientId: 'other' })
    other.send(pubrel)
    expect((await other.expect('pubcomp')).reasonCode).toBe(0x92)
  })
})
