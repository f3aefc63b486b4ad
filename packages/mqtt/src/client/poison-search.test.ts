import {
  FakeClock,
  FaultProxy,
  MqttPeer,
  type PeerConnection,
  type Script,
  settled,
  until,
} from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Client, ConnectOptions } from '../index.js'
import { collectErrors, makeHarness, rejection, text } from '../test-support/harness.js'
import { HeldStore } from '../test-support/held-store.js'

const { connectTo, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

const JUNK = 'junk/blah\t'
const STORED = { qos: 1, until: 'stored' } as const

type End = (server: PeerConnection) => void
const cuts: End = (server) => server.cut()
const says =
  (reasonCode: number): End =>
  (server) =>
    server.send({ type: 'disconnect', reasonCode, properties: undefined })

/** Takes every message but those on topics that begin with `junk`; keeps the sessions. */
function strict(end: End, taken: string[]): Script {
  return {
    connect: (packet, server) => server.accept({ sessionPresent: !packet.cleanStart }),
    publish: ({ topic, payload, qos, packetIdentifier }, server) => {
      // What stands behind the last packet that it looked at.
      if (server.socket.destroyed) return
      if (topic.startsWith('junk')) return end(server)
      taken.push(text(payload))
      if (qos !== 0) server.acknowledge(qos === 1 ? 'puback' : 'pubrec', packetIdentifier)
    },
    subscribe: ({ subscriptions, packetIdentifier }, server) => {
      if (subscriptions[0]?.filter.startsWith('junk')) return end(server)
      server.send({ type: 'suback', packetIdentifier, reasonCodes: [1], properties: undefined })
    },
    unsubscribe: ({ filters, packetIdentifier }, server) => {
      if (filters[0]?.startsWith('junk')) return end(server)
      server.send({ type: 'unsuback', packetIdentifier, reasonCodes: [0], properties: undefined })
    },
  }
}

async function start(end: End, options: ConnectOptions = {}) {
  const peer = await startPeer()
  const taken: string[] = []
  peer.follow(strict(end, taken))
  const clock = new FakeClock()
  const { errors, onBackgroundError } = collectErrors()
  const client = await connectTo(peer, {
    clock,
    reconnect: { jitter: 0 },
    keepAliveSeconds: 0,
    onBackgroundError,
    ...options,
  })
  client.onState(() => {})
  return { peer, client, clock, taken, errors }
}

/** Time goes on until `isDone`. */
async function pass(client: Client, clock: FakeClock, isDone: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!isDone() && performance.now() < end) {
    if (client.state === 'reconnecting') await clock.advance(client.status.delayMs ?? 0)
    await settled(5)
  }
  expect(isDone()).toBe(true)
}

describe('a message under which the connection ends again and again', () => {
  it.each([
    ['cuts, MQTT 3.1.1', cuts, { protocolVersion: 4 }],
    ['cuts, MQTT 5.0', cuts, {}],
    ['says DISCONNECT 0x95', says(0x95), {}],
    ['says DISCONNECT 0x87', says(0x87), { credentials: { username: 'me' } }],
  ] as const)('is found and refused, and the others go on in order: %s', async (_, end, options) => {
    const { client, clock, taken } = await start(end, options)
    const fates = ['1', '2', JUNK, '3', '4', '5'].map((name) =>
      client.publish(name === JUNK ? JUNK : 't', name, { qos: 1 }).then(
        () => 'taken',
        (error) => error,
      ),
    )
    let settledFates: unknown[] = []
    Promise.all(fates).then((all) => {
      settledFates = all
    })
    await pass(client, clock, () => settledFates.length > 0)
    expect(settledFates).toEqual(['taken', 'taken', expect.any(Error), 'taken', 'taken', 'taken'])
    expect(settledFates[2]).toMatchObject({ name: 'PublishError', code: 'refused', mayBeDelivered: true })
    expect((settledFates[2] as Error).message).toMatch(
      /^publish to 'junk\/blah\t' \(10 bytes\): .* also where it is sent alone/,
    )
    expect([...new Set(taken)]).toEqual(['1', '2', '3', '4', '5'])
    expect([client.state, client.stats().messagesRefused]).toEqual(['connected', 1])
  })

  it('holds up those behind it for some seconds, no more', async () => {
    const { client, clock } = await start(cuts)
    const bad = rejection(client.publish(JUNK, 'x', { qos: 1 }))
    const begunAtMs = clock.now()
    let good = 0
    client.publish('t', 'good', { qos: 1 }).then(() => {
      good = clock.now()
    })
    await pass(client, clock, () => good > 0)
    expect(await bad).toMatchObject({ code: 'refused' })
    expect(good - begunAtMs).toBeLessThanOrEqual(4000)
  })

  it('is found at QoS 2, and where several stand side by side', async () => {
    const { client, clock, taken } = await start(cuts)
    const junk = Array.from({ length: 6 }, (_, i) => rejection(client.publish(JUNK, `${i}`, { qos: 2 })))
    const good = client.publish('t', 'good', { qos: 2 })
    let isOver = false
    Promise.all([...junk, good]).then(() => {
      isOver = true
    })
    await pass(client, clock, () => isOver)
    for (const error of await Promise.all(junk)) expect(error).toMatchObject({ code: 'refused' })
    expect(new Set(taken)).toEqual(new Set(['good']))
    expect(client.state).toBe('connected')
    await client.drained()
  })

  it('becomes a dead letter with its reason where nobody waits for it, and stays one in the store', async () => {
    const store = new HeldStore()
    const { client, clock, errors } = await start(says(0x95), { store })
    await client.publish(JUNK, 'x', STORED)
    await client.publish('t', 'good', STORED)
    await pass(client, clock, () => client.deadLetters.size === 1)
    await pass(client, clock, () => client.stats().messagesAcknowledged === 1)
    expect(await client.deadLetters.list()).toMatchObject([
      {
        topic: JUNK,
        reason: { code: 'refused', reasonCode: 0x95, message: expect.stringContaining('packetTooLarge') },
      },
    ])
    expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining('; dead letter 0')])
  })

  it('is told of where its publisher has given up, and does not come back', async () => {
    const { client, clock, errors } = await start(cuts)
    const gaveUp = rejection(client.publish(JUNK, 'x', { qos: 1, timeoutMs: 10 }))
    await clock.advance(10)
    expect(await gaveUp).toMatchObject({ code: 'timeout', mayBeDelivered: true })
    const good = client.publish('t', 'good', { qos: 1 })
    await pass(client, clock, () => errors.length > 0)
    expect(errors).toMatchObject([{ name: 'PublishError', code: 'refused' }])
    await pass(client, clock, () => client.stats().messagesAcknowledged === 1)
    await good
  })
})

describe('a subscription under which the connection ends again and again', () => {
  it('is refused alone, and asked for again only where somebody wants it again', async () => {
    const { peer, client, clock, taken } = await start(cuts)
    const bad = rejection(client.subscribe('junk/#', () => {}))
    const good = client.subscribe('a/#', () => {})
    const published = client.publish('t', 'x', { qos: 1 })
    let isOver = false
    Promise.all([bad, good, published]).then(() => {
      isOver = true
    })
    await pass(client, clock, () => isOver)
    expect(await bad).toMatchObject({ name: 'SubscriptionError', code: 'refused' })
    expect(new Set(taken)).toEqual(new Set(['x']))
    const before = peer.connections.length
    ;(await peer.connection(before - 1)).cut()
    await pass(client, clock, () => peer.connections.length > before && client.state === 'connected')
    expect((await peer.connection(before)).all('subscribe')).toEqual([])
    peer.follow({})
    ;(await peer.connection(before)).cut()
    await pass(client, clock, () => peer.connections.length > before + 1 && client.state === 'connected')
    expect((await client.subscribe('junk/#', () => {})).qos).toBe(1)
  })

  it('that worked before keeps its handlers, and the failure is told', async () => {
    const { peer, client, clock, errors } = await start(cuts)
    peer.follow({ connect: (_, server) => server.accept() })
    ;(await peer.connection(0)).cut()
    await pass(client, clock, () => peer.connections.length === 2 && client.state === 'connected')
    await client.subscribe('junk/#', () => {})
    await client.subscribe('a/#', () => {})
    peer.follow({ ...strict(cuts, []), connect: (_, server) => server.accept() })
    ;(await peer.connection(1)).cut()
    await pass(client, clock, () => errors.length > 0)
    expect(errors).toMatchObject([{ name: 'SubscriptionError', code: 'refused' }])
    await pass(client, clock, () => client.state === 'connected')
    const last = peer.connections.at(-1)
    await until(() => last?.all('subscribe').length === 1)
    expect(last?.all('subscribe')[0]?.subscriptions[0]?.filter).toBe('a/#')
  })

  it('cannot be taken back either, which is told', async () => {
    const { client, clock } = await start(cuts)
    const removed = rejection(client.unsubscribe('junk/#'))
    let error: unknown
    removed.then((found) => {
      error = found
    })
    await pass(client, clock, () => error !== undefined)
    expect(error).toMatchObject({ name: 'SubscriptionError', code: 'refused' })
  })
})

describe('connections that end by themselves', () => {
  it('have no message refused for it, however often that is', async () => {
    const { peer, client, clock, taken } = await start(cuts)
    peer.follow({ publish: (_, server) => cuts(server), pingreq: (_, server) => cuts(server) })
    ;(await peer.connection(0)).cut()
    await pass(client, clock, () => client.state === 'connected')
    const published = client.publish('t', 'x', { qos: 1 })
    await pass(client, clock, () => client.state === 'error')
    expect(client.status.cause).toMatchObject({ code: 'breaker-open' })
    peer.follow(strict(cuts, taken))
    client.reset()
    await pass(client, clock, () => taken.length === 1)
    await published
    expect(client.stats().messagesRefused).toBe(0)
  })

  it('and then hold get everything, in order, soon as fast as ever', async () => {
    const { peer, client, clock, taken } = await start(cuts)
    let cutsLeft = 2
    peer.follow({
      ...strict(cuts, taken),
      publish: (packet, server) => {
        if (cutsLeft === 0) return strict(cuts, taken).publish?.(packet, server)
        cutsLeft--
        server.cut()
      },
    })
    ;(await peer.connection(0)).cut()
    await pass(client, clock, () => client.state === 'connected')
    const sent = Array.from({ length: 100 }, (_, i) => String(i))
    const published = Promise.all(sent.map((name) => client.publish('t', name, { qos: 1 })))
    await pass(client, clock, () => client.stats().messagesAcknowledged === 100)
    await published
    expect(taken).toEqual(sent)
    expect([client.stats().messagesRefused, client.explain().sending.quota]).toEqual([0, 16_384])
  })
})
