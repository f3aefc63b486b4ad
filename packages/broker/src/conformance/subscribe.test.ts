import { RawClient, text } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../test-support/start-broker.js'

/** SUBSCRIBE and UNSUBSCRIBE of these filters each end a connection, and nothing of them is done. [MQTT-4.13.1-1] */
async function assertEnds(port: number, version: 4 | 5, filters: readonly string[]): Promise<void> {
  const rest = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  const named = { packetIdentifier: 1, properties: undefined } as const
  for (const packet of [
    { type: 'subscribe', subscriptions: filters.map((filter) => ({ filter, ...rest })), ...named },
    { type: 'unsubscribe', filters, ...named },
  ] as const) {
    const client = await RawClient.connect(port, { protocolVersion: version, clientId: 'ends' })
    client.send(packet)
    if (version === 5) expect(await client.expect('disconnect')).toMatchObject({ reasonCode: 0x81 })
    expect(await client.next()).toBeUndefined()
  }
}

describe.each([4, 5] as const)('SUBSCRIBE of version %i', (version) => {
  const named = (clientId: string) => ({ protocolVersion: version, clientId })

  it('is answered with SUBACK of its identifier, a code for each filter in their order [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-2.2.1-6] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] [MQTT-3.8.4-1 of 3.1.1] [MQTT-3.8.4-2 of 3.1.1] [MQTT-2.3.1-7 of 3.1.1] [MQTT-3.8.4-5 of 3.1.1] [MQTT-3.9.3-1 of 3.1.1]', async () => {
    const { port } = await startBroker({ limits: { topicLevels: 2 } })
    const client = await RawClient.connect(port, named('c'))
    const rest = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    const subscriptions = [
      { filter: 'a', qos: 2, ...rest },
      { filter: 'b/c/d', qos: 1, ...rest },
      { filter: 'c', qos: 0, ...rest },
      { filter: 'd/#', qos: 1, ...rest },
    ] as const
    for (const packetIdentifier of [1, 0x0102, 65_535]) {
      client.send({ type: 'subscribe', packetIdentifier, subscriptions, properties: undefined })
      const suback = await client.expect('suback')
      const reasonCodes = [2, version === 5 ? 0x8f : 0x80, 0, 1]
      expect(suback).toMatchObject({ packetIdentifier, reasonCodes })
    }
    expect(await client.settle()).toEqual([])
  })

  it('of several filters is as several of one [MQTT-3.8.4-5] [MQTT-3.8.4-4 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const together = await RawClient.connect(port, named('together'))
    const apart = await RawClient.connect(port, named('apart'))
    const publisher = await RawClient.connect(port)
    await publisher.publishOnce('a', 'kept', { retain: true })
    const filters = [
      { filter: 'a', qos: 1 },
      { filter: '+', qos: 2 },
      { filter: 'a/#', qos: 0 },
    ] as const
    const codes: number[] = []
    const one: string[] = []
    expect((await together.subscribe([...filters])).reasonCodes).toEqual([1, 2, 0])
    for (const filter of filters) {
      codes.push(...(await apart.subscribe([filter])).reasonCodes)
      one.push(...(await apart.received()))
    }
    expect(codes).toEqual([1, 2, 0])
    for (const [n, topic] of ['a', 'b', 'a/b', 'a/b/c'].entries())
      publisher.publish(topic, 'm', { qos: 2, packetIdentifier: 1 + n })
    await publisher.settle()
    const got = (await together.received()).sort()
    expect(got).toEqual([...one, ...(await apart.received())].sort())
    expect(got.filter((entry) => entry === 'a=kept q1 retain')).toHaveLength(2)
    expect(got).toHaveLength(7)
  })

  it('replaces the subscription of an equal filter, and loses nothing meanwhile [MQTT-3.8.4-3] [MQTT-3.8.4-4] [MQTT-3.8.4-3 of 3.1.1]', async () => {
    const { broker, port } = await startBroker()
    const client = await RawClient.connect(port, named('c'))
    await client.subscribe('t', 2)
    const publisher = await RawClient.connect(port)
    const rounds = 50
    let codes = 0
    for (let n = 0; n < rounds; n++) {
      publisher.publish('t', `${n}`, { qos: 1, packetIdentifier: n + 1 })
      const request = {
        filter: 't',
        qos: (n % 3) as 0 | 1 | 2,
        noLocal: false,
        retainAsPublished: false,
      } as const
      const subscriptions = [{ ...request, retainHandling: 0 }] as const
      client.send({ type: 'subscribe', packetIdentifier: n + 1, subscriptions, properties: undefined })
    }
    await publisher.settle()
    const payloads: number[] = []
    for (const packet of await client.settle()) {
      if (packet.type === 'suback') codes++
      else if (packet.type === 'publish') payloads.push(Number(Buffer.from(packet.payload).toString()))
    }
    expect(codes).toBe(rounds)
    expect(payloads).toEqual(Array.from({ length: rounds }, (_, n) => n))
    expect(broker.stats().subscriptions).toBe(1)
    // The last one asked for QoS 1.
    publisher.publish('t', 'm', { qos: 2, packetIdentifier: 99 })
    await publisher.settle()
    expect(await client.received()).toEqual(['t=m q1'])
  })

  it('gets each message at the lower of the published and the granted QoS [MQTT-3.8.4-8] [MQTT-3.8.4-6 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const publisher = await RawClient.connect(port, named('p'))
    for (const granted of [0, 1, 2] as const) {
      const client = await RawClient.connect(port, named('c'))
      expect((await client.subscribe('t', granted)).reasonCodes).toEqual([granted])
      for (const qos of [0, 1, 2] as const) {
        publisher.publish('t', 'm', { qos, packetIdentifier: qos })
        await publisher.settle()
        const [publish] = await client.settle()
        expect(publish).toMatchObject({ type: 'publish', qos: Math.min(qos, granted) })
      }
      await client.vanish()
      publisher.send({ type: 'pubrel', packetIdentifier: 2, reasonCode: 0, properties: undefined })
      await publisher.expect('pubcomp')
    }
  })

  it('gets a message once, at the highest QoS, where its filters overlap [MQTT-3.3.4-2] [MQTT-3.3.5-1 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port, named('c'))
    await client.subscribe([
      { filter: 'a/#', qos: 0 },
      { filter: 'a/+', qos: 2 },
      { filter: '#', qos: 1 },
    ])
    const publisher = await RawClient.connect(port)
    for (const topic of ['a/b', 'a', 'b']) {
      publisher.publish(topic, 'm', { qos: 2, packetIdentifier: topic.charCodeAt(0) + topic.length })
    }
    await publisher.settle()
    expect(await client.received()).toEqual(['a/b=m q2', 'a=m q1', 'b=m q1'])
  })

  it('may have # alone or behind a separator, at the end; + for a whole level, anywhere [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.1-2 of 3.1.1] [MQTT-4.7.1-3 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port, named('c'))
    const good = ['#', 'a/#', '/#', '+', '+/+', '/+', '+/a/+', 'a/+/#', '+/#', 'a//+']
    const bad = ['a#', '#a', 'a/#/b', 'a/b#', '##', '#/', 'a+', '+a', 'a/+b', 'a/b+/c', '++', '+#']
    const suback = await client.subscribe(good.map((filter) => ({ filter })))
    expect(suback.reasonCodes).toEqual(good.map(() => 0))
    for (const filter of bad) await assertEnds(port, version, ['good', filter])
  })

  it.each([
    ['#', ['a', 'a/b', '/a', '/']],
    ['a/#', ['a', 'a/b']],
    ['+', ['a']],
    ['+/b', ['a/b']],
    ['/+', ['/a', '/']],
    ['+/+', ['a/b', '/a', '/']],
  ])(
    'matches with %s what the standard says it does [MQTT-3.3.2-3] [MQTT-3.3.2-3 of 3.1.1]',
    async (filter, expected) => {
      const { port } = await startBroker()
      const client = await RawClient.connect(port, named('c'))
      await client.subscribe(filter)
      for (const topic of ['a', 'a/b', '/a', '/']) client.publish(topic, 'm')
      expect(await client.received()).toEqual(expected.map((topic) => `${topic}=m`))
    },
  )

  it('has no other code than its QoS for what is granted, whatever else is refused [MQTT-3.9.3-2] [MQTT-3.9.3-2 of 3.1.1]', async () => {
    const { port } = await startBroker({
      limits: { subscriptionsPerClient: 4, topicLevels: 3, filtersPerPacket: 7 },
      authenticator: {
        authenticate: async () => ({
          username: '',
          mayPublish: () => true,
          maySubscribe: (filter) => filter !== 'secret',
          mayReceive: () => true,
        }),
      },
    })
    const client = await RawClient.connect(port, named('c'))
    const filters = ['a', 'secret', 'a/b/c/d', 'b', 'c', 'd', 'e']
    const suback = await client.subscribe(filters.map((filter) => ({ filter, qos: 1 })))
    const five = [1, 0x87, 0x8f, 1, 1, 1, 0x97]
    expect(suback.reasonCodes).toEqual(version === 5 ? five : five.map((code) => (code === 1 ? 1 : 0x80)))
    const many = await client.subscribe([...filters, 'f'].map((filter) => ({ filter })))
    expect(new Set(many.reasonCodes)).toEqual(new Set([version === 5 ? 0x97 : 0x80]))
  })
})

describe.each([4, 5] as const)('UNSUBSCRIBE of version %i', (version) => {
  const named = (clientId: string) => ({ protocolVersion: version, clientId })

  async function unsubscribe(client: RawClient, filters: string[], packetIdentifier = 3) {
    client.send({ type: 'unsubscribe', packetIdentifier, filters, properties: undefined })
    return client.expect('unsuback')
  }

  it('is answered with UNSUBACK of its identifier, even where nothing was subscribed [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-2.2.1-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2] [MQTT-3.10.4-4 of 3.1.1] [MQTT-3.10.4-5 of 3.1.1] [MQTT-2.3.1-7 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port, named('c'))
    await client.subscribe([{ filter: 'a' }, { filter: 'c' }])
    for (const [packetIdentifier, codes] of [
      [1, [0, 0x11, 0]],
      [65_535, [0x11, 0x11, 0x11]],
    ] as const) {
      const unsuback = await unsubscribe(client, ['a', 'b', 'c'], packetIdentifier)
      expect(unsuback).toMatchObject({ packetIdentifier, reasonCodes: version === 5 ? codes : [] })
    }
  })

  it('ends the subscription of exactly its filter, and no message is added for it [MQTT-3.10.4-1] [MQTT-3.10.4-2] [MQTT-3.10.4-1 of 3.1.1] [MQTT-3.10.4-2 of 3.1.1]', async () => {
    const { broker, port } = await startBroker()
    const client = await RawClient.connect(port, named('c'))
    await client.subscribe(
      ['a/+', 'a/b', 'A/+', 'a/#'].map((filter, qos) => ({ filter, qos: qos === 3 ? 0 : 1 })),
    )
    await unsubscribe(client, ['a/c', '+/+', '#', 'a/', 'a/+/', 'A/b'])
    expect(broker.stats().subscriptions).toBe(4)
    await unsubscribe(client, ['a/+', 'A/+', 'a/#'])
    for (const topic of ['a/b', 'a/c', 'A/b']) client.publish(topic, 'm')
    expect(await client.received()).toEqual(['a/b=m'])
    await unsubscribe(client, ['a/b'])
    client.publish('a/b', 'm')
    expect(await client.settle()).toEqual([])
    expect(broker.stats().subscriptions).toBe(0)
  })

  it('of several filters is as several of one [MQTT-3.10.4-6] [MQTT-3.10.4-6 of 3.1.1]', async () => {
    const { broker, port } = await startBroker()
    const client = await RawClient.connect(port, named('c'))
    await client.subscribe([{ filter: 'a' }, { filter: 'b' }, { filter: 'c' }])
    const unsuback = await unsubscribe(client, ['a', 'c', 'a'])
    expect(unsuback.reasonCodes).toEqual(version === 5 ? [0, 0, 0x11] : [])
    expect(await client.settle()).toEqual([])
    expect(broker.stats().subscriptions).toBe(1)
  })

  it('lets deliveries that have begun be completed, over a connection too [MQTT-3.10.4-3] [MQTT-3.10.4-3 of 3.1.1]', async () => {
    const { broker, port } = await startBroker()
    const properties = version === 5 ? { sessionExpiryInterval: 100 } : undefined
    const stays = { ...named('c'), cleanStart: false, properties }
    const client = await RawClient.connect(port, stays)
    await client.subscribe('t', 2)
    const publisher = await RawClient.connect(port)
    for (const qos of [1, 2] as const) publisher.publish('t', 'm', { qos, packetIdentifier: qos })
    const one = await client.expect('publish')
    const two = await client.expect('publish')
    await unsubscribe(client, ['t'])
    client.send({
      type: 'pubrec',
      packetIdentifier: two.packetIdentifier,
      reasonCode: 0,
      properties: undefined,
    })
    await client.expect('pubrel')
    await client.vanish()
    const back = await RawClient.connect(port, stays)
    const again = await back.settle()
    expect(again.map(({ type }) => type).sort()).toEqual(['publish', 'pubrel'])
    back.acknowledge(one)
    back.send({
      type: 'pubcomp',
      packetIdentifier: two.packetIdentifier,
      reasonCode: 0,
      properties: undefined,
    })
    await back.settle()
    expect(broker.stats().inFlightMessages).toBe(0)
  })
})

describe.each([4, 5] as const)('PINGREQ of version %i', (version) => {
  it('is answered with PINGRESP, each of them [MQTT-3.12.4-1] [MQTT-3.12.4-1 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port, { protocolVersion: version, clientId: 'c' })
    client.send({ type: 'pingreq' }, { type: 'pingreq' }, { type: 'pingreq' })
    for (let n = 0; n < 3; n++) await client.expect('pingresp')
  })
})

describe('SUBSCRIBE of version 5', () => {
  it('has its identifier on every message, all of them where filters overlap [MQTT-3.3.4-3] [MQTT-3.3.4-4]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port)
    await client.subscribe('a/+', 0, 1)
    await client.subscribe('a/#', 1, 268_435_455)
    await client.subscribe('+/b', 0)
    await client.subscribe('a/b', 0, 1)
    const identifiers = async (topic: string) => {
      client.publish(topic, 'm', { qos: 1, packetIdentifier: 1 })
      const publish = (await client.settle()).find((packet) => packet.type === 'publish')
      return [...(publish?.properties?.subscriptionIdentifiers ?? [])].sort((a, b) => a - b)
    }
    expect(await identifiers('a/b')).toEqual([1, 1, 268_435_455])
    expect(await identifiers('a/c')).toEqual([1, 268_435_455])
    expect(await identifiers('a')).toEqual([268_435_455])
    expect(await identifiers('x/b')).toEqual([])
    // Replaced without one, the subscription has none any more.
    await client.subscribe('a/#', 1)
    expect(await identifiers('a')).toEqual([])
  })

  it('has its identifier on retained messages [MQTT-3.3.4-3]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port)
    await client.publishOnce('a', 'm', { retain: true })
    await client.subscribe('a', 1, 7)
    expect((await client.expect('publish')).properties).toEqual({ subscriptionIdentifiers: [7] })
  })

  it('with No Local gets nothing of its own client, over another connection neither [MQTT-3.8.3-3]', async () => {
    const { port } = await startBroker()
    const stays = { clientId: 'c', cleanStart: false, properties: { sessionExpiryInterval: 100 } }
    const client = await RawClient.connect(port, stays)
    await client.subscribe([{ filter: 't', noLocal: true, qos: 1 }])
    client.publish('t', 'own')
    expect(await client.settle()).toEqual([])
    await client.vanish()
    const back = await RawClient.connect(port, stays)
    back.publish('t', 'own')
    const other = await RawClient.connect(port)
    await other.publishOnce('t', 'foreign')
    expect(text(await back.expect('publish'))).toBe('t=foreign q1')
    expect(await back.settle()).toEqual([])
  })
})
