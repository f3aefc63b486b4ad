import { FakeClock, RawClient, text } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../../test-support/start-broker.js'

describe('publish', () => {
  for (const protocolVersion of [3, 4, 5] as const) {
    it(`reaches its subscriber and nobody else, version ${protocolVersion} [MQTT-3.3.4-1]`, async () => {
      const { port } = await startBroker()
      const a = await RawClient.connect(port, { protocolVersion, clientId: 'a' })
      const b = await RawClient.connect(port, { protocolVersion, clientId: 'b' })
      const c = await RawClient.connect(port, { protocolVersion, clientId: 'c' })
      await b.subscribe('x/+')
      await c.subscribe('y/#')
      a.publish('x/1', 'hello')
      expect(text(await b.expect('publish'))).toBe('x/1=hello')
      expect(await c.received()).toEqual([])
    })
  }

  it('keeps the order of 2000 messages of QoS 0 and 1 [MQTT-4.6.0-5]', async () => {
    const { port } = await startBroker()
    const a = await RawClient.connect(port)
    const b = await RawClient.connect(port)
    await b.subscribe('t', 1)
    const expected: string[] = []
    for (let i = 0; i < 1000; i++) {
      a.publish('t', String(i))
      a.publish('t', String(i), { qos: 1, packetIdentifier: 1 + i })
      expected.push(String(i))
    }
    const got: [string[], string[]] = [[], []]
    for (let i = 0; i < 2000; i++) {
      const publish = await b.expect('publish')
      got[publish.qos as 0 | 1].push(Buffer.from(publish.payload).toString())
      if (publish.qos === 1) b.acknowledge(publish)
    }
    expect(got).toEqual([expected, expected])
  })

  it('tells an MQTT 5.0 publisher that nobody subscribed, for QoS 1 and 2 [promise 28]', async () => {
    const { port } = await startBroker()
    const a = await RawClient.connect(port)
    expect(await a.publishOnce('lonely', 'x')).toBe(0x10)
    a.publish('lonely', 'x', { qos: 2, packetIdentifier: 9 })
    expect((await a.expect('pubrec')).reasonCode).toBe(0x10)
    await a.subscribe('lonely')
    expect(await a.publishOnce('other', 'x')).toBe(0x10)
  })

  it('lowers the QoS to what the subscriber asked for [MQTT-3.8.4-8]', async () => {
    const { port } = await startBroker()
    const a = await RawClient.connect(port)
    const b = await RawClient.connect(port)
    await b.subscribe([
      { filter: 'zero', qos: 0 },
      { filter: 'one', qos: 1 },
    ])
    a.publish('zero', 'm', { qos: 1, packetIdentifier: 1 })
    a.publish('one', 'm', { qos: 2, packetIdentifier: 2 })
    expect(text(await b.expect('publish'))).toBe('zero=m')
    expect(text(await b.expect('publish'))).toBe('one=m q1')
  })

  it('delivers QoS 2 once, however often it is sent again [MQTT-4.3.3-10]', async () => {
    const { port } = await startBroker()
    const a = await RawClient.connect(port, { clientId: 'a', properties: { sessionExpiryInterval: 60 } })
    const b = await RawClient.connect(port)
    await b.subscribe('t', 0)
    a.publish('t', 'once', { qos: 2, packetIdentifier: 5 })
    await a.expect('pubrec')
    a.publish('t', 'once', { qos: 2, packetIdentifier: 5, dup: true })
    expect((await a.expect('pubrec')).reasonCode).toBe(0)
    await a.vanish()
    const again = await RawClient.open(port)
    const properties = { sessionExpiryInterval: 60 }
    const connack = await again.handshake({ clientId: 'a', cleanStart: false, properties })
    expect(connack.sessionPresent).toBe(true)
    again.publish('t', 'once', { qos: 2, packetIdentifier: 5, dup: true })
    await again.expect('pubrec')
    again.send({ type: 'pubrel', packetIdentifier: 5, reasonCode: 0, properties: undefined })
    expect((await again.expect('pubcomp')).reasonCode).toBe(0)
    again.send({ type: 'pubrel', packetIdentifier: 5, reasonCode: 0, properties: undefined })
    expect((await again.expect('pubcomp')).reasonCode).toBe(0)
    expect(await b.received()).toEqual(['t=once'])
  })

  it('passes on every property but the topic alias [MQTT-3.3.2-7] [MQTT-3.3.2-17]', async () => {
    const { port } = await startBroker()
    const a = await RawClient.connect(port)
    const b = await RawClient.connect(port)
    await b.subscribe('t', 1)
    const properties = {
      payloadFormatIndicator: 1,
      contentType: 'text/plain',
      responseTopic: 'answers',
      correlationData: new Uint8Array([1, 2, 3]),
      userProperties: [
        ['k', '1'],
        ['k', '2'],
      ],
    } as const
    a.publish('t', 'm', { qos: 1, packetIdentifier: 1, properties: { ...properties, topicAlias: 3 } })
    a.publish('', 'n', { properties: { topicAlias: 3 } })
    const got = (await b.expect('publish')).properties
    expect(got?.topicAlias).toBeUndefined()
    expect({ ...got, correlationData: new Uint8Array(got?.correlationData ?? []) }).toMatchObject(properties)
    expect(text(await b.expect('publish'))).toBe('t=n')
  })

  it('gives an earlier version the message without its properties', async () => {
    const { port } = await startBroker()
    const a = await RawClient.connect(port)
    const b = await RawClient.connect(port, { protocolVersion: 4, clientId: 'b' })
    const c = await RawClient.connect(port)
    await b.subscribe('t', 1)
    await c.subscribe('t', 1, 9)
    a.publish('t', 'm', { qos: 1, packetIdentifier: 1, properties: { contentType: 'x' } })
    expect(text(await b.expect('publish'))).toBe('t=m q1')
    const got = await c.expect('publish')
    expect(got.properties?.subscriptionIdentifiers).toEqual([9])
    expect(got.properties?.contentType).toBe('x')
  })

  it('counts message expiry down while it is queued, and drops what expired [MQTT-3.3.2-5] [MQTT-3.3.2-6]', async () => {
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ clock })
    const stays = { clientId: 'b', properties: { sessionExpiryInterval: 600 } }
    const b = await RawClient.connect(port, stays)
    await b.subscribe('t', 1)
    await b.leave()
    const a = await RawClient.connect(port)
    await a.publishOnce('t', 'short', { properties: { messageExpiryInterval: 10 } })
    await a.publishOnce('t', 'long', { properties: { messageExpiryInterval: 30 } })
    await clock.advance(12_000)
    const again = await RawClient.connect(port, { ...stays, cleanStart: false })
    const got = await again.expect('publish')
    expect(text(got)).toBe('t=long q1')
    expect(got.properties?.messageExpiryInterval).toBe(18)
    expect(broker.stats().droppedExpired).toBe(1)
  })

  it('carries a payload of several megabytes unchanged', async () => {
    const { port } = await startBroker()
    const a = await RawClient.connect(port)
    const b = await RawClient.connect(port)
    await b.subscribe('big', 1)
    const payload = Buffer.alloc(5_000_000, 'abcdefg')
    for (const qos of [0, 1] as const) {
      a.publish('big', '', { payload, qos, packetIdentifier: qos })
      const got = await b.expect('publish')
      expect(Buffer.compare(Buffer.from(got.payload), payload)).toBe(0)
    }
  })
})
