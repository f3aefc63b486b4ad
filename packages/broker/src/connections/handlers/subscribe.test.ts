import { FakeClock, RawClient, text } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../../test-support/start-broker.js'

describe('subscribe', () => {
  it('answers each filter with its own code [MQTT-3.8.4-6] [MQTT-3.8.4-7]', async () => {
    const { port } = await startBroker({ limits: { subscriptionsPerClient: 2, topicLevels: 4 } })
    const a = await RawClient.connect(port)
    const requests = ['a', 'a/b/c/d/e', 'b', 'c']
    const suback = await a.subscribe(
      requests.map((filter) => ({ filter })),
      2,
    )
    expect(suback.reasonCodes).toEqual([2, 0x8f, 2, 0x97])
  })

  it('has one failure code before MQTT 5.0 [MQTT-3.9.3-2 of 3.1.1]', async () => {
    const { port } = await startBroker({ limits: { topicLevels: 2 } })
    const a = await RawClient.connect(port, { protocolVersion: 4, clientId: 'a' })
    const { reasonCodes } = await a.subscribe([{ filter: 'b/c/d' }, { filter: 'ok', qos: 1 }])
    expect(reasonCodes).toEqual([0x80, 1])
  })

  it('replaces the subscription of an equal filter [MQTT-3.8.4-3]', async () => {
    const { broker, port } = await startBroker()
    const a = await RawClient.connect(port)
    await a.subscribe('t', 1)
    await a.subscribe('t', 0)
    a.publish('t', 'm', { qos: 1, packetIdentifier: 1 })
    expect(await a.received()).toEqual(['t=m', 'puback'])
    expect(broker.stats().subscriptions).toBe(1)
  })

  it('delivers once at the highest QoS with every identifier where filters overlap [MQTT-3.3.4-2]', async () => {
    const { port } = await startBroker()
    const a = await RawClient.connect(port)
    await a.subscribe('t/+', 0, 5)
    await a.subscribe('t/#', 2, 6)
    await a.subscribe('t/x', 1)
    const b = await RawClient.connect(port)
    b.publish('t/x', 'm', { qos: 2, packetIdentifier: 1 })
    const got = await a.expect('publish')
    expect(text(got)).toBe('t/x=m q2')
    expect([...(got.properties?.subscriptionIdentifiers ?? [])].sort()).toEqual([5, 6])
    expect(await a.received()).toEqual([])
  })

  it('spares a No Local subscriber its own messages, and nobody else [MQTT-3.8.3-3]', async () => {
    const { port } = await startBroker()
    const a = await RawClient.connect(port)
    const b = await RawClient.connect(port)
    await a.subscribe([{ filter: 't', noLocal: true }])
    await b.subscribe('t')
    a.publish('t', 'from a')
    b.publish('t', 'from b')
    expect(text(await b.expect('publish'))).toBe('t=from a')
    expect(text(await b.expect('publish'))).toBe('t=from b')
    expect(await a.received()).toEqual(['t=from b'])
    // An overlapping subscription without No Local still gets them, with its own options.
    await a.subscribe([{ filter: '+', qos: 0 }], 0, 4)
    a.publish('t', 'again')
    const own = await a.expect('publish')
    expect(own.properties?.subscriptionIdentifiers).toEqual([4])
  })

  it('refuses No Local on a shared subscription [MQTT-3.8.3-4]', async () => {
    const { port } = await startBroker()
    const a = await RawClient.connect(port)
    await expect(a.subscribe([{ filter: '$share/g/t', noLocal: true }])).rejects.toThrow('"reasonCode":130')
  })

  it('does not show $ topics to a wildcard in the first level [MQTT-4.7.2-1]', async () => {
    const { port } = await startBroker()
    const a = await RawClient.connect(port)
    await a.subscribe([{ filter: '#' }, { filter: '+/x' }])
    a.publish('$other/x', '1')
    a.publish('plain/x', '2')
    expect(await a.received()).toEqual(['plain/x=2'])
  })

  it('stops at UNSUBSCRIBE and says what there was [MQTT-3.10.4-4] [MQTT-3.11.3-2]', async () => {
    const { broker, port } = await startBroker()
    const a = await RawClient.connect(port)
    await a.subscribe([{ filter: 'a/#' }, { filter: 'b' }])
    a.send({ type: 'unsubscribe', packetIdentifier: 3, filters: ['a/#', 'c'], properties: undefined })
    expect((await a.expect('unsuback')).reasonCodes).toEqual([0, 0x11])
    a.publish('a/1', 'm')
    a.publish('b', 'm')
    expect(await a.received()).toEqual(['b=m'])
    expect(broker.stats().subscriptions).toBe(1)
  })
})

describe('retained messages', () => {
  it('greet a new subscription and are replaced and cleared [MQTT-3.3.1-5] [MQTT-3.3.1-6]', async () => {
    const { broker, port } = await startBroker()
    const a = await RawClient.connect(port)
    a.publish('r/1', 'old', { retain: true })
    a.publish('r/1', 'new', { retain: true })
    a.publish('r/2', 'two', { retain: true, qos: 1, packetIdentifier: 1 })
    a.publish('r/3', 'gone', { retain: true })
    a.publish('r/3', '', { retain: true })
    await a.settle()
    const b = await RawClient.connect(port)
    await b.subscribe('r/+', 1)
    expect((await b.received()).sort()).toEqual(['r/1=new retain', 'r/2=two q1 retain'])
    expect(broker.stats().retainedMessages).toBe(2)
  })

  it('follow Retain Handling [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]', async () => {
    const { port } = await startBroker()
    const a = await RawClient.connect(port)
    a.publish('r', 'x', { retain: true })
    await a.subscribe([{ filter: 'r', retainHandling: 2 }])
    expect(await a.received()).toEqual([])
    await a.subscribe([{ filter: 'r', retainHandling: 1 }])
    expect(await a.received()).toEqual([])
    await a.subscribe([{ filter: 'r', retainHandling: 0 }])
    expect(await a.received()).toEqual(['r=x retain'])
    await a.subscribe([{ filter: '+', retainHandling: 1 }])
    expect(await a.received()).toEqual(['r=x retain'])
    await a.subscribe([{ filter: '$share/g/r', retainHandling: 0 }])
    expect(await a.received()).toEqual([])
  })

  it('keep their flag in flight only for Retain As Published [MQTT-3.3.1-12] [MQTT-3.3.1-13]', async () => {
    const { port } = await startBroker()
    const a = await RawClient.connect(port)
    const b = await RawClient.connect(port)
    await a.subscribe([{ filter: 'r', retainAsPublished: true }])
    await b.subscribe([{ filter: 'r', retainAsPublished: false }])
    b.publish('r', 'x', { retain: true })
    expect(text(await a.expect('publish'))).toBe('r=x retain')
    expect(text(await b.expect('publish'))).toBe('r=x')
  })

  it('expire [MQTT-3.3.2-5]', async () => {
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ clock })
    const a = await RawClient.connect(port)
    a.publish('r/short', 'x', { retain: true, properties: { messageExpiryInterval: 5 } })
    a.publish('r/long', 'y', { retain: true, properties: { messageExpiryInterval: 50 } })
    await a.settle()
    await clock.advance(6_000)
    await a.subscribe('r/#')
    const got = await a.expect('publish')
    expect(text(got)).toBe('r/long=y retain')
    expect(got.properties?.messageExpiryInterval).toBe(44)
    expect(await a.received()).toEqual([])
    expect(broker.stats().retainedMessages).toBe(1)
  })

  it('are bounded: beyond the limit an MQTT 5.0 publisher is told 0x97 [promise 34]', async () => {
    const { broker, port } = await startBroker({ limits: { retainedMessages: 2 } })
    const a = await RawClient.connect(port)
    await a.subscribe('r/#', 1)
    const codes = []
    for (const topic of ['r/1', 'r/2', 'r/3', 'r/1']) {
      a.publish(topic, 'x', { retain: true, qos: 1, packetIdentifier: 1 })
      const packets = await a.settle()
      codes.push(packets.map((packet) => (packet.type === 'puback' ? packet.reasonCode : '')).join(''))
    }
    expect(codes).toEqual(['0', '0', '151', '0'])
    expect(broker.stats().retainedRefused).toBe(1)
  })
})
