import { connectPacket, FakeClock, publishPacket, RawClient, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { createBroker, insecureAuthenticator } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

describe('connection', () => {
  it('assigns an identifier where the version allows none [MQTT-3.1.3-6] [MQTT-3.1.3-8 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const five = await RawClient.open(port)
    expect((await five.handshake()).properties?.assignedClientIdentifier).toMatch(/^auto-/)
    const clean = await RawClient.open(port, 4)
    expect((await clean.handshake({ cleanStart: true })).reasonCode).toBe(0)
    const kept = await RawClient.open(port, 4)
    expect((await kept.handshake({ cleanStart: false })).reasonCode).toBe(0x85)
    await kept.closed
    const old = await RawClient.open(port, 3)
    expect((await old.handshake()).reasonCode).toBe(0x85)
  })

  it('announces its limits in CONNACK', async () => {
    const limits = { receiveMaximum: 7, packetBytes: 5000, topicAliases: 3, keepAliveSeconds: 30 }
    const { port } = await startBroker({
      limits: { ...limits, sessionExpirySeconds: 60 },
      responseInformation: (clientId) => `answers/${clientId}`,
    })
    const client = await RawClient.open(port)
    const properties = { sessionExpiryInterval: 1000, requestResponseInformation: 1 } as const
    const connack = await client.handshake({ clientId: 'c', keepAlive: 100, properties })
    expect(connack.properties).toMatchObject({
      receiveMaximum: 7,
      maximumPacketSize: 5000,
      topicAliasMaximum: 3,
      serverKeepAlive: 30,
      sessionExpiryInterval: 60,
      responseInformation: 'answers/c',
    })
  })

  it('ends when nothing was heard for one and a half keep alive intervals [MQTT-3.1.2-22]', async () => {
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ clock })
    const client = await RawClient.connect(port, { keepAlive: 10 })
    await clock.advance(14_000)
    expect(await client.settle()).toEqual([])
    await clock.advance(14_000)
    expect(await client.settle()).toEqual([])
    await clock.advance(15_000)
    expect((await client.expect('disconnect')).reasonCode).toBe(0x8d)
    await client.closed
    expect(broker.stats().keepAliveTimeouts).toBe(1)
  })

  it('leaves no timer when it has ended, in whatever way', async () => {
    const clock = new FakeClock()
    const { port } = await startBroker({ clock })
    const before = clock.pendingTimers
    await (await RawClient.connect(port, { keepAlive: 10 })).leave()
    await (await RawClient.connect(port, { keepAlive: 10 })).vanish()
    await (await RawClient.open(port)).vanish()
    await expect.poll(() => clock.pendingTimers).toBe(before)
  })

  it('handles what is sent right behind CONNECT, in order [MQTT-3.2.0-1]', async () => {
    const { port } = await startBroker()
    const watcher = await RawClient.connect(port)
    await watcher.subscribe('t', 1)
    const client = await RawClient.open(port)
    client.send(
      connectPacket(),
      publishPacket('t', '1', { qos: 1, packetIdentifier: 1 }),
      publishPacket('t', '2', { qos: 1, packetIdentifier: 2 }),
    )
    expect((await client.expect('connack')).reasonCode).toBe(0)
    expect((await client.expect('puback')).packetIdentifier).toBe(1)
    expect((await client.expect('puback')).packetIdentifier).toBe(2)
    expect(await watcher.received()).toEqual(['t=1 q1', 't=2 q1'])
  })

  it('drops and counts QoS 0 for a subscriber that does not read, and nobody else notices [promise 35]', async () => {
    const { broker, port } = await startBroker({ limits: { queuedBytes: 500_000 } })
    const slow = await RawClient.connect(port, { clientId: 'slow' })
    await slow.subscribe('t')
    slow.socket.pause()
    const fast = await RawClient.connect(port)
    await fast.subscribe('t')
    const a = await RawClient.connect(port)
    const payload = 'x'.repeat(50_000)
    let sent = 0
    while (broker.stats().droppedSlow < 10) {
      a.publish('t', payload)
      sent++
      expect(text(await fast.expect('publish'))).toHaveLength(payload.length + 2)
    }
    slow.socket.resume()
    const got = await slow.settle()
    expect(got.length + broker.stats().droppedSlow).toBe(sent)
  })

  it('keeps QoS 1 for a subscriber that does not read until it does', async () => {
    const { broker, port } = await startBroker()
    const slow = await RawClient.connect(port, { clientId: 'slow' })
    await slow.subscribe('t', 1)
    slow.socket.pause()
    const a = await RawClient.connect(port)
    const payload = 'x'.repeat(50_000)
    let sent = 0
    while (broker.stats().queuedMessages < 5) {
      await a.publishOnce('t', payload)
      sent++
    }
    slow.socket.resume()
    for (let n = 0; n < sent; n++) {
      const publish = await slow.expect('publish')
      expect(publish.payload).toHaveLength(payload.length)
      slow.acknowledge(publish)
    }
    await slow.settle()
    expect(broker.stats()).toMatchObject({ queuedMessages: 0, inFlightMessages: 0, droppedOverflow: 0 })
  })
})

describe('close', () => {
  it('tells MQTT 5.0 clients 0x8B and everybody the end [promise 38]', async () => {
    const { broker, port } = await startBroker()
    const five = await RawClient.connect(port)
    const four = await RawClient.connect(port, { protocolVersion: 4, clientId: 'four' })
    const closing = broker.close({ graceMs: 1000 })
    expect((await five.expect('disconnect')).reasonCode).toBe(0x8b)
    expect(await four.next()).toBeUndefined()
    await closing
    await expect(RawClient.open(port)).rejects.toThrow('ECONNREFUSED')
  })

  it('sends clients to another server where there is one', async () => {
    const { broker, port } = await startBroker()
    const five = await RawClient.connect(port)
    const closing = broker.close({ serverReference: 'other:8883' })
    const disconnect = await five.expect('disconnect')
    expect(disconnect).toMatchObject({ reasonCode: 0x9c, properties: { serverReference: 'other:8883' } })
    await closing
  })

  it('does not wait longer than its grace for a client that never reads', async () => {
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ clock })
    const stuck = await RawClient.connect(port)
    stuck.socket.pause()
    const closing = broker.close({ graceMs: 1000 })
    // Half closed and not reading, the client never finishes by itself.
    await new Promise((resolve) => setImmediate(resolve))
    await clock.advance(1000)
    await closing
    expect(broker.stats().connections).toBe(0)
  })
})

describe('options', () => {
  const authenticator = insecureAuthenticator()

  it('refuse a plain listener that does not say it is insecure [promise 37]', async () => {
    const listeners = [{ host: '127.0.0.1', port: 0 }]
    await expect(createBroker({ listeners, authenticator })).rejects.toMatchObject({
      code: 'listener-insecure',
      message: expect.stringContaining('insecure: true'),
    })
  })

  it('refuse a limit out of its range, or unknown, by name [promise 37]', async () => {
    const limits = { receiveMaximum: 70_000 }
    await expect(createBroker({ listeners: [], authenticator, limits })).rejects.toThrow(
      'limits.receiveMaximum: got 70000; expected a whole number from 1 to 65535',
    )
    const unknown = { clients: 1 } as object
    await expect(createBroker({ listeners: [], authenticator, limits: unknown })).rejects.toThrow(
      'limits.clients: there is no such limit',
    )
  })

  it('say which port is taken [promise 37]', async () => {
    const { port } = await startBroker()
    const listeners = [{ host: '127.0.0.1', port, insecure: true }]
    const second = await createBroker({ listeners, authenticator })
    await expect(second.listen()).rejects.toMatchObject({
      code: 'address-in-use',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    })
    await second.close()
  })
})

describe('limits', () => {
  it('bound connections: one more is told 0x89 [promise 34]', async () => {
    const { port } = await startBroker({ limits: { connections: 2 } })
    const first = await RawClient.connect(port)
    await RawClient.connect(port)
    const third = await RawClient.open(port)
    expect((await third.handshake()).reasonCode).toBe(0x89)
    await third.closed
    await first.leave()
    await RawClient.connect(port)
  })

  it('bound connections of one address, and those without CONNECT [promise 34]', async () => {
    for (const limits of [{ connectionsPerAddress: 2 }, { pendingConnections: 2 }]) {
      const { broker, port } = await startBroker({ limits: { ...limits, waitingConnections: 0 } })
      const idle = await RawClient.open(port)
      await RawClient.open(port)
      await until(() => broker.stats().connectionsAccepted === 2)
      const third = await RawClient.open(port)
      await third.closed
      expect(broker.stats().connectionsRefused).toBe(1)
      expect((await idle.handshake()).reasonCode).toBe(0)
    }
  })

  it('end a connection that does not say CONNECT in time [promise 34]', async () => {
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ clock, limits: { connectTimeoutMs: 5000 } })
    const client = await RawClient.open(port)
    client.sendBytes(Buffer.from([0x10]))
    await until(() => broker.stats().bytesReceived === 1)
    await clock.advance(5000)
    await client.closed
    expect(broker.stats().connections).toBe(0)
  })
})
