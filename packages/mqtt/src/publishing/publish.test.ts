import { encodedBytes } from '@jamey/protocol'
import { FakeClock, FaultProxy, MqttPeer, settled, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { PublishError } from '../index.js'
import { makeHarness, rejection, text } from '../test-support/harness.js'

const { connectTo, makeClient, startPeer, startProxy } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

describe('publish', () => {
  it('resolves with the reason code of the acknowledgement, "no matching subscribers" included [promise 1]', async () => {
    const peer = await startPeer()
    peer.follow({
      publish: ({ packetIdentifier }, server) =>
        server.send({
          type: 'puback',
          packetIdentifier,
          reasonCode: 0x10,
          properties: { reasonString: 'nobody', userProperties: [['a', 'b']] },
        }),
    })
    const client = await connectTo(peer)
    expect(await client.publish('a', 'x', { qos: 1 })).toEqual({
      reasonCode: 0x10,
      reasonString: 'nobody',
      userProperties: [['a', 'b']],
    })
  })

  it('resolves QoS 2 with what PUBREC said, which PUBCOMP does not repeat [promise 1]', async () => {
    const peer = await startPeer()
    peer.follow({
      publish: ({ packetIdentifier }, server) => server.acknowledge('pubrec', packetIdentifier, 0x10),
    })
    const client = await connectTo(peer)
    expect(await client.publish('a', 'x', { qos: 2 })).toMatchObject({ reasonCode: 0x10 })
  })

  it('begins nothing more while 64 MiB are unacknowledged, and goes on from there, over reconnects [promise 6]', async () => {
    const peer = await startPeer()
    peer.follow({ publish: () => {} })
    const client = await connectTo(peer, { queue: { maximumBytes: 2 ** 30 }, reconnect: { baseDelayMs: 0 } })
    const payload = new Uint8Array(1_048_576)
    const published = Array.from({ length: 70 }, () => client.publish('t', payload, { qos: 1 }))
    const first = await peer.connection(0)
    await expect.poll(() => first.all('publish').length).toBe(64)
    await expect
      .poll(() => client.explain())
      .toMatchObject({
        because: '6 messages wait: the unacknowledged ones take all packet identifiers or memory.',
        sending: { onWire: 64 },
      })
    peer.follow({})
    first.cut()
    await Promise.all(published)
    expect((await peer.connection(1)).all('publish')).toHaveLength(70)
  })

  it('rejects with the reason of a refusal [promise 1]', async () => {
    const peer = await startPeer()
    peer.follow({
      publish: ({ packetIdentifier, qos }, server) =>
        server.acknowledge(qos === 1 ? 'puback' : 'pubrec', packetIdentifier, 0x87),
    })
    const client = await connectTo(peer)
    for (const qos of [1, 2] as const) {
      const error = await rejection(client.publish('a/b', 'x', { qos }))
      expect(error).toBeInstanceOf(PublishError)
      expect(error).toMatchObject({
        code: 'refused',
        reasonCode: 0x87,
        mayBeDelivered: false,
        retryable: false,
      })
      expect(error.message).toContain("'a/b'")
      expect(error.message).toContain('notAuthorized (0x87)')
    }
    expect(client.stats()).toMatchObject({ messagesRefused: 2, inFlightMessages: 0 })
  })

  it('sends QoS 0, 1 and 2 and completes each exchange [MQTT-4.3.1-1] [MQTT-4.3.2-1] [MQTT-4.3.3-1]', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    for (const qos of [0, 1, 2] as const) {
      const properties = { contentType: 'text/plain', userProperties: [['k', 'v']] as const }
      expect(await client.publish('t', `qos ${qos}`, { qos, retain: true, properties })).toEqual({
        reasonCode: 0,
      })
    }
    const server = await peer.connection(0)
    await server.packet('pubrel')
    expect(server.all('publish').map((p) => [p.topic, text(p.payload), p.qos, p.retain, p.dup])).toEqual([
      ['t', 'qos 0', 0, true, false],
      ['t', 'qos 1', 1, true, false],
      ['t', 'qos 2', 2, true, false],
    ])
    expect(server.all('publish')[1]?.properties).toMatchObject({ contentType: 'text/plain' })
  })

  it("never has more unacknowledged messages than the server's Receive Maximum [promise 5] [MQTT-3.3.4-7]", async () => {
    const peer = await startPeer()
    peer.follow({
      connect: (_, server) => server.accept({ properties: { receiveMaximum: 3 } }),
      publish: () => {},
    })
    const client = await connectTo(peer)
    const published = Array.from({ length: 8 }, (_, i) => client.publish('t', `${i}`, { qos: 1 }))
    const server = await peer.connection(0)
    for (let i = 0; i < 8; i++) {
      const { packetIdentifier, payload } = await server.packet('publish', i)
      expect(text(payload)).toBe(`${i}`)
      expect(server.all('publish').length).toBeLessThanOrEqual(i + 3)
      server.acknowledge('puback', packetIdentifier)
      await published[i]
    }
  })

  it('rejects at once on time-out and abort, and says whether the message may be delivered [promise 2]', async () => {
    const peer = await startPeer()
    peer.follow({
      connect: (_, server) => server.accept({ properties: { receiveMaximum: 1 } }),
      publish: () => {},
    })
    const client = await connectTo(peer)
    const sent = rejection(client.publish('t', 'sent', { qos: 1, timeoutMs: 20 }))
    const abort = new AbortController()
    const queued = rejection(client.publish('t', 'queued', { qos: 1, signal: abort.signal }))
    abort.abort()
    expect(await queued).toMatchObject({ code: 'aborted', mayBeDelivered: false })
    expect(await sent).toMatchObject({ code: 'timeout', mayBeDelivered: true, retryable: true })
    const early = client.publish('t', 'x', { qos: 1, signal: abort.signal })
    expect(await rejection(early)).toMatchObject({ code: 'aborted', mayBeDelivered: false })
    expect(client.stats()).toMatchObject({ queuedMessages: 0, inFlightMessages: 1 })
    const server = await peer.connection(0)
    // The time-out may end before the other side has read a byte.
    await until(() => server.all('publish').length > 0)
    expect(server.all('publish')).toHaveLength(1)
  })

  it('waits for what is on its way no longer than drained() is told to [promise 2]', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    peer.follow({ publish: () => {} })
    const client = await connectTo(peer, { clock, keepAliveSeconds: 0 })
    client.publish('t', 'x', { qos: 1 }).catch(() => {})
    const timedOut = rejection(client.drained({ timeoutMs: 1000 }))
    const abort = new AbortController()
    const aborted = rejection(client.drained({ signal: abort.signal }))
    const drained = client.drained({ timeoutMs: 60_000 })
    await clock.advance(1000)
    expect(await timedOut).toMatchObject({ code: 'timeout', mayBeDelivered: true })
    abort.abort()
    expect(await aborted).toMatchObject({ code: 'aborted' })
    peer.connections[0]?.acknowledge('puback', 1)
    await drained
    await settled()
    expect(clock.pendingTimers).toBe(0)
  })

  it('counts no message that was given up before it was sent, so drained() does not wait for it [promise 2]', async () => {
    const clock = new FakeClock()
    const client = makeClient({ url: 'mqtt://127.0.0.1:1', clock })
    const given = rejection(client.publish('t', 'x', { qos: 1, timeoutMs: 1000 }))
    const drained = client.drained()
    await clock.advance(1000)
    expect(await given).toMatchObject({ code: 'timeout', mayBeDelivered: false })
    await drained
  })

  it('at QoS 0 waits for the socket no longer than it is told to [promise 2]', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    const client = await connectTo(peer, { clock, keepAliveSeconds: 0 })
    ;(await peer.connection(0)).stopReading()
    const payload = Buffer.alloc(1_048_576)
    for (let i = 0; i < 32; i++) client.publish('t', payload).catch(() => {})
    await until(() => !client.explain().socket.isWritable)
    const timedOut = rejection(client.publish('t', 'x', { timeoutMs: 1000 }))
    await clock.advance(1000)
    expect(await timedOut).toMatchObject({ code: 'timeout', mayBeDelivered: true })
    const closing = client.close({ drain: false })
    await clock.advance(1000)
    await closing
  })

  it('refuses what the server said it does not take [promise 5] [MQTT-3.2.2-11] [MQTT-3.2.2-14] [MQTT-3.2.2-15]', async () => {
    const peer = await startPeer()
    peer.follow({
      connect: (_, server) =>
        server.accept({ properties: { maximumQoS: 1, retainAvailable: 0, maximumPacketSize: 40 } }),
    })
    const client = await connectTo(peer)
    expect(await rejection(client.publish('t', 'x', { qos: 2 }))).toMatchObject({ code: 'qos-not-supported' })
    expect(await rejection(client.publish('t', 'x', { retain: true }))).toMatchObject({
      code: 'retain-not-supported',
    })
    for (const qos of [0, 1] as const) {
      const tooLarge = rejection(client.publish('t', 'x'.repeat(40), { qos }))
      expect(await tooLarge).toMatchObject({ code: 'packet-too-large', mayBeDelivered: false })
      expect(await client.publish('t', 'x'.repeat(25), { qos })).toEqual({ reasonCode: 0 })
    }
    expect((await peer.connection(0)).all('publish')).toHaveLength(2)
  })

  it("uses topic aliases up to the server's maximum [promise 5] [MQTT-3.3.2-8]", async () => {
    const peer = await startPeer()
    peer.follow({ connect: (_, server) => server.accept({ properties: { topicAliasMaximum: 1 } }) })
    const client = await connectTo(peer)
    const [first, second] = ['a/topic/worth/an/alias', 'another/topic/of/that/length']
    for (const topic of [first, first, second, first]) {
      await client.publish(topic, 'x', { qos: 1, properties: { contentType: 'c' } })
    }
    const sent = (await peer.connection(0)).all('publish')
    expect(sent.map((p) => [p.topic, p.properties?.topicAlias, p.properties?.contentType])).toEqual([
      [first, 1, 'c'],
      ['', 1, 'c'],
      [second, undefined, 'c'],
      ['', 1, 'c'],
    ])
  })

  it('sends the properties as they are at each publish, with an alias too [promise 5]', async () => {
    const peer = await startPeer()
    peer.follow({ connect: (_, server) => server.accept({ properties: { topicAliasMaximum: 1 } }) })
    const client = await connectTo(peer)
    const topic = 'a/topic/worth/an/alias'
    const properties = { contentType: 'a' }
    for (const contentType of ['a', 'b']) {
      properties.contentType = contentType
      await client.publish(topic, 'x', { qos: 1, properties })
    }
    const frozen = [Object.freeze({ contentType: 'c' }), Object.freeze({ contentType: 'd' })]
    for (const given of [...frozen, undefined, frozen[0], frozen[0]]) {
      await client.publish(topic, 'x', { qos: 1, properties: given })
    }
    const sent = (await peer.connection(0)).all('publish')
    expect(sent.map((p) => p.properties?.contentType)).toEqual(['a', 'b', 'c', 'd', undefined, 'c', 'c'])
    expect(sent.every((p) => p.properties?.topicAlias === 1)).toBe(true)
  })

  it('gives no topic alias where that would make a packet too large [MQTT-3.2.2-15]', async () => {
    const maximumPacketSize = 200
    const peer = await startPeer()
    peer.follow({
      connect: (_, server) => server.accept({ properties: { maximumPacketSize, topicAliasMaximum: 1000 } }),
    })
    const client = await connectTo(peer)
    for (let bytes = 0; bytes < maximumPacketSize; bytes++) {
      const topic = `a/topic/worth/an/alias/${100 + bytes}`
      // Too large for any way of sending it, or sent: nothing else.
      await client.publish(topic, 'x'.repeat(bytes), { qos: 1 }).catch((error: PublishError) => {
        expect(error.code).toBe('packet-too-large')
      })
    }
    const sent = (await peer.connection(0)).all('publish')
    const sizes = sent.map((packet) => encodedBytes(packet, 5))
    expect(Math.max(...sizes)).toBe(maximumPacketSize)
    expect(sent.some(({ properties }) => properties?.topicAlias !== undefined)).toBe(true)
  })

  it('gives no alias with a message that could not be sent [promise 5] [MQTT-3.3.2-8]', async () => {
    const peer = await startPeer()
    peer.follow({ connect: (_, server) => server.accept({ properties: { topicAliasMaximum: 2 } }) })
    const client = await connectTo(peer)
    const topic = 'a/topic/that/is/long/enough'
    for (const qos of [0, 1] as const) {
      const broken = client.publish(topic, 'x', { qos, properties: { contentType: '\ud800' } })
      expect(await rejection(broken)).toMatchObject({ code: 'invalid-argument' })
    }
    await client.publish(topic, 'x', { qos: 1 })
    await client.publish(topic, 'x', { qos: 1 })
    const sent = (await peer.connection(0)).all('publish')
    expect(sent.map((p) => [p.topic, p.properties?.topicAlias])).toEqual([
      [topic, 1],
      ['', 1],
    ])
  })

  it('rejects topics, properties and aliases that cannot be sent, before anything is sent', async () => {
    const client = makeClient({ url: 'mqtt://127.0.0.1:1' })
    for (const topic of ['', 'a/+', 'a/#', 'a\0b']) {
      expect(await rejection(client.publish(topic, 'x'))).toMatchObject({ code: 'invalid-argument' })
    }
    const aliased = client.publish('a', 'x', { properties: { topicAlias: 1 } })
    expect(await rejection(aliased)).toMatchObject({ code: 'invalid-argument' })
  })
})

describe('publish without a connection', () => {
  it('keeps QoS 1 and 2 in order until there is one, and refuses QoS 0 [promise 3] [promise 6]', async () => {
    const peer = await startPeer()
    const client = makeClient({ url: peer.url })
    const kept = [
      client.publish('t', '1', { qos: 1 }),
      client.publish('t', '2', { qos: 2 }),
      client.publish('t', '3', { qos: 1 }),
    ]
    expect(await rejection(client.publish('t', '0'))).toMatchObject({ code: 'offline', retryable: true })
    await client.connect()
    await Promise.all(kept)
    const sent = (await peer.connection(0)).all('publish')
    expect(sent.map((p) => [text(p.payload), p.dup])).toEqual([
      ['1', false],
      ['2', false],
      ['3', false],
    ])
  })

  it('drops QoS 0 and counts it where that is the policy [promise 6]', async () => {
    const client = makeClient({ url: 'mqtt://127.0.0.1:1', queue: { qos0WhenOffline: 'drop' } })
    await client.publish('t', 'x')
    expect(client.stats()).toMatchObject({ messagesDropped: 1, queuedMessages: 0 })
  })

  it.each([
    ['reject', [2], ['0', '1']],
    ['drop-newest', [2], ['0', '1']],
    ['drop-oldest', [0], ['1', '2']],
  ] as const)('bounds the queue by count; %s [promise 6]', async (overflow, lost, left) => {
    const peer = await startPeer()
    const client = makeClient({ url: peer.url, queue: { maximumMessages: 2, overflow } })
    const settled = Promise.allSettled([0, 1, 2].map((i) => client.publish('t', `${i}`, { qos: 1 })))
    await client.connect()
    const results = await settled
    expect(results.flatMap((result, i) => (result.status === 'rejected' ? [i] : []))).toEqual(lost)
    expect((await peer.connection(0)).all('publish').map((p) => text(p.payload))).toEqual(left)
    expect(client.stats().messagesDropped).toBe(1)
  })

  it('drops nothing for a message that is larger than the whole queue may be [promise 6]', async () => {
    const peer = await startPeer()
    const queue = { maximumBytes: 10, overflow: 'drop-oldest' } as const
    const client = makeClient({ url: peer.url, queue })
    await client.publish('t', 'stored', { qos: 1, until: 'stored' })
    expect(await rejection(client.publish('t', '1234567890', { qos: 1 }))).toMatchObject({
      code: 'queue-full',
    })
    expect(client.stats()).toMatchObject({ queuedMessages: 1, messagesDropped: 1 })
    await client.connect()
    await client.drained()
    expect((await peer.connection(0)).all('publish').map((p) => text(p.payload))).toEqual(['stored'])
  })

  it('bounds the queue by bytes of topic and payload [promise 6]', async () => {
    const client = makeClient({ url: 'mqtt://127.0.0.1:1', queue: { maximumBytes: 10 } })
    void client.publish('t', '12345678', { qos: 1 }).catch(() => {})
    expect(client.stats()).toMatchObject({ queuedMessages: 1, queuedBytes: 9 })
    expect(await rejection(client.publish('t', '9', { qos: 1 }))).toMatchObject({ code: 'queue-full' })
  })
})

describe('publish with an age bound', () => {
  it('gives up what waited too long, counts it, and sends the rest [promise 6]', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    const client = makeClient({ url: peer.url, clock, queue: { maximumAgeMs: 1000 } })
    const old = rejection(client.publish('t', 'old', { qos: 1 }))
    await clock.advance(600)
    const young = client.publish('t', 'young', { qos: 1 })
    await clock.advance(400)
    await client.connect()
    expect(await old).toMatchObject({ code: 'expired', mayBeDelivered: false })
    expect(await young).toEqual({ reasonCode: 0 })
    expect((await peer.connection(0)).all('publish').map((p) => text(p.payload))).toEqual(['young'])
    expect(client.stats()).toMatchObject({ messagesExpired: 1, queuedMessages: 0 })
  })

  it('lowers Message Expiry by the time a message waited [promise 6] [MQTT-3.3.2-6]', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    const client = makeClient({ url: peer.url, clock })
    const properties = { messageExpiryInterval: 10 }
    const short = rejection(client.publish('t', 'x', { qos: 1, properties: { messageExpiryInterval: 2 } }))
    const long = client.publish('t', 'x', { qos: 1, properties })
    await clock.advance(3000)
    await client.connect()
    expect(await short).toMatchObject({ code: 'expired' })
    await long
    expect((await peer.connection(0)).all('publish')).toMatchObject([
      { properties: { messageExpiryInterval: 7 } },
    ])
  })
})

describe('publish under backpressure', () => {
  it('resolves QoS 0 once the socket is below its mark again, all with one promise [promise 7]', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const { socket } = await peer.connection(0)
    socket.pause()
    const payload = Buffer.alloc(1_048_576)
    let done = 0
    const publish = (): Promise<unknown> => client.publish('t', payload).then(() => done++)
    const published = Array.from({ length: 32 }, publish)
    await settled(10)
    expect(done).toBeLessThan(32)
    expect(client.explain().socket.isWritable).toBe(false)
    expect(client.publish('t', payload)).toBe(client.publish('t', payload))
    socket.resume()
    await Promise.all(published)
    expect(done).toBe(32)
  })
})

describe('publish at QoS 0 to a server that takes nothing', () => {
  it('is refused beyond the bound of the queue, so that nothing piles up [promise 6] [promise 7]', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer, { queue: { maximumBytes: 4_000_000 } })
    ;(await peer.connection(0)).stopReading()
    const payload = Buffer.alloc(100_000)
    const refusals: unknown[] = []
    for (let i = 0; i < 1000 && refusals.length === 0; i++) {
      client.publish('t', payload).catch((error) => refusals.push(error))
      await settled(1)
    }
    expect(refusals[0]).toMatchObject({ code: 'queue-full', retryable: true, mayBeDelivered: false })
    expect(client.explain().socket.bufferedBytes).toBeLessThan(6_000_000)
  })
})

describe('publish over a broken connection', () => {
  it('sends the backlog again in order with DUP, and nothing new before it [promise 4] [MQTT-4.4.0-1] [MQTT-3.3.1-1]', async () => {
    const peer = await startPeer()
    peer.follow({ publish: () => {} })
    const client = await connectTo(peer)
    const published = ['1', '2', '3'].map((payload) => client.publish('t', payload, { qos: 1 }))
    const first = await peer.connection(0)
    await first.packet('publish', 2)
    peer.follow({
      connect: (_, server) => server.accept({ sessionPresent: true, properties: { receiveMaximum: 2 } }),
    })
    first.cut()
    await until(() => client.state !== 'connected')
    published.push(client.publish('t', '4', { qos: 1 }))
    await Promise.all(published)
    const before = first.all('publish')
    const after = (await peer.connection(1)).all('publish')
    expect(after.map((p) => [text(p.payload), p.dup])).toEqual([
      ['1', true],
      ['2', true],
      ['3', true],
      ['4', false],
    ])
    // The packet identifier stays with the message. [MQTT-2.2.1-3]
    expect(after.slice(0, 3).map((p) => p.packetIdentifier)).toEqual(before.map((p) => p.packetIdentifier))
    expect(client.stats()).toMatchObject({ messagesRetransmitted: 3, inFlightMessages: 0 })
  })

  it('reports the connection at CONNACK and sends the backlog at once, not one by one [promise 4]', async () => {
    const peer = await startPeer()
    peer.follow({ publish: () => {} })
    const client = await connectTo(peer)
    const published = Array.from({ length: 10 }, (_, i) => client.publish('t', `${i}`, { qos: 1 }))
    await (await peer.connection(0)).packet('publish', 9)
    peer.follow({ publish: () => {}, connect: (_, server) => server.accept({ sessionPresent: true }) })
    ;(await peer.connection(0)).cut()
    const second = await peer.connection(1)
    await until(() => client.state === 'connected')
    let isDrained = false
    const drained = client.drained().then(() => {
      isDrained = true
    })
    // None of them was acknowledged, and yet all of them have come.
    await second.packet('publish', 9)
    expect([client.state, isDrained]).toEqual(['connected', false])
    for (const { packetIdentifier } of second.all('publish')) second.acknowledge('puback', packetIdentifier)
    await Promise.all([...published, drained])
  })

  it('takes a PUBCOMP that says "not found" for the end it is [promise 1]', async () => {
    const peer = await startPeer()
    peer.follow({
      pubrel: ({ packetIdentifier }, server) => server.acknowledge('pubcomp', packetIdentifier, 0x92),
    })
    const client = await connectTo(peer)
    expect(await client.publish('t', 'x', { qos: 2 })).toEqual({ reasonCode: 0 })
  })

  it('repeats PUBREL, not PUBLISH, once PUBREC has come [MQTT-4.3.3-6]', async () => {
    const peer = await startPeer()
    peer.follow({ pubrel: () => {} })
    const client = await connectTo(peer)
    const published = client.publish('t', 'x', { qos: 2 })
    const first = await peer.connection(0)
    const { packetIdentifier } = await first.packet('pubrel')
    peer.follow({ connect: (_, server) => server.accept({ sessionPresent: true }) })
    first.cut()
    expect(await published).toEqual({ reasonCode: 0 })
    const second = await peer.connection(1)
    expect(second.all('publish')).toEqual([])
    expect(second.all('pubrel').map((p) => p.packetIdentifier)).toEqual([packetIdentifier])
  })

  it('does not publish again what a lost session had received with PUBREC [promise 3]', async () => {
    const peer = await startPeer()
    peer.follow({ pubrel: () => {} })
    const client = await connectTo(peer)
    const published = client.publish('t', 'x', { qos: 2 })
    const first = await peer.connection(0)
    await first.packet('pubrel')
    peer.follow({})
    first.cut()
    expect(await published).toEqual({ reasonCode: 0 })
    await client.publish('t', 'next', { qos: 2 })
    expect((await peer.connection(1)).all('publish').map((p) => text(p.payload))).toEqual(['next'])
  })

  it('publishes anew without DUP where the server lost the session [promise 3]', async () => {
    const peer = await startPeer()
    peer.follow({ publish: () => {} })
    const client = await connectTo(peer)
    const published = [client.publish('t', '1', { qos: 1 }), client.publish('t', '2', { qos: 2 })]
    const given = rejection(client.publish('t', 'given up', { qos: 1, timeoutMs: 20 }))
    const first = await peer.connection(0)
    await first.packet('publish', 2)
    expect(await given).toMatchObject({ code: 'timeout', mayBeDelivered: true })
    peer.follow({})
    first.cut()
    await Promise.all(published)
    const again = (await peer.connection(1)).all('publish')
    expect(again.map((p) => [text(p.payload), p.dup])).toEqual([
      ['1', false],
      ['2', false],
    ])
  })

  it('reports a lost session, restores the subscriptions before, and publishes once more [promise 3] [promise 11]', async () => {
    const peer = await startPeer()
    peer.follow({ publish: () => {} })
    const client = await connectTo(peer)
    const fates: (string | undefined)[] = []
    client.onState(({ state, session }) => state === 'connected' && fates.push(session))
    expect(client.status.session).toBe('new')
    await client.subscribe('a', () => {})
    await client.subscribe('b', () => {})
    const published = [client.publish('t', '1', { qos: 1 }), client.publish('t', '2', { qos: 2 })]
    await (await peer.connection(0)).packet('publish', 1)
    peer.follow({})
    ;(await peer.connection(0)).cut()
    await Promise.all(published)
    await client.drained()
    const { received } = await peer.connection(1)
    const order = received.flatMap((p) =>
      p.type === 'subscribe' ? [p.subscriptions[0]?.filter] : p.type === 'publish' ? [text(p.payload)] : [],
    )
    expect(order).toEqual(['a', 'b', '1', '2'])
    expect(fates).toEqual(['lost'])
    expect(client.status.session).toBe('lost')
    expect(client.stats().sessionsLost).toBe(1)
    peer.follow({ connect: (_, server) => server.accept({ sessionPresent: true }) })
    ;(await peer.connection(1)).cut()
    await until(() => fates.length === 2)
    expect(fates).toEqual(['lost', 'resumed'])
    expect(client.stats().sessionsLost).toBe(1)
  })

  it('settles every QoS 1 publish although the network breaks at any byte [promise 3]', async () => {
    const peer = await startPeer()
    const proxy = await startProxy(peer)
    peer.follow({ connect: (packet, server) => server.accept({ sessionPresent: !packet.cleanStart }) })
    const client = await connectTo(
      { url: `mqtt://127.0.0.1:${proxy.port}` },
      { reconnect: { baseDelayMs: 1, maxDelayMs: 1, failuresBeforeOpen: Number.POSITIVE_INFINITY } },
    )
    for (let bytes = 60; bytes < 90; bytes += 3) {
      proxy.faults = { cutAfterClientBytes: bytes }
      const batch = Array.from({ length: 5 }, (_, i) => client.publish('t', `${bytes} ${i}`, { qos: 1 }))
      proxy.cutAll()
      await until(() => client.stats().connectionsLost > 0 && client.state === 'connected')
      proxy.faults = {}
      proxy.cutAll()
      await Promise.all(batch)
    }
    const seen = new Set(
      peer.connections.flatMap((server) => server.all('publish').map((p) => text(p.payload))),
    )
    expect(seen.size).toBe(50)
  })

  it('tells QoS 0 publishers that the bytes may be lost with the connection', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const server = await peer.connection(0)
    server.stopReading()
    const payload = Buffer.alloc(1_048_576)
    const waiting: Promise<unknown>[] = []
    for (let i = 0; i < 64 && waiting.length === 0; i++) {
      let isDone = false
      const published = client.publish('t', payload).then(() => {
        isDone = true
      })
      await new Promise((resolve) => setImmediate(resolve))
      if (!isDone) waiting.push(published)
    }
    expect(waiting).toHaveLength(1)
    server.cut()
    expect(await rejection(waiting[0] as Promise<unknown>)).toMatchObject({
      code: 'lost',
      mayBeDelivered: true,
    })
  })
})
