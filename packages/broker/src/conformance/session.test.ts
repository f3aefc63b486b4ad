import { FakeClock, RawClient, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../test-support/start-broker.js'

/** A session that outlives its connection, in the way of each version. */
function lasting(version: 4 | 5, clientId = 's') {
  const properties = version === 5 ? { sessionExpiryInterval: 1000 } : undefined
  return { protocolVersion: version, clientId, cleanStart: false, properties } as const
}

describe.each([4, 5] as const)('a session of version %i', (version) => {
  it('is made where there is none, and gone on with where there is one [MQTT-3.1.2-5] [MQTT-3.1.2-6] [MQTT-3.1.4-4] [MQTT-3.2.2-3] [MQTT-3.1.2-4 of 3.1.1] [MQTT-3.1.4-3 of 3.1.1] [MQTT-3.2.2-2 of 3.1.1] [MQTT-3.2.2-3 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const first = await RawClient.open(port, version)
    const made = await first.handshake(lasting(version))
    expect(made).toMatchObject({ sessionPresent: false, reasonCode: 0 })
    await first.subscribe('t')
    await first.vanish()
    const second = await RawClient.open(port, version)
    const resumed = await second.handshake(lasting(version))
    expect(resumed).toMatchObject({ sessionPresent: true, reasonCode: 0 })
    second.publish('t', 'm')
    expect(await second.received()).toEqual(['t=m'])
  })

  it('keeps QoS 1 and 2 that come while it is away, in their order [MQTT-3.1.2-23] [MQTT-4.5.0-1] [MQTT-3.1.2-5 of 3.1.1] [MQTT-4.1.0-1 of 3.1.1] [MQTT-4.5.0-1 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const s = await RawClient.connect(port, lasting(version))
    await s.subscribe('t', 2)
    await s.vanish()
    const publisher = await RawClient.connect(port)
    await publisher.publishOnce('t', '1')
    publisher.publish('t', '2', { qos: 2, packetIdentifier: 1 })
    await publisher.expect('pubrec')
    await publisher.publishOnce('t', '3')
    const back = await RawClient.connect(port, lasting(version))
    expect(await back.received()).toEqual(['t=1 q1', 't=2 q2', 't=3 q1'])
  })

  it('is discarded by a clean start, with its subscriptions and its messages [MQTT-3.1.2-4] [MQTT-3.2.2-2] [MQTT-3.1.2-6 of 3.1.1] [MQTT-3.2.2-1 of 3.1.1]', async () => {
    const { broker, port } = await startBroker()
    const s = await RawClient.connect(port, lasting(version))
    await s.subscribe('t', 1)
    await s.vanish()
    const publisher = await RawClient.connect(port)
    await publisher.publishOnce('t', 'm')
    const clean = await RawClient.open(port, version)
    const accepted = await clean.handshake({ ...lasting(version), cleanStart: true })
    expect(accepted).toMatchObject({ sessionPresent: false, reasonCode: 0 })
    clean.publish('t', 'again')
    expect(await clean.settle()).toEqual([])
    expect(broker.stats()).toMatchObject({ subscriptions: 0, queuedMessages: 0 })
  })

  it('that began clean and does not last is never gone on with [MQTT-3.1.2-6 of 3.1.1] [MQTT-4.1.0-2]', async () => {
    const { broker, port } = await startBroker()
    const clean = { protocolVersion: version, clientId: 's', cleanStart: true }
    const s = await RawClient.connect(port, clean)
    await s.subscribe('t', 1)
    await s.vanish()
    await until(() => broker.stats().sessions === 0)
    const after = await RawClient.open(port, version)
    expect((await after.handshake({ ...clean, cleanStart: false })).sessionPresent).toBe(false)
    after.publish('t', 'm')
    expect(await after.settle()).toEqual([])
  })

  it('is known by its client identifier, whatever else differs [MQTT-3.1.3-2] [MQTT-3.1.3-2 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const one = await RawClient.connect(port, lasting(version, 'one'))
    await one.subscribe('t')
    await one.vanish()
    const two = await RawClient.open(port, version)
    expect((await two.handshake(lasting(version, 'two'))).sessionPresent).toBe(false)
    const cased = await RawClient.open(port, version)
    expect((await cased.handshake(lasting(version, 'ONE'))).sessionPresent).toBe(false)
    const again = await RawClient.open(port, version)
    expect((await again.handshake({ ...lasting(version, 'one'), keepAlive: 9 })).sessionPresent).toBe(true)
  })

  it('takes the connection from the one that had it [MQTT-3.1.4-3] [MQTT-3.1.4-2 of 3.1.1]', async () => {
    const { broker, port } = await startBroker()
    const former = await RawClient.connect(port, lasting(version))
    const latter = await RawClient.connect(port, lasting(version))
    if (version === 5) expect((await former.expect('disconnect')).reasonCode).toBe(0x8e)
    expect(await former.next()).toBeUndefined()
    await former.closed
    expect(await latter.settle()).toEqual([])
    expect(broker.stats().connections).toBe(1)
  })

  it('is not discarded while it is connected, however long that is [MQTT-4.1.0-1] [MQTT-4.1.0-2 of 3.1.1]', async () => {
    const clock = new FakeClock()
    const { port } = await startBroker({ clock, limits: { sessionExpirySeconds: 100 } })
    const s = await RawClient.connect(port, lasting(version))
    await s.subscribe('t')
    await clock.advance(10_000_000)
    s.publish('t', 'm')
    expect(await s.received()).toEqual(['t=m'])
  })

  it('ends with what it retained still there for others [MQTT-3.1.2-7 of 3.1.1]', async () => {
    const { broker, port } = await startBroker()
    const s = await RawClient.connect(port, lasting(version))
    await s.publishOnce('t', 'kept', { retain: true })
    await s.leave()
    await (await RawClient.connect(port, { ...lasting(version), cleanStart: true })).leave()
    const late = await RawClient.connect(port)
    await late.subscribe('t', 1)
    expect(text(await late.expect('publish'))).toBe('t=kept q1 retain')
    expect(broker.stats().retainedMessages).toBe(1)
  })
})

describe('a session of version 5', () => {
  it('is discarded when its expiry has passed since the connection, and not before [MQTT-3.1.2-23] [MQTT-4.1.0-2]', async () => {
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ clock })
    await (await RawClient.connect(port, lasting(5))).vanish()
    await until(() => broker.stats().connections === 0)
    await clock.advance(999_999)
    expect(broker.stats().sessions).toBe(1)
    await clock.advance(1)
    expect(broker.stats().sessions).toBe(0)
    const late = await RawClient.open(port)
    expect((await late.handshake(lasting(5))).sessionPresent).toBe(false)
  })

  it('may change its version on the way, and nothing is lost [MQTT-3.1.2-5]', async () => {
    const { port } = await startBroker()
    const four = await RawClient.connect(port, lasting(4))
    await four.subscribe('t', 1)
    await four.vanish()
    const publisher = await RawClient.connect(port)
    await publisher.publishOnce('t', 'm', { properties: { contentType: 'x' } })
    const five = await RawClient.connect(port, lasting(5))
    const publish = await five.expect('publish')
    expect([text(publish), publish.properties?.contentType]).toEqual(['t=m q1', 'x'])
  })
})
