import { FaultProxy, MqttPeer, type PeerConnection, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Client, type Message, SubscriptionError } from '../index.js'
import { collectErrors, makeHarness, rejection, text } from '../test-support/harness.js'

const { connectTo, makeClient, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

/** A promise that a test settles. */
function gate(): { promise: Promise<void>; open(): void; fail(error: Error): void } {
  let open!: () => void
  let fail!: (error: Error) => void
  const promise = new Promise<void>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  return { promise, open, fail }
}

describe('subscribe', () => {
  it('asks with the options given, and resolves with the QoS granted', async () => {
    const peer = await startPeer()
    peer.follow({
      subscribe: ({ packetIdentifier }, server) =>
        server.send({ type: 'suback', packetIdentifier, reasonCodes: [1], properties: undefined }),
    })
    const client = await connectTo(peer)
    const options = { qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 1 } as const
    const subscription = await client.subscribe('a/+', options, () => {})
    expect(subscription).toMatchObject({ filter: 'a/+', qos: 1 })
    const [asked] = (await peer.connection(0)).all('subscribe')
    expect(asked?.subscriptions).toEqual([{ filter: 'a/+', ...options }])
    expect(asked?.properties?.subscriptionIdentifier).toBeGreaterThan(0)
  })

  it('rejects a refusal with its reason and removes the handler', async () => {
    const peer = await startPeer()
    peer.follow({
      subscribe: ({ packetIdentifier }, server) =>
        server.send({
          type: 'suback',
          packetIdentifier,
          reasonCodes: [0x87],
          properties: { reasonString: 'no' },
        }),
    })
    const client = await connectTo(peer)
    const seen: Message[] = []
    const error = await rejection(client.subscribe('a', (message) => seen.push(message)))
    expect(error).toBeInstanceOf(SubscriptionError)
    expect(error).toMatchObject({ code: 'refused', reasonCode: 0x87, retryable: false })
    const server = await peer.connection(0)
    server.publish('a', 'x', { qos: 1, packetIdentifier: 1 })
    await server.packet('puback')
    expect(seen).toEqual([])
    expect(client.stats()).toMatchObject({ messagesUnhandled: 1, subscriptionFailures: 1 })
  })

  it('refuses filters that are none, and what the server lacks [promise 5]', async () => {
    const peer = await startPeer()
    peer.follow({
      connect: (_, server) =>
        server.accept({ properties: { sharedSubscriptionAvailable: 0, wildcardSubscriptionAvailable: 0 } }),
    })
    const client = await connectTo(peer)
    for (const filter of ['', 'a#', 'a/+b', '$share/g', '$share//a']) {
      expect(await rejection(client.subscribe(filter, () => {}))).toMatchObject({ code: 'invalid-argument' })
    }
    expect(await rejection(client.subscribe('$share/g/a', { noLocal: true }, () => {}))).toMatchObject({
      code: 'invalid-argument',
    })
    expect(await rejection(client.subscribe('$share/g/a', () => {}))).toMatchObject({
      code: 'not-supported',
      reasonCode: 0x9e,
    })
    expect(await rejection(client.subscribe('a/#', () => {}))).toMatchObject({ code: 'not-supported' })
    expect((await peer.connection(0)).all('subscribe')).toEqual([])
  })

  it('gives up on time-out and abort, and takes the handler away [promise 2]', async () => {
    const peer = await startPeer()
    peer.follow({ subscribe: () => {} })
    const client = await connectTo(peer)
    const timedOut = rejection(client.subscribe('a', { timeoutMs: 10 }, () => {}))
    expect(await timedOut).toMatchObject({ code: 'timeout', retryable: true })
    const abort = new AbortController()
    const aborted = rejection(client.subscribe('b', { signal: abort.signal }, () => {}))
    abort.abort()
    expect(await aborted).toMatchObject({ code: 'aborted' })
    const server = await peer.connection(0)
    await server.packet('unsubscribe', 1)
    expect(server.all('unsubscribe').map((p) => p.filters)).toEqual([['a'], ['b']])
  })

  it('fires each of two overlapping subscriptions once per message, by subscription identifiers [promise 8]', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const seen: string[] = []
    await client.subscribe('a/#', (m) => seen.push(`# ${text(m.payload)}`))
    await client.subscribe('a/+', (m) => seen.push(`+ ${text(m.payload)}`))
    const server = await peer.connection(0)
    const [hash = 0, plus = 0] = server.all('subscribe').map((p) => p.properties?.subscriptionIdentifier)
    server.publish('a/b', 'one copy each', { properties: { subscriptionIdentifiers: [hash] } })
    server.publish('a/b', 'one copy each', { properties: { subscriptionIdentifiers: [plus] } })
    server.publish('a/b', 'one for both', { properties: { subscriptionIdentifiers: [plus, hash] } })
    server.publish('a/b', 'no identifiers')
    server.publish('a/b', 'a foreign identifier', { properties: { subscriptionIdentifiers: [77] } })
    await until(() => seen.length >= 8)
    expect(seen.sort()).toEqual(
      ['one copy each', 'one for both', 'no identifiers', 'a foreign identifier']
        .flatMap((payload) => [`# ${payload}`, `+ ${payload}`])
        .sort(),
    )
  })

  it('goes by the topic where the server means another filter by an identifier than we do [promise 8]', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const seen: string[] = []
    await client.subscribe('a', () => seen.push('a'))
    await client.subscribe('b', () => seen.push('b'))
    const server = await peer.connection(0)
    const [ofA = 0] = server.all('subscribe').map((p) => p.properties?.subscriptionIdentifier)
    server.publish('b', 'x', { properties: { subscriptionIdentifiers: [ofA] } })
    await until(() => seen.length > 0)
    expect(seen).toEqual(['b'])
  })

  it('subscribes once for two handlers of live messages, and unsubscribes with the last [promise 8]', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const seen: string[] = []
    const first = await client.subscribe('a', () => seen.push('first'))
    const second = await client.subscribe('a', { retainHandling: 2 }, () => seen.push('second'))
    const server = await peer.connection(0)
    expect(server.all('subscribe')).toHaveLength(1)
    await first.unsubscribe()
    expect(server.all('unsubscribe')).toHaveLength(0)
    server.publish('a', 'x')
    await until(() => seen.length > 0)
    expect(seen).toEqual(['second'])
    await second.unsubscribe()
    await second.unsubscribe()
    expect(server.all('unsubscribe').map((p) => p.filters)).toEqual([['a']])
  })

  it('brings the retained messages to a second handler, too, and no second copy to the first', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const seen: string[] = []
    const subscribe = (name: string) =>
      client.subscribe('t/#', (m) => seen.push(`${name} ${m.retain ? 'kept' : 'live'} ${text(m.payload)}`))
    await subscribe('first')
    await subscribe('second')
    const server = await peer.connection(0)
    const asked = server.all('subscribe')
    expect(asked.map((p) => p.subscriptions[0]?.retainHandling)).toEqual([0, 0])
    const [one = 0, other = 0] = asked.map((p) => p.properties?.subscriptionIdentifier)
    expect(other).not.toBe(one)
    const kept = (payload: string, identifier: number): void =>
      server.publish('t/x', payload, {
        retain: true,
        properties: { subscriptionIdentifiers: [identifier] },
      })
    // The server may still be sending those that the first was asked for.
    kept('a', one)
    kept('a', other)
    kept('b', one)
    kept('b', other)
    server.publish('t/x', 'c', { properties: { subscriptionIdentifiers: [one] } })
    server.publish('t/x', 'd', { properties: { subscriptionIdentifiers: [other] } })
    await until(() => seen.length >= 8)
    expect(seen).toEqual([
      'first kept a',
      'second kept a',
      'first kept b',
      'second kept b',
      'first live c',
      'second live c',
      'first live d',
      'second live d',
    ])
  })

  it('brings the retained messages to all of its handlers when the session is lost', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const seen: string[] = []
    await client.subscribe('t', () => seen.push('first'))
    await client.subscribe('t', () => seen.push('second'))
    ;(await peer.connection(0)).cut()
    const server = await peer.connection(1)
    const { properties } = await server.packet('subscribe')
    const subscriptionIdentifiers = [properties?.subscriptionIdentifier as number]
    server.publish('t', 'x', { retain: true, properties: { subscriptionIdentifiers } })
    await until(() => seen.length >= 2)
    expect(seen).toEqual(['first', 'second'])
  })

  it('tells handlers that come and go apart, however many', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const server = await peer.connection(0)
    const seen: string[] = []
    await client.subscribe('t', () => seen.push('first'))
    for (let i = 0; i < 5; i++) {
      const other = await client.subscribe('t', () => seen.push(`other ${i}`))
      const identifier = server.all('subscribe').at(-1)?.properties?.subscriptionIdentifier as number
      server.publish('t', 'x', { retain: true, properties: { subscriptionIdentifiers: [identifier] } })
      await until(() => seen.length > i)
      await other.unsubscribe()
    }
    expect(seen).toEqual([0, 1, 2, 3, 4].map((i) => `other ${i}`))
    expect(server.all('unsubscribe')).toHaveLength(0)
  })

  it('works until the server has confirmed its end: what is on its way is handled, not acknowledged away', async () => {
    const peer = await startPeer()
    peer.follow({
      unsubscribe: ({ packetIdentifier }, server) => {
        server.publish('a', 'on its way', { qos: 1, packetIdentifier: 7 })
        server.send({ type: 'unsuback', packetIdentifier, reasonCodes: [0], properties: undefined })
        server.publish('a', 'too late', { qos: 1, packetIdentifier: 8 })
      },
    })
    const client = await connectTo(peer)
    const seen: string[] = []
    const subscription = await client.subscribe('$share/g/a', (m) => seen.push(text(m.payload)))
    await subscription.unsubscribe()
    await (await peer.connection(0)).packet('puback', 1)
    expect(seen).toEqual(['on its way'])
    expect(client.stats().messagesUnhandled).toBe(1)
  })

  it('makes room for another one before the server has confirmed its end', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const seen: string[] = []
    const first = await client.subscribe('a', () => seen.push('first'))
    const server = await peer.connection(0)
    const leaving = first.unsubscribe()
    await Promise.all([leaving, client.subscribe('a', () => seen.push('second'))])
    const [one, other] = server.all('subscribe').map((p) => p.properties?.subscriptionIdentifier)
    expect(other).toBe(one)
    server.publish('a', 'x', { properties: { subscriptionIdentifiers: [one as number] } })
    await until(() => seen.length > 0)
    expect(seen).toEqual(['second'])
  })

  it('ends for whoever gives up waiting, and every wait for the end settles over a lost connection', async () => {
    const peer = await startPeer()
    peer.follow({
      connect: (packet, server) => server.accept({ sessionPresent: !packet.cleanStart }),
      unsubscribe: () => {},
    })
    const client = await connectTo(peer)
    const seen: string[] = []
    const subscription = await client.subscribe('a', () => seen.push('a'))
    expect(await rejection(subscription.unsubscribe({ timeoutMs: 10 }))).toMatchObject({ code: 'timeout' })
    const server = await peer.connection(0)
    const waiting = [client.unsubscribe('a'), client.unsubscribe('a')]
    server.publish('a', 'x', { qos: 1, packetIdentifier: 1 })
    await server.packet('puback')
    expect(seen).toEqual([])
    peer.follow({ connect: (packet, other) => other.accept({ sessionPresent: !packet.cleanStart }) })
    server.cut()
    await Promise.all(waiting)
  })

  it('that was unsubscribed before its answer concerns nobody any more when it is refused', async () => {
    const peer = await startPeer()
    const { errors, onBackgroundError } = collectErrors()
    peer.follow({ subscribe: () => {} })
    const client = await connectTo(peer, { onBackgroundError })
    const subscribing = rejection(client.subscribe('a', () => {}))
    const unsubscribing = client.unsubscribe('a')
    expect(await subscribing).toMatchObject({ code: 'aborted' })
    const server = await peer.connection(0)
    const { packetIdentifier } = await server.packet('subscribe')
    server.send({ type: 'suback', packetIdentifier, reasonCodes: [0x87], properties: undefined })
    await unsubscribing
    await until(() => client.explain().lastFailures.subscribe !== undefined)
    expect(errors).toEqual([])
  })

  it('is asked for when a packet identifier is free again, where all are in use [MQTT-2.2.1-3]', async () => {
    const peer = await startPeer()
    const asked: number[] = []
    peer.follow({
      subscribe: ({ packetIdentifier }) => asked.push(packetIdentifier),
      unsubscribe: ({ packetIdentifier }) => asked.push(packetIdentifier),
    })
    const client = await connectTo(peer, { keepAliveSeconds: 0 })
    const most = 65_535 - 16_384
    const waiting = Array.from({ length: most }, (_, i) => client.subscribe(`t/${i}`, () => {}))
    waiting.push(client.subscribe('one more', () => {}))
    const removed = client.unsubscribe('t/0')
    for (const one of waiting) one.catch(() => {})
    await expect.poll(() => asked.length).toBe(most)
    const server = await peer.connection(0)
    const properties = undefined
    for (const packetIdentifier of asked.slice(0, 2)) {
      server.send({ type: 'suback', packetIdentifier, reasonCodes: [1], properties })
    }
    await expect.poll(() => asked.length).toBe(most + 2)
    expect(asked.slice(-2).sort()).toEqual(asked.slice(0, 2).sort())
    const [removal] = server.all('unsubscribe')
    expect(removal?.filters).toEqual(['t/0'])
    const packetIdentifier = removal?.packetIdentifier as number
    server.send({ type: 'unsuback', packetIdentifier, reasonCodes: [0], properties })
    await removed
    expect(server.all('subscribe').at(-1)?.subscriptions[0]?.filter).toBe('one more')
  })

  it('asks again when a second handler wants more', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    await client.subscribe('a', { qos: 0 }, () => {})
    expect((await client.subscribe('a', { qos: 2 }, () => {})).qos).toBe(2)
    const asked = (await peer.connection(0)).all('subscribe').map((p) => p.subscriptions[0]?.qos)
    expect(asked).toEqual([0, 2])
  })

  it('takes shared subscriptions for what they select', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const seen: string[] = []
    await client.subscribe('$share/group/a/+', (m) => seen.push(m.topic))
    ;(await peer.connection(0)).publish('a/b', 'x')
    await until(() => seen.length > 0)
    expect(seen).toEqual(['a/b'])
  })
})

describe('handlers', () => {
  it('are what is acknowledged: in order of arrival, each after it has settled [promise 9] [MQTT-4.6.0-2]', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const gates = [gate(), gate(), gate()]
    await client.subscribe('t', { qos: 2 }, (m) => gates[Number(text(m.payload))]?.promise)
    const server = await peer.connection(0)
    server.publish('t', '0', { qos: 1, packetIdentifier: 10 })
    server.publish('t', '1', { qos: 2, packetIdentifier: 11 })
    server.publish('t', '2', { qos: 1, packetIdentifier: 12 })
    await until(() => client.stats().handlersRunning === 3)
    gates[2]?.open()
    gates[1]?.open()
    await until(() => client.stats().handlersRunning === 1)
    await client.publish('ping', 'pong', { qos: 1 })
    expect(server.received.filter((p) => p.type === 'puback' || p.type === 'pubrec')).toEqual([])
    gates[0]?.open()
    await server.packet('puback', 1)
    const order = server.received.flatMap((p) =>
      p.type === 'puback' || p.type === 'pubrec' ? [`${p.type} ${p.packetIdentifier}`] : [],
    )
    expect(order).toEqual(['puback 10', 'pubrec 11', 'puback 12'])
  })

  it('may publish and wait for it without a deadlock [promise 10]', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer, { receiveMaximum: 2 })
    const done: unknown[] = []
    await client.subscribe('t', async () => {
      done.push(await client.publish('answer', 'x', { qos: 2 }))
    })
    const server = await peer.connection(0)
    for (let i = 1; i <= 2; i++) server.publish('t', 'x', { qos: 1, packetIdentifier: i })
    await server.packet('puback', 1)
    expect(done).toEqual([{ reasonCode: 0 }, { reasonCode: 0 }])
  })

  it('that fail are reported, and acknowledged with a reason code or left, as asked [promise 9]', async () => {
    const peer = await startPeer()
    const { errors, onBackgroundError } = collectErrors()
    const client = await connectTo(peer, { onBackgroundError })
    const handler = async (): Promise<void> => {
      throw new Error('out of order')
    }
    await client.subscribe('acknowledged', { qos: 2 }, handler)
    await client.subscribe('left', { qos: 2, whenHandlerFails: 'leave' }, handler)
    await client.subscribe('thrown', () => {
      throw new Error('at once')
    })
    const server = await peer.connection(0)
    server.publish('left', 'x', { qos: 1, packetIdentifier: 1 })
    server.publish('acknowledged', 'x', { qos: 1, packetIdentifier: 2 })
    server.publish('left', 'x', { qos: 2, packetIdentifier: 3 })
    server.publish('acknowledged', 'x', { qos: 2, packetIdentifier: 4 })
    server.publish('thrown', 'x')
    server.publish('acknowledged', 'x')
    await server.packet('pubrec')
    await until(() => errors.length === 6)
    expect(server.all('puback')).toMatchObject([{ packetIdentifier: 2, reasonCode: 0x83 }])
    expect(server.all('pubrec')).toMatchObject([{ packetIdentifier: 4, reasonCode: 0x83 }])
    expect(errors[0]).toMatchObject({ name: 'MessageError', code: 'handler-failed' })
    expect(client.stats()).toMatchObject({ handlerFailures: 6, handlersRunning: 0 })
  })

  it('that fail at QoS 2 end the exchange: the identifier is free for another message [promise 9] [MQTT-4.3.3-9]', async () => {
    const peer = await startPeer()
    // No PUBREL follows a failure.
    peer.follow({ pubrec: () => {} })
    const { errors, onBackgroundError } = collectErrors()
    const client = await connectTo(peer, { onBackgroundError })
    const seen: string[] = []
    await client.subscribe('t', { qos: 2 }, ({ payload }) => {
      seen.push(text(payload))
      if (seen.length === 1) throw new Error('no')
    })
    const server = await peer.connection(0)
    server.publish('t', 'first', { qos: 2, packetIdentifier: 7 })
    expect(await server.packet('pubrec')).toMatchObject({ packetIdentifier: 7, reasonCode: 0x83 })
    server.publish('t', 'second', { qos: 2, packetIdentifier: 7 })
    expect(await server.packet('pubrec', 1)).toMatchObject({ packetIdentifier: 7, reasonCode: 0 })
    expect(seen).toEqual(['first', 'second'])
    expect(errors).toHaveLength(1)
  })

  it('of QoS 0 are bounded in number, and what comes beyond is dropped and counted [promise 10]', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer, { keepAliveSeconds: 0 })
    let calls = 0
    await client.subscribe('t', { qos: 0 }, () => {
      calls++
      return new Promise(() => {})
    })
    const server = await peer.connection(0)
    for (let i = 0; i < 65_540; i++) server.publish('t', '')
    await expect.poll(() => client.stats().messagesReceived).toBe(65_540)
    expect([calls, client.stats().messagesDroppedOnReceipt]).toEqual([65_536, 4])
  })

  it('get a QoS 2 message once, however often it is sent [MQTT-4.3.3-10]', async () => {
    const peer = await startPeer()
    peer.follow({ pubrec: () => {} })
    const client = await connectTo(peer)
    const seen: string[] = []
    await client.subscribe('t', { qos: 2 }, (m) => seen.push(text(m.payload)))
    const server = await peer.connection(0)
    server.publish('t', 'x', { qos: 2, packetIdentifier: 5 })
    server.publish('t', 'x', { qos: 2, packetIdentifier: 5, dup: true })
    await server.packet('pubrec', 1)
    server.acknowledge('pubrel', 5)
    await server.packet('pubcomp')
    server.publish('t', 'another', { qos: 2, packetIdentifier: 5 })
    server.acknowledge('pubrel', 99)
    expect(await server.packet('pubcomp', 1)).toMatchObject({ packetIdentifier: 99, reasonCode: 0x92 })
    expect(seen).toEqual(['x', 'another'])
  })

  it('at work when the connection breaks are not called again for the same message', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const work = gate()
    let calls = 0
    await client.subscribe('t', () => {
      calls++
      return work.promise
    })
    const first = await peer.connection(0)
    first.publish('t', 'x', { qos: 1, packetIdentifier: 7 })
    await until(() => calls === 1)
    peer.follow({ connect: (_, server) => server.accept({ sessionPresent: true }) })
    first.cut()
    const second = await peer.connection(1)
    await until(() => client.state === 'connected')
    second.publish('t', 'x', { qos: 1, packetIdentifier: 7, dup: true })
    second.publish('t', 'another', { qos: 1, packetIdentifier: 7, dup: true })
    await until(() => calls === 2)
    work.open()
    expect(await second.packet('puback', 1)).toMatchObject({ packetIdentifier: 7, reasonCode: 0 })
    expect(calls).toBe(2)
  })

  it('registered before the connection get what a resumed session delivers first [promise 12]', async () => {
    const peer = await startPeer()
    peer.follow({
      connect: (_, server) => {
        server.accept({ sessionPresent: true })
        server.publish('t', 'first', { qos: 1, packetIdentifier: 1 })
        server.publish('other', 'unwanted', { qos: 1, packetIdentifier: 2 })
      },
    })
    const unhandled: string[] = []
    const client = makeClient({
      url: peer.url,
      cleanStart: false,
      onUnhandledMessage: (m) => unhandled.push(m.topic),
    })
    const seen: string[] = []
    const subscribed = client.subscribe('t', (m) => seen.push(text(m.payload)))
    await client.connect()
    await subscribed
    const server = await peer.connection(0)
    await server.packet('puback', 1)
    expect([seen, unhandled]).toEqual([['first'], ['other']])
    expect(client.stats().messagesUnhandled).toBe(1)
  })

  it('never have more than our Receive Maximum to do [promise 10] [MQTT-3.3.4-9]', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer, { receiveMaximum: 2, reconnect: false })
    await client.subscribe('t', () => new Promise(() => {}))
    const server = await peer.connection(0)
    for (let i = 1; i <= 3; i++) server.publish('t', 'x', { qos: 1, packetIdentifier: i })
    expect(await server.packet('disconnect')).toMatchObject({ reasonCode: 0x93 })
    expect(client.stats().handlersRunning).toBe(2)
  })

  it('see the topic that an alias stands for [MQTT-3.3.2-12]', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer, { topicAliasMaximum: 2, reconnect: false })
    const seen: string[] = []
    await client.subscribe('#', (m) => seen.push(`${m.topic} ${text(m.payload)}`))
    const server = await peer.connection(0)
    expect(server.connect.properties?.topicAliasMaximum).toBe(2)
    server.publish('a', '1', { properties: { topicAlias: 2 } })
    server.publish('', '2', { properties: { topicAlias: 2 } })
    server.publish('a', '3', { properties: { topicAlias: 3 } })
    expect(await server.packet('disconnect')).toMatchObject({ reasonCode: 0x94 })
    expect(seen).toEqual(['a 1', 'a 2'])
  })
})

describe('after a reconnect', () => {
  it('subscriptions are restored one by one where the session is lost; a refusal concerns itself [promise 11]', async () => {
    const peer = await startPeer()
    const { errors, onBackgroundError } = collectErrors()
    const client = await connectTo(peer, { onBackgroundError })
    for (const filter of ['a', 'b', 'c']) await client.subscribe(filter, () => {})
    peer.follow({
      subscribe: ({ packetIdentifier, subscriptions }, server) => {
        const reasonCodes = subscriptions.map(({ filter }) => (filter === 'b' ? 0x87 : 1))
        server.send({ type: 'suback', packetIdentifier, reasonCodes, properties: undefined })
      },
    })
    ;(await peer.connection(0)).cut()
    const second = await peer.connection(1)
    await second.packet('subscribe', 2)
    expect(second.all('subscribe').map((p) => p.subscriptions.map((s) => s.filter))).toEqual([
      ['a'],
      ['b'],
      ['c'],
    ])
    await until(() => errors.length > 0)
    expect(errors).toMatchObject([{ name: 'SubscriptionError', code: 'refused', reasonCode: 0x87 }])
    // It stays wanted: the next server may be of another mind.
    second.cut()
    await (await peer.connection(2)).packet('subscribe', 2)
  })

  it('nothing is asked again where the session is there, but for what was not answered', async () => {
    const peer = await startPeer()
    peer.follow({
      subscribe: ({ packetIdentifier, subscriptions }, server) => {
        const isLate = subscriptions[0]?.filter === 'late' && peer.connections.length === 1
        if (!isLate)
          server.send({ type: 'suback', packetIdentifier, reasonCodes: [1], properties: undefined })
      },
      connect: (packet, server) => server.accept({ sessionPresent: !packet.cleanStart }),
    })
    const client = await connectTo(peer)
    await client.subscribe('a', () => {})
    await client.subscribe('gone', () => {})
    const late = client.subscribe('late', () => {})
    const first = await peer.connection(0)
    await first.packet('subscribe', 2)
    first.cut()
    await until(() => client.state !== 'connected')
    await client.unsubscribe('gone')
    await expect(late).resolves.toMatchObject({ filter: 'late' })
    const second = await peer.connection(1)
    expect(second.all('subscribe').map((p) => p.subscriptions[0]?.filter)).toEqual(['late'])
    expect(second.all('unsubscribe').map((p) => p.filters)).toEqual([['gone']])
  })
})

describe('messages()', () => {
  it('subscribes with the first next(), before what is published after it', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    void client.messages('t').next()
    await client.publish('t', 'x', { qos: 1 })
    const { received } = await peer.connection(0)
    expect(received.map(({ type }) => type)).toEqual(['connect', 'subscribe', 'publish'])
  })

  it('yields messages, acknowledges each when the next is asked for, and unsubscribes at the end', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const server = await peer.connection(0)
    const seen: string[] = []
    const loop = (async () => {
      for await (const message of client.messages('t')) {
        seen.push(text(message.payload))
        await client.publish('sync', 'x', { qos: 1 })
        expect(server.all('puback')).toHaveLength(seen.length - 1)
        if (seen.length === 3) break
      }
    })()
    await server.packet('subscribe')
    for (let i = 1; i <= 3; i++) server.publish('t', `${i}`, { qos: 1, packetIdentifier: i })
    await loop
    expect(seen).toEqual(['1', '2', '3'])
    await server.packet('puback', 2)
    expect(server.all('unsubscribe')).toHaveLength(1)
  })

  it('rejects where the subscription is refused, and ends when the client is closed', async () => {
    const peer = await startPeer()
    peer.follow({
      subscribe: ({ packetIdentifier, subscriptions }, server) =>
        server.send({
          type: 'suback',
          packetIdentifier,
          reasonCodes: [subscriptions[0]?.filter === 'no' ? 0x87 : 0],
          properties: undefined,
        }),
    })
    const client = await connectTo(peer)
    expect(await rejection(client.messages('no').next())).toMatchObject({ code: 'refused' })
    const next = client.messages('yes').next()
    await (await peer.connection(0)).packet('subscribe', 1)
    await client.close()
    expect(await next).toEqual({ done: true, value: undefined })
  })

  it('keeps a bounded number of QoS 0 messages for a slow consumer', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const messages = client.messages('t', { maximumBuffered: 2 })
    const first = messages.next()
    const server = await peer.connection(0)
    await server.packet('subscribe')
    for (let i = 1; i <= 5; i++) server.publish('t', `${i}`)
    await first
    await until(() => client.stats().messagesReceived === 5)
    expect(client.stats().messagesDroppedOnReceipt).toBe(2)
    expect(text((await messages.next()).value.payload)).toBe('2')
    await messages.return?.()
  })

  it('that are left by break: drops what nobody has seen, and counts it', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const server = await peer.connection(0)
    await leaveAfterOne(client, 't', server, 5)
    await expect.poll(() => server.all('puback').map((p) => p.packetIdentifier)).toEqual([1, 2, 3, 4, 5])
    expect(client.stats().messagesDroppedOnReceipt).toBe(4)
  })

  it('that are left by break: does not acknowledge what others of the group may still get', async () => {
    const peer = await startPeer()
    peer.follow({
      unsubscribe: ({ packetIdentifier }, server) => {
        // On its way while the server learns that we leave.
        server.publish('t', 'late', { qos: 1, packetIdentifier: 9 })
        server.send({ type: 'unsuback', packetIdentifier, reasonCodes: [0], properties: undefined })
      },
    })
    const client = await connectTo(peer)
    const server = await peer.connection(0)
    await leaveAfterOne(client, '$share/g/t', server, 5)
    server.publish('other', 'x', { qos: 1, packetIdentifier: 10 })
    await server.packet('puback', 1)
    expect(server.all('puback').map((p) => p.packetIdentifier)).toEqual([1, 10])
    expect(client.stats().connects).toBe(1)
  })

  it('that are left by break with much unseen: makes room by a connection that resumes the session', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const server = await peer.connection(0)
    await leaveAfterOne(client, '$share/g/t', server, 20)
    expect((await server.packet('disconnect')).reasonCode).toBe(0)
    expect(await (await peer.connection(1)).packet('connect')).toMatchObject({ cleanStart: false })
    expect(server.all('puback').map((p) => p.packetIdentifier)).toEqual([1])
  })
})

/** Reads one of `messages`, and leaves the loop when all of them are there. */
async function leaveAfterOne(
  client: Client,
  filter: string,
  server: PeerConnection,
  messages: number,
): Promise<void> {
  const loop = (async () => {
    for await (const _ of client.messages(filter)) {
      await until(() => client.stats().messagesReceived === messages)
      break
    }
  })()
  await server.packet('subscribe')
  for (let i = 1; i <= messages; i++) server.publish('t', `${i}`, { qos: 1, packetIdentifier: i })
  await loop
}

it('subscribing is refused at once where the client has stopped, like publishing; and works after reset()', async () => {
  const peer = await startPeer()
  const client = await connectTo(peer)
  ;(await peer.connection(0)).send({ type: 'disconnect', reasonCode: 0x8e, properties: undefined })
  await until(() => client.state === 'error')
  const expected = { name: 'SubscriptionError', code: 'offline', retryable: true }
  const refused = await rejection(client.subscribe('a', () => {}))
  expect(refused).toMatchObject(expected)
  expect(refused.message).toContain("subscription to 'a': ")
  expect(refused.message).toContain('sessionTakenOver (0x8e)')
  expect(await rejection(client.messages('a').next())).toMatchObject(expected)
  client.reset()
  expect((await client.subscribe('a', () => {})).qos).toBe(1)
})
