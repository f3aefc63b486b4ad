import type { Publish } from '@jamey/protocol'
import { FakeClock, publishPacket, RawClient, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../test-support/start-broker.js'

const PUBACK = { type: 'puback', reasonCode: 0, properties: undefined } as const

type Answer = 'puback' | 'pubrec' | 'pubrel' | 'pubcomp'

function answer(client: RawClient, type: Answer, packetIdentifier: number, reasonCode = 0): void {
  client.send({ type, packetIdentifier, reasonCode, properties: undefined })
}

/** Messages alone: acknowledgements of what the client published are left out. */
async function delivered(client: RawClient): Promise<Publish[]> {
  return (await client.settle()).filter((packet) => packet.type === 'publish')
}

describe.each([4, 5] as const)('what a client of version %i publishes', (version) => {
  const named = (clientId: string) => ({ protocolVersion: version, clientId })

  it('is answered as its QoS asks, with its identifier [MQTT-3.3.4-1] [MQTT-2.2.1-5] [MQTT-4.3.2-4] [MQTT-4.3.3-8] [MQTT-4.3.3-11] [MQTT-3.3.4-1 of 3.1.1] [MQTT-2.3.1-6 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port, named('c'))
    client.publish('t', 'm')
    expect(await client.settle()).toEqual([])
    for (const packetIdentifier of [1, 0x1234, 65_535]) {
      client.publish('t', 'm', { qos: 1, packetIdentifier })
      expect((await client.expect('puback')).packetIdentifier).toBe(packetIdentifier)
      client.publish('t', 'm', { qos: 2, packetIdentifier })
      expect((await client.expect('pubrec')).packetIdentifier).toBe(packetIdentifier)
      answer(client, 'pubrel', packetIdentifier)
      expect((await client.expect('pubcomp')).packetIdentifier).toBe(packetIdentifier)
    }
  })

  it('with QoS 1 is new after PUBACK, though it says DUP [MQTT-4.3.2-5] [MQTT-4.3.2-2 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port, named('c'))
    await client.subscribe('t')
    for (const dup of [false, true]) await client.publish('t', `${dup}`, { qos: 1, packetIdentifier: 1, dup })
    expect((await delivered(client)).map(text)).toEqual(['t=false', 't=true'])
  })

  it('with QoS 2 is taken once until PUBREL, and new after PUBCOMP [MQTT-4.3.3-10] [MQTT-4.3.3-12] [MQTT-4.3.3-2 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port, named('c'))
    await client.subscribe('t')
    const publish = (dup: boolean) => client.publish('t', 'm', { qos: 2, packetIdentifier: 1, dup })
    publish(false)
    publish(true)
    publish(false)
    const first = await client.settle()
    expect(first.map(({ type }) => type).sort()).toEqual(['publish', 'pubrec', 'pubrec', 'pubrec'])
    answer(client, 'pubrel', 1)
    await client.expect('pubcomp')
    publish(true)
    expect((await delivered(client)).map(text)).toEqual(['t=m'])
  })

  it('with QoS 2 is taken once over several connections of its session [MQTT-4.3.3-10] [MQTT-4.3.3-11] [MQTT-4.3.3-2 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const properties = version === 5 ? { sessionExpiryInterval: 100 } : undefined
    const connect = { ...named('c'), cleanStart: false, properties }
    const watcher = await RawClient.connect(port)
    await watcher.subscribe('t')
    for (const dup of [false, true, true]) {
      const client = await RawClient.connect(port, connect)
      client.publish('t', 'm', { qos: 2, packetIdentifier: 9, dup })
      expect((await client.expect('pubrec')).packetIdentifier).toBe(9)
      await client.vanish()
    }
    const last = await RawClient.connect(port, connect)
    for (let n = 0; n < 2; n++) {
      answer(last, 'pubrel', 9)
      expect((await last.expect('pubcomp')).packetIdentifier).toBe(9)
    }
    expect(await watcher.received()).toEqual(['t=m'])
  })

  it('passes on nothing of its DUP [MQTT-3.3.1-3] [MQTT-4.3.1-1] [MQTT-2.2.1-2] [MQTT-3.3.1-3 of 3.1.1] [MQTT-4.3.1-1 of 3.1.1] [MQTT-2.3.1-5 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port, named('c'))
    await client.subscribe([
      { filter: 'q/0', qos: 0 },
      { filter: 'q/1', qos: 1 },
      { filter: 'q/2', qos: 2 },
    ])
    for (const n of [0, 1, 2]) client.publish(`q/${n}`, 'm', { qos: 2, packetIdentifier: n + 1, dup: true })
    const got = await delivered(client)
    expect(got.map(text)).toEqual(['q/0=m', 'q/1=m q1', 'q/2=m q2'])
    expect(got[0]?.packetIdentifier).toBe(0)
  })

  it('comes to each subscriber in the order of each publisher, topic and QoS [MQTT-4.6.0-5] [MQTT-4.6.0-6] [MQTT-4.6.0-5 of 3.1.1] [MQTT-4.6.0-6 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const subscriber = await RawClient.connect(port, named('s'))
    await subscriber.subscribe('+', 2)
    const publishers = [await RawClient.connect(port, named('a')), await RawClient.connect(port, named('b'))]
    const count = 200
    for (let n = 0; n < count; n++) {
      for (const [who, publisher] of publishers.entries()) {
        const qos = (n % 3) as 0 | 1 | 2
        publisher.publish(`t${n % 2}`, `${who} ${n}`, { qos, packetIdentifier: qos === 0 ? 0 : n + 1 })
      }
    }
    for (const publisher of publishers) await publisher.settle()
    const seen = new Map<string, number>()
    let received = 0
    while (received < 2 * count) {
      const publish = await subscriber.expect('publish')
      received++
      const [who, n] = Buffer.from(publish.payload).toString().split(' ')
      const key = `${who} ${publish.topic} ${publish.qos}`
      expect(Number(n)).toBeGreaterThan(seen.get(key) ?? -1)
      seen.set(key, Number(n))
    }
    expect(seen.size).toBe(12)
  })
})

describe.each([4, 5] as const)('what is delivered to a client of version %i', (version) => {
  const properties = version === 5 ? { sessionExpiryInterval: 100 } : undefined
  const stays = { protocolVersion: version, clientId: 's', cleanStart: false, properties } as const

  it('has an identifier that is not 0 and not in use [MQTT-2.2.1-4] [MQTT-4.3.2-1] [MQTT-4.3.3-1] [MQTT-2.3.1-4 of 3.1.1] [MQTT-2.3.1-1 of 3.1.1] [MQTT-4.3.2-1 of 3.1.1] [MQTT-4.3.3-1 of 3.1.1]', async () => {
    const { port } = await startBroker({ limits: { receiveMaximum: 65_535, queuedBytes: 1_000_000_000 } })
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 2)
    const publisher = await RawClient.connect(port)
    publisher.publish('t', 'held', { qos: 1, packetIdentifier: 1 })
    publisher.publish('t', 'held', { qos: 2, packetIdentifier: 2 })
    const held = [await s.expect('publish'), await s.expect('publish')]
    const inUse = new Set(held.map(({ packetIdentifier }) => packetIdentifier))
    expect(inUse.size).toBe(2)
    expect(inUse.has(0)).toBe(false)
    // All identifiers there are, and then some.
    const thousand = Array.from({ length: 1000 }, () =>
      publishPacket('t', '', { qos: 1, packetIdentifier: 1 }),
    )
    for (let n = 0; n < 66; n++) {
      publisher.send(...thousand)
      await publisher.settle()
      const identifiers = (await delivered(s)).map(({ packetIdentifier }) => packetIdentifier)
      expect(identifiers).toHaveLength(1000)
      expect(identifiers.filter((identifier) => identifier === 0 || inUse.has(identifier))).toEqual([])
      s.send(...identifiers.map((packetIdentifier) => ({ ...PUBACK, packetIdentifier })))
    }
  })

  it('goes out with DUP 0, and with DUP 1 and its identifier when the session is resumed [MQTT-3.3.1-1] [MQTT-4.3.2-2] [MQTT-4.3.3-2] [MQTT-4.3.2-3] [MQTT-4.3.3-3] [MQTT-4.4.0-1] [MQTT-3.3.1-1 of 3.1.1] [MQTT-4.3.2-1 of 3.1.1] [MQTT-4.3.3-1 of 3.1.1] [MQTT-4.4.0-1 of 3.1.1] [MQTT-2.3.1-4 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 2)
    const publisher = await RawClient.connect(port)
    for (const qos of [1, 2, 1] as const) publisher.publish('t', 'm', { qos, packetIdentifier: 1 })
    const first = [await s.expect('publish'), await s.expect('publish'), await s.expect('publish')]
    expect(first.map(text)).toEqual(['t=m q1', 't=m q2', 't=m q1'])
    let last = s
    for (let n = 0; n < 2; n++) {
      await last.vanish()
      last = await RawClient.connect(port, stays)
      const again = await delivered(last)
      expect(again.map(text)).toEqual(['t=m q1 dup', 't=m q2 dup', 't=m q1 dup'])
      expect(again.map(({ packetIdentifier }) => packetIdentifier)).toEqual(
        first.map(({ packetIdentifier }) => packetIdentifier),
      )
    }
  })

  it('is sent again at no other time, though it is not acknowledged [MQTT-4.4.0-1]', async () => {
    const clock = new FakeClock()
    const { port } = await startBroker({ clock })
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 2)
    const publisher = await RawClient.connect(port)
    for (const qos of [1, 2] as const) publisher.publish('t', 'm', { qos, packetIdentifier: 1 })
    const packets = [await s.expect('publish'), await s.expect('publish')]
    answer(s, 'pubrec', packets[1]?.packetIdentifier ?? 0)
    await s.expect('pubrel')
    await clock.advance(3_600_000)
    await publisher.publishOnce('t', 'next')
    expect((await s.settle()).map(({ type }) => type)).toEqual(['publish'])
  })

  it('with QoS 2 goes on with PUBREL once PUBREC came, over connections too, until PUBCOMP [MQTT-4.3.3-4] [MQTT-4.3.3-5] [MQTT-4.3.3-6] [MQTT-4.4.0-1] [MQTT-2.2.1-5] [MQTT-4.3.3-1 of 3.1.1] [MQTT-4.4.0-1 of 3.1.1]', async () => {
    const { broker, port } = await startBroker()
    let s = await RawClient.connect(port, stays)
    await s.subscribe('t', 2)
    const publisher = await RawClient.connect(port)
    publisher.publish('t', 'm', { qos: 2, packetIdentifier: 77 })
    const { packetIdentifier } = await s.expect('publish')
    answer(s, 'pubrec', packetIdentifier)
    expect(await s.expect('pubrel')).toMatchObject({ packetIdentifier, reasonCode: 0 })
    for (let n = 0; n < 2; n++) {
      await s.vanish()
      s = await RawClient.connect(port, stays)
      expect(await s.settle()).toMatchObject([{ type: 'pubrel', packetIdentifier, reasonCode: 0 }])
    }
    answer(s, 'pubcomp', packetIdentifier)
    await s.settle()
    expect(broker.stats().inFlightMessages).toBe(0)
    await s.vanish()
    s = await RawClient.connect(port, stays)
    expect(await s.settle()).toEqual([])
  })

  it('and acknowledged is not sent again [MQTT-4.3.2-3] [MQTT-4.3.2-1 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 1)
    await (await RawClient.connect(port)).publishOnce('t', 'm')
    s.acknowledge(await s.expect('publish'))
    await s.settle()
    await s.vanish()
    const back = await RawClient.connect(port, stays)
    expect(await back.settle()).toEqual([])
  })
})

describe('a reason code of 0x80 or above', () => {
  const stays = { clientId: 's', cleanStart: false, properties: { sessionExpiryInterval: 100 } }

  it('in PUBACK or PUBREC ends a delivery: it is not sent again, nor completed [MQTT-4.4.0-2] [MQTT-4.3.3-4]', async () => {
    const { broker, port } = await startBroker()
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 2)
    const publisher = await RawClient.connect(port)
    for (const qos of [1, 2] as const) publisher.publish('t', 'm', { qos, packetIdentifier: 1 })
    const one = await s.expect('publish')
    const two = await s.expect('publish')
    answer(s, 'puback', one.packetIdentifier, 0x83)
    answer(s, 'pubrec', two.packetIdentifier, 0x97)
    expect(await s.settle()).toEqual([])
    expect(broker.stats().inFlightMessages).toBe(0)
    await s.vanish()
    const back = await RawClient.connect(port, stays)
    expect(await back.settle()).toEqual([])
  })

  it('in our PUBREC frees the identifier: the next PUBLISH is a new message [MQTT-4.3.3-9] [MQTT-3.5.2-1]', async () => {
    const { port } = await startBroker({
      authenticator: {
        authenticate: async () => ({
          username: '',
          mayPublish: (topic) => topic === 'yes',
          maySubscribe: () => true,
          mayReceive: () => true,
        }),
      },
    })
    const client = await RawClient.connect(port, stays)
    await client.subscribe('#')
    client.publish('no', 'm', { qos: 2, packetIdentifier: 5 })
    expect((await client.expect('pubrec')).reasonCode).toBe(0x87)
    client.publish('yes', 'm', { qos: 2, packetIdentifier: 5, dup: true })
    expect((await delivered(client)).map(text)).toEqual(['yes=m'])
  })

  it('in our PUBACK or PUBREC means that nobody got the message [MQTT-4.3.3-9] [MQTT-3.4.2-1] [MQTT-3.5.2-1]', async () => {
    const { port } = await startBroker({ limits: { retainedMessagesPerClient: 1 } })
    const watcher = await RawClient.connect(port)
    await watcher.subscribe('#')
    const client = await RawClient.connect(port)
    expect(await client.publishOnce('one', 'm', { retain: true })).toBe(0)
    expect(await client.publishOnce('two', 'm', { retain: true })).toBe(0x97)
    client.publish('three', 'm', { retain: true, qos: 2, packetIdentifier: 5 })
    expect((await client.expect('pubrec')).reasonCode).toBe(0x97)
    expect(await watcher.received()).toEqual(['one=m'])
  })
})

describe('message expiry', () => {
  const stays = { clientId: 's', cleanStart: false, properties: { sessionExpiryInterval: 1000 } }

  it('takes away what was not sent, to one that is away, and what is retained [MQTT-3.3.2-5]', async () => {
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ clock })
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 1)
    await s.leave()
    const publisher = await RawClient.connect(port)
    const properties = { messageExpiryInterval: 10 }
    await publisher.publishOnce('t', 'gone', { properties, retain: true })
    await publisher.publishOnce('t', 'stays')
    await clock.advance(10_000)
    const back = await RawClient.connect(port, stays)
    expect(await back.received()).toEqual(['t=stays q1'])
    await publisher.subscribe('t')
    expect(await publisher.settle()).toEqual([])
    expect(broker.stats().droppedExpired).toBe(2)
  })

  it('spares what was sent: it is sent again and completed after it has passed [MQTT-4.3.3-7] [MQTT-4.3.3-13]', async () => {
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ clock })
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 2)
    const publisher = await RawClient.connect(port)
    const properties = { messageExpiryInterval: 10 }
    publisher.publish('t', 'm', { qos: 2, packetIdentifier: 1, properties })
    await s.expect('publish')
    await clock.advance(60_000)
    await s.vanish()
    await until(() => broker.stats().connections === 1)
    await clock.advance(60_000)
    const back = await RawClient.connect(port, stays)
    const again = await back.expect('publish')
    expect([text(again), again.properties]).toEqual(['t=m q2 dup', { messageExpiryInterval: 0 }])
    answer(back, 'pubrec', again.packetIdentifier)
    await back.expect('pubrel')
    answer(back, 'pubcomp', again.packetIdentifier)
    await back.settle()
    expect(broker.stats().inFlightMessages).toBe(0)
  })

  it('ends no handshake with the publisher [MQTT-4.3.3-13]', async () => {
    const clock = new FakeClock()
    const { port } = await startBroker({ clock })
    const publisher = await RawClient.connect(port, stays)
    const properties = { messageExpiryInterval: 1 }
    publisher.publish('t', 'm', { qos: 2, packetIdentifier: 3, properties })
    await publisher.expect('pubrec')
    await clock.advance(60_000)
    answer(publisher, 'pubrel', 3)
    expect(await publisher.expect('pubcomp')).toMatchObject({ packetIdentifier: 3, reasonCode: 0 })
  })
})
