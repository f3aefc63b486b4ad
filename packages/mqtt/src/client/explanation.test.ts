import { FakeClock, FaultProxy, MqttPeer, settled, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { collectErrors, makeHarness, rejection } from '../test-support/harness.js'
import { HeldStore } from '../test-support/held-store.js'

const { connectTo, makeClient, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

const QUIET = { keepAliveSeconds: 0 }

describe('explain() says', () => {
  it('that connect() was not called', () => {
    const client = makeClient({ url: 'mqtt://127.0.0.1:1' })
    void client.publish('t', 'x', { qos: 1 }).catch(() => {})
    expect(client.explain()).toMatchObject({
      because: 'connect() was not called.',
      state: 'disconnected',
      queue: { messages: 1, bytes: 2 },
      endpoint: undefined,
    })
  })

  it('that an attempt is under way', async () => {
    const peer = await startPeer()
    peer.follow({ connect: () => {} })
    const client = makeClient({ url: peer.url })
    client.connect().catch(() => {})
    await until(() => client.state === 'connecting')
    expect(client.explain().because).toBe(`Connecting to ${peer.url} (attempt 1).`)
  })

  it('when the next attempt follows, and why', async () => {
    const clock = new FakeClock()
    const client = makeClient({
      url: 'mqtt://127.0.0.1:1',
      clock,
      waitForConnection: false,
      reconnect: { jitter: 0 },
    })
    client.connect().catch(() => {})
    await until(() => client.state === 'reconnecting')
    await clock.advance(0)
    await until(() => client.explain().attempt === 3)
    void client.publish('t', 'x', { qos: 1 }).catch(() => {})
    await clock.advance(400)
    expect(client.explain()).toMatchObject({
      because:
        'Attempt 3 follows in 600 ms: connection with mqtt://127.0.0.1:1 failed: nobody listens there.',
      nextAttemptMs: 600,
      cause: { name: 'ConnectionError', code: 'unreachable' },
      breaker: { isOpen: false, failures: 2, failuresBeforeOpen: 10 },
      queue: { messages: 1, oldestAgeMs: 400 },
    })
  })

  it('that the breaker is open', async () => {
    const client = makeClient({
      url: 'mqtt://127.0.0.1:1',
      waitForConnection: false,
      reconnect: { failuresBeforeOpen: 1 },
    })
    await rejection(client.connect())
    expect(client.explain()).toMatchObject({ state: 'error', breaker: { isOpen: true, failures: 1 } })
    expect(client.explain().because).toMatch(
      /^The breaker is open, and reset\(\) closes it: .*nobody listens/,
    )
  })

  it('that the server stopped it, with its reason', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    const client = await connectTo(peer, { clock, ...QUIET })
    const properties = { reasonString: 'twice' }
    ;(await peer.connection(0)).send({ type: 'disconnect', reasonCode: 0x8e, properties })
    await until(() => client.state === 'error')
    await clock.advance(5000)
    const { because, lastFailures } = client.explain()
    expect(because).toMatch(/^The client has stopped, and reset\(\) makes it try again: .*sessionTakenOver/)
    expect(lastFailures.disconnect).toEqual({
      reasonCode: 0x8e,
      reasonString: 'twice',
      description: 'sessionTakenOver (0x8e)',
      agoMs: 5000,
    })
  })

  it("that the server's Receive Maximum is used up", async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    peer.follow({
      connect: (_, server) => server.accept({ properties: { receiveMaximum: 2, maximumQoS: 1 } }),
      publish: () => {},
    })
    const client = await connectTo(peer, { clock, ...QUIET })
    for (const payload of ['1', '2', '3']) void client.publish('t', payload, { qos: 1 }).catch(() => {})
    await clock.advance(1500)
    expect(client.explain()).toMatchObject({
      because:
        "1 messages wait for acknowledgements: the server's Receive Maximum is 2, and as many are unacknowledged.",
      server: { receiveMaximum: 2, maximumQoS: 1 },
      sending: { quota: 2, onWire: 2, inFlight: 2 },
      queue: { messages: 1, bytes: 2, oldestAgeMs: 1500 },
    })
  })

  it('that our own bound is, and that the server owes acknowledgements', async () => {
    const peer = await startPeer()
    peer.follow({ publish: () => {} })
    const client = await connectTo(peer, { maximumInFlight: 1 })
    void client.publish('t', 'x', { qos: 1 }).catch(() => {})
    expect(client.explain().because).toBe('1 messages were sent and are not acknowledged yet.')
    void client.publish('t', 'x', { qos: 1 }).catch(() => {})
    expect(client.explain().because).toContain('the option maximumInFlight is 1')
  })

  it('that the network takes no more', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    ;(await peer.connection(0)).stopReading()
    const payload = Buffer.alloc(1_048_576)
    for (let i = 0; i < 32; i++) client.publish('t', payload).catch(() => {})
    await settled()
    const { because, socket } = client.explain()
    expect(because).toBe(`The network takes no more: ${socket.bufferedBytes} bytes wait for it.`)
    expect(socket).toMatchObject({ isWritable: false })
    expect(socket.bufferedBytes).toBeGreaterThan(1_048_576)
  })

  it('that our own handlers hold up the server', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    const client = await connectTo(peer, { clock, receiveMaximum: 2, ...QUIET })
    await client.subscribe('t', () => new Promise(() => {}))
    const server = await peer.connection(0)
    server.publish('t', '1', { qos: 1, packetIdentifier: 1 })
    await until(() => client.stats().handlersRunning === 1)
    await clock.advance(700)
    expect(client.explain()).toMatchObject({
      because: '1 messages are with their handlers, the oldest for 700 ms.',
      receiving: { handlersRunning: 1, unacknowledged: 1, receiveMaximum: 2, oldestAgeMs: 700 },
    })
    server.publish('t', '2', { qos: 1, packetIdentifier: 2 })
    await until(() => client.stats().handlersRunning === 2)
    expect(client.explain().because).toBe(
      'The server may send no more: 2 messages, our Receive Maximum, are with their handlers, the oldest for 700 ms.',
    )
  })

  it('that there is no connection, and why', async () => {
    const client = makeClient({ url: 'mqtt://127.0.0.1:1' })
    await rejection(client.connect())
    expect(client.explain()).toMatchObject({
      because: 'There is no connection: connection with mqtt://127.0.0.1:1 failed: nobody listens there.',
      state: 'disconnected',
      cause: { code: 'unreachable' },
    })
  })

  it('that the store has not committed yet', async () => {
    const peer = await startPeer()
    const store = new HeldStore()
    const client = await connectTo(peer, { store })
    store.isHeld = true
    client.publish('t', 'x', { qos: 1 }).catch(() => {})
    await until(() => store.commitsAsked > 0)
    expect(client.explain()).toMatchObject({
      because: '1 messages wait for the store to commit them.',
      queue: { storing: 1 },
    })
    store.end()
  })

  it('that the oldest message holds up the packet identifiers', async () => {
    const peer = await startPeer()
    let oldest = 0
    peer.follow({
      publish: ({ packetIdentifier }, server) => {
        oldest ||= packetIdentifier
        if (packetIdentifier !== oldest) server.acknowledge('puback', packetIdentifier)
      },
    })
    const client = await connectTo(peer)
    for (let i = 0; i < 16_400; i++) client.publish('t', 'x', { qos: 1 }).catch(() => {})
    await expect.poll(() => client.stats().messagesAcknowledged).toBe(16_383)
    expect(client.explain()).toMatchObject({
      because: '16 messages wait: the unacknowledged ones take all packet identifiers or memory.',
      sending: { onWire: 1 },
    })
    peer.connections[0]?.acknowledge('puback', oldest)
    await expect.poll(() => client.explain().queue.messages).toBe(0)
  })

  it('that the server asked for less, whether messages are queued or not', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    const client = await connectTo(peer, { clock, ...QUIET })
    for (let i = 0; i < 40; i++) await client.publish('t', 'x')
    await clock.advance(1000)
    ;(await peer.connection(0)).send({ type: 'disconnect', reasonCode: 0x96, properties: undefined })
    await until(() => client.state === 'reconnecting')
    await clock.advance(0)
    await until(() => client.state === 'connected')
    client.publish('t', 'x').catch(() => {})
    expect(client.explain().because).toBe(
      'The server asked for less, so 20 messages a second leave at the most.',
    )
    for (let i = 0; i < 3; i++) client.publish('t', 'x', { qos: 1 }).catch(() => {})
    expect(client.explain().because).toBe('3 messages wait: the server asked for less, so 20 a second leave.')
  })

  it('that handlers of QoS 0 are at work, which hold up nothing', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    await client.subscribe('t', { qos: 0 }, () => new Promise(() => {}))
    ;(await peer.connection(0)).publish('t', 'x')
    await until(() => client.stats().handlersRunning === 1)
    expect(client.explain().because).toBe('1 handlers are at work on messages of QoS 0.')
  })

  it('that there are dead letters', async () => {
    const peer = await startPeer()
    peer.follow({
      publish: ({ packetIdentifier }, server) => server.acknowledge('puback', packetIdentifier, 0x87),
    })
    const { errors, onBackgroundError } = collectErrors()
    const client = await connectTo(peer, { onBackgroundError })
    await client.publish('t', 'x', { qos: 1, until: 'stored' })
    await until(() => errors.length > 0)
    expect(client.explain()).toMatchObject({
      because: '1 messages are dead letters: the server refuses them.',
      sending: { deadLetters: 1 },
    })
  })

  it('what was refused last, while nothing is held up', async () => {
    const peer = await startPeer()
    peer.follow({
      publish: ({ packetIdentifier }, server) => server.acknowledge('puback', packetIdentifier, 0x87),
      subscribe: ({ packetIdentifier }, server) =>
        server.send({ type: 'suback', packetIdentifier, reasonCodes: [0x8f], properties: undefined }),
    })
    const client = await connectTo(peer)
    await rejection(client.publish('t', 'x', { qos: 1 }))
    await rejection(client.subscribe('t', () => {}))
    expect(client.explain()).toMatchObject({
      because: 'Nothing is held up.',
      lastFailures: {
        publish: { reasonCode: 0x87 },
        subscribe: { reasonCode: 0x8f },
        connack: undefined,
        disconnect: undefined,
      },
    })
    // Plain data: it may be logged as it is.
    expect(JSON.parse(JSON.stringify(client.explain()))).toMatchObject({ state: 'connected' })
  })

  it('that the client is closed', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    await client.close()
    expect(client.explain()).toMatchObject({ because: 'The client is closed.', state: 'disconnected' })
  })
})
