import type { ConnectProperties, Publish, PublishProperties } from '@jamey/protocol'
import { FakeClock, publishPacket, RawClient, text } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../test-support/start-broker.js'

/** What a subscriber of version 5.0 gets of a PUBLISH with `properties`. */
async function forwarded(properties: PublishProperties, qos: 0 | 1 = 0) {
  const { port } = await startBroker()
  const client = await RawClient.connect(port)
  await client.subscribe('t', qos)
  client.publish('t', 'm', { qos, packetIdentifier: qos, properties })
  return (await client.expect('publish')).properties
}

describe('a message is forwarded with', () => {
  it.each([0, 1] as const)('Payload Format Indicator %i [MQTT-3.3.2-4]', async (payloadFormatIndicator) => {
    expect(await forwarded({ payloadFormatIndicator })).toEqual({ payloadFormatIndicator })
  })

  it('its Response Topic [MQTT-3.3.2-15]', async () => {
    const responseTopic = 'ant/wort/ü/\ufeff'
    expect(await forwarded({ responseTopic })).toEqual({ responseTopic })
  })

  it('its Correlation Data [MQTT-3.3.2-16]', async () => {
    const correlationData = Uint8Array.from({ length: 256 }, (_, i) => i)
    expect(await forwarded({ correlationData })).toEqual({ correlationData })
    expect(await forwarded({ correlationData: new Uint8Array(0) }, 1)).toEqual({
      correlationData: new Uint8Array(0),
    })
  })

  it('all its User Properties in their order, equal names too [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-1.5.7-1]', async () => {
    const userProperties = [
      ['z', '1'],
      ['a', ''],
      ['', 'empty'],
      ['z', '2'],
      ['ü😀', '\ufeff'],
      ['z', '1'],
    ] as const
    expect(await forwarded({ userProperties })).toEqual({ userProperties })
  })

  it('its Content Type [MQTT-3.3.2-20]', async () => {
    expect(await forwarded({ contentType: 'text/ünknown' })).toEqual({ contentType: 'text/ünknown' })
  })

  it('what is left of its expiry, retained or queued [MQTT-3.3.2-6]', async () => {
    const clock = new FakeClock()
    const { port } = await startBroker({ clock })
    const stays = { clientId: 's', cleanStart: false, properties: { sessionExpiryInterval: 1000 } }
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 1)
    await s.leave()
    const publisher = await RawClient.connect(port)
    const properties = { messageExpiryInterval: 60 }
    await publisher.publishOnce('t', 'm', { properties, retain: true })
    await clock.advance(25_000)
    const back = await RawClient.connect(port, stays)
    expect((await back.expect('publish')).properties).toEqual({ messageExpiryInterval: 35 })
    await publisher.subscribe('t')
    expect((await publisher.expect('publish')).properties).toEqual({ messageExpiryInterval: 35 })
  })

  it('its topic as it is, a byte order mark and all [MQTT-1.5.4-3] [MQTT-4.7.3-4] [MQTT-1.5.3-3 of 3.1.1] [MQTT-4.7.3-4 of 3.1.1]', async () => {
    const { port } = await startBroker()
    for (const protocolVersion of [4, 5] as const) {
      const client = await RawClient.connect(port, { protocolVersion, clientId: `c${protocolVersion}` })
      await client.subscribe('#')
      // A precomposed and a decomposed letter, white space, dots and an unassigned character are all themselves.
      for (const topic of ['\ufefft', '\u00e9', 'e\u0301', ' a / b ', 'a/../b', 'A/./B', '//', '\u0378']) {
        client.publish(topic, 'm')
        expect(text(await client.expect('publish'))).toBe(`${topic}=m`)
      }
      await client.leave()
    }
  })
})

describe('a topic', () => {
  it('is not matched by a filter that differs in the least [MQTT-3.3.2-3] [MQTT-4.7.3-4] [MQTT-3.3.2-3 of 3.1.1] [MQTT-4.7.3-4 of 3.1.1] [MQTT-1.5.4-3] [MQTT-1.5.3-3 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port)
    const filters = ['T', 't ', '\ufefft', '/t', 't/', 't/+', '+/t', 'x/#', 'tt', 'e\u0301/x']
    await client.subscribe(filters.map((filter) => ({ filter })))
    for (const topic of ['t', '\u00e9/x']) client.publish(topic, 'm')
    expect(await client.settle()).toEqual([])
    client.publish('t/', 'm')
    const got = (await client.settle()).map((packet) => packet.type === 'publish' && packet.topic)
    expect(got).toEqual(['t/'])
  })

  it('may have 65535 bytes, and one of as many levels as are allowed is matched [MQTT-4.7.3-3] [MQTT-4.7.3-3 of 3.1.1]', async () => {
    const { port } = await startBroker()
    for (const protocolVersion of [4, 5] as const) {
      const client = await RawClient.connect(port, { protocolVersion, clientId: 'c' })
      const topic = 'x'.repeat(65_535)
      expect((await client.subscribe(topic)).reasonCodes).toEqual([0])
      client.publish(topic, 'm')
      expect((await client.expect('publish')).topic).toBe(topic)
      await client.leave()
    }
  })

  it('with $ in front is not for a filter that begins with a wildcard [MQTT-4.7.2-1] [MQTT-4.7.2-1 of 3.1.1]', async () => {
    for (const protocolVersion of [4, 5] as const) {
      const { port } = await startBroker()
      const client = await RawClient.connect(port, { protocolVersion, clientId: 'c' })
      await client.subscribe(['#', '+/x', '+/#', '$a/#', '$a/+'].map((filter) => ({ filter, qos: 1 })))
      client.publish('$a/x', 'kept', { retain: true })
      expect(await client.received()).toEqual(['$a/x=kept'])
      const late = await RawClient.connect(port, { protocolVersion, clientId: 'late' })
      await late.subscribe(['#', '+/x', '+/#'].map((filter) => ({ filter })))
      expect(await late.settle()).toEqual([])
      await late.subscribe('$a/#')
      expect(await late.received()).toEqual(['$a/x=kept retain'])
    }
  })
})

describe('a topic alias', () => {
  it('may be any up to the maximum, set again and again [MQTT-3.3.2-12] [MQTT-3.2.2-17]', async () => {
    const { port } = await startBroker({ limits: { topicAliases: 5 } })
    const client = await RawClient.open(port)
    expect((await client.handshake()).properties?.topicAliasMaximum).toBe(5)
    await client.subscribe('#')
    for (const topicAlias of [1, 2, 3, 4, 5])
      client.publish(`t${topicAlias}`, 'set', { properties: { topicAlias } })
    client.publish('other', 'set', { properties: { topicAlias: 3 } })
    for (const topicAlias of [5, 3, 1]) client.publish('', 'used', { properties: { topicAlias } })
    const got = (await client.received()).slice(-3)
    expect(got).toEqual(['t5=used', 'other=used', 't1=used'])
  })

  it('ends with its connection, and is no property of what is forwarded [MQTT-3.3.2-7]', async () => {
    const { port } = await startBroker()
    const connect = { clientId: 'c', cleanStart: false, properties: { sessionExpiryInterval: 100 } }
    const first = await RawClient.connect(port, connect)
    await first.subscribe('t')
    first.publish('t', 'm', { properties: { topicAlias: 1 } })
    expect((await first.expect('publish')).properties).toBeUndefined()
    await first.vanish()
    const second = await RawClient.connect(port, connect)
    second.publish('', 'm', { properties: { topicAlias: 1 } })
    expect((await second.expect('disconnect')).reasonCode).toBe(0x82)
  })

  it('is refused by a server that announced none [MQTT-3.2.2-18]', async () => {
    const { port } = await startBroker({ limits: { topicAliases: 0 } })
    const client = await RawClient.open(port)
    expect((await client.handshake()).properties?.topicAliasMaximum).toBeUndefined()
    client.send(publishPacket('t', 'm', { properties: { topicAlias: 1 } }))
    expect((await client.expect('disconnect')).reasonCode).toBe(0x94)
  })
})

describe("a topic alias of the server's", () => {
  const LONG = 'a/topic/that/is/long'

  /** Topics of a client that has subscribed to all, with the aliases they came with. */
  async function reader(port: number, topicAliasMaximum: number | undefined, more: ConnectProperties = {}) {
    const client = await RawClient.open(port)
    await client.handshake({ clientId: 'reader', properties: { topicAliasMaximum, ...more } })
    await client.subscribe('#', 1)
    const topics = async (): Promise<string[]> =>
      (await client.settle()).map((packet) => {
        const { topic, properties } = packet as Publish
        return `${topic} ${properties?.topicAlias ?? '-'}`
      })
    return { client, topics }
  }

  it('is given with the first message and used from then on, up to the maximum [MQTT-3.1.2-26]', async () => {
    const { port } = await startBroker()
    const { topics } = await reader(port, 2)
    const sender = await RawClient.connect(port)
    for (const end of [1, 2, 3, 1, 2, 3]) sender.publish(`${LONG}/${end}`, 'm')
    sender.publish('short', 'm')
    expect(await topics()).toEqual([
      `${LONG}/1 1`,
      `${LONG}/2 2`,
      `${LONG}/3 -`,
      ' 1',
      ' 2',
      `${LONG}/3 -`,
      'short -',
    ])
  })

  it('is bounded by the server, too [MQTT-3.1.2-26]', async () => {
    const { port } = await startBroker({ limits: { outboundTopicAliases: 1 } })
    const { topics } = await reader(port, 65_535)
    const sender = await RawClient.connect(port)
    for (const end of [1, 2, 1, 2]) sender.publish(`${LONG}/${end}`, 'm')
    expect(await topics()).toEqual([`${LONG}/1 1`, `${LONG}/2 -`, ' 1', `${LONG}/2 -`])
  })

  it.each([undefined, 0])('is not sent to a client whose maximum is %s [MQTT-3.1.2-27]', async (maximum) => {
    const { port } = await startBroker()
    const { topics } = await reader(port, maximum)
    const sender = await RawClient.connect(port)
    for (const payload of ['a', 'b']) sender.publish(LONG, payload, { properties: { contentType: 'text' } })
    expect(await topics()).toEqual([`${LONG} -`, `${LONG} -`])
  })

  it('stands beside the other properties, and ends with its connection [MQTT-3.3.2-7]', async () => {
    const { port } = await startBroker()
    const connect = {
      clientId: 'c',
      cleanStart: false,
      properties: { sessionExpiryInterval: 100, topicAliasMaximum: 1 },
    }
    const sender = await RawClient.connect(port)
    const first = await RawClient.connect(port, connect)
    await first.subscribe(LONG, 1)
    for (const packetIdentifier of [1, 2])
      sender.publish(LONG, 'm', { qos: 1, packetIdentifier, properties: { contentType: 'text' } })
    expect((await first.expect('publish')).properties).toMatchObject({ topicAlias: 1, contentType: 'text' })
    expect(await first.expect('publish')).toMatchObject({ topic: '', properties: { contentType: 'text' } })
    await first.vanish()
    const second = await RawClient.connect(port, connect)
    const again = [await second.expect('publish'), await second.expect('publish')]
    expect(again.map(({ topic, dup }) => [topic, dup])).toEqual([
      [LONG, true],
      ['', true],
    ])
  })

  it('is not given where that would make the packet too large [MQTT-3.1.2-24]', async () => {
    const { port } = await startBroker()
    // Fixed header 2, topic 2 + 20, property length 1, payload 75: with the alias 103 bytes.
    const { topics } = await reader(port, 5, { maximumPacketSize: 100 })
    const sender = await RawClient.connect(port)
    sender.publish(LONG, 'x'.repeat(75))
    sender.publish(LONG, 'x'.repeat(70))
    sender.publish(LONG, 'x'.repeat(75))
    expect(await topics()).toEqual([`${LONG} -`, `${LONG} 1`, ' 1'])
  })

  it('is no part of bytes that several clients get', async () => {
    const { port } = await startBroker()
    const { topics } = await reader(port, 5)
    const other = await RawClient.connect(port, { clientId: 'other' })
    await other.subscribe('#', 1)
    const sender = await RawClient.connect(port)
    sender.publish(LONG, 'm')
    expect(await topics()).toEqual([`${LONG} -`])
  })
})
