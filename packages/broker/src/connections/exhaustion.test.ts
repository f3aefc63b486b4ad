import { Duplex } from 'node:stream'
import { encode, type Packet, Writer } from '@jamey/protocol'
import { connectPacket, FakeClock, publishPacket, RawClient, settled, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { AuthenticationRefused } from '../index.js'
import { insecureAuthenticator } from '../ports/authenticator.js'
import { Core } from '../server/core.js'
import { resolveLimits } from '../support/limits.js'
import { silentLog } from '../support/log.js'
import { startBroker } from '../test-support/start-broker.js'
import { Connection } from './connection.js'

function filters(count: number): { filter: string }[] {
  return Array.from({ length: count }, (_, i) => ({ filter: `f/${i}` }))
}

async function lastPacket(client: RawClient): Promise<Packet | undefined> {
  let last: Packet | undefined
  for (let packet = await client.next(); packet !== undefined; packet = await client.next()) last = packet
  return last
}

/** A client whose bytes are taken by nobody until `take`; `flood` sends PINGREQ until it is not read any more. */
async function deaf(keepAlive: number) {
  const clock = new FakeClock()
  const core = new Core({
    authenticator: insecureAuthenticator(),
    store: undefined,
    limits: resolveLimits({ queuedBytes: 1000 }),
    clock,
    log: silentLog,
    overflow: 'drop-newest',
    responseInformation: undefined,
  })
  let take = (): void => {}
  let takenBytes = 0
  const socket = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _, done) => {
      take = () => {
        takenBytes += chunk.length
        done()
      }
    },
    autoDestroy: true,
  })
  const connection = new Connection(core, socket, {
    remoteAddress: '',
    connectByMs: clock.now() + 10_000,
    certificate: undefined,
  })
  const writer = new Writer()
  encode(writer, connectPacket({ keepAlive }), 5)
  socket.push(Buffer.concat(writer.take()))
  await until(() => connection.state === 'open')
  await until(() => socket.writableLength > 0)
  const flood = async (): Promise<number> => {
    const pings = Buffer.alloc(65_536)
    for (let at = 0; at < pings.length; at += 2) pings[at] = 0xc0
    let blocks = 0
    while (!socket.isPaused() && blocks < 100) {
      socket.push(pings)
      blocks++
      await settled()
    }
    // Four blocks fill the socket, and behind it a mebibyte may wait.
    expect(blocks).toBeLessThan(24)
    return blocks * pings.length
  }
  return { clock, core, connection, socket, flood, take: () => take(), taken: () => takenBytes }
}

describe('a client that takes too much [promise 34]', () => {
  it('is refused every filter of a SUBSCRIBE that has more than may be', async () => {
    const { broker, port } = await startBroker({ limits: { filtersPerPacket: 3 } })
    const a = await RawClient.connect(port)
    expect((await a.subscribe(filters(4))).reasonCodes).toEqual([0x97, 0x97, 0x97, 0x97])
    const four = await RawClient.connect(port, { clientId: 'four', protocolVersion: 4 })
    expect((await four.subscribe(filters(4))).reasonCodes).toEqual([0x80, 0x80, 0x80, 0x80])
    expect(broker.stats().subscriptions).toBe(0)
    expect((await a.subscribe(filters(3))).reasonCodes).toEqual([0, 0, 0])
  })

  it('is told so for every filter of an UNSUBSCRIBE that has more than may be, where there are codes', async () => {
    const { broker, port } = await startBroker({ limits: { filtersPerPacket: 3 } })
    const names = filters(4).map(({ filter }) => filter)
    const unsubscribe = {
      type: 'unsubscribe',
      packetIdentifier: 1,
      filters: names,
      properties: undefined,
    } as const
    const five = await RawClient.connect(port)
    await five.subscribe(filters(3))
    five.send(unsubscribe)
    expect((await five.expect('unsuback')).reasonCodes).toEqual([0x83, 0x83, 0x83, 0x83])
    expect(broker.stats().subscriptions).toBe(3)
    const four = await RawClient.connect(port, { clientId: 'four', protocolVersion: 4 })
    await four.subscribe(filters(3))
    four.send(unsubscribe)
    await four.expect('unsuback')
    expect(broker.stats().subscriptions).toBe(3)
  })

  it('gets a retained message once for all copies of a filter in one SUBSCRIBE', async () => {
    const { port } = await startBroker()
    const a = await RawClient.connect(port)
    a.publish('r', 'x', { retain: true })
    await a.subscribe([
      { filter: 'r' },
      { filter: 'r', retainHandling: 2 },
      { filter: 'r', retainHandling: 1 },
    ])
    expect(await a.received()).toEqual(['r=x retain'])
    await a.subscribe([
      { filter: 'r', retainHandling: 2 },
      { filter: '+' },
      { filter: 'r', retainHandling: 1 },
    ])
    expect(await a.received()).toEqual(['r=x retain'])
  })

  it('may send a large message, and neither a large SUBSCRIBE nor large properties', async () => {
    const { port } = await startBroker({ limits: { controlPacketBytes: 1_000 } })
    const a = await RawClient.connect(port)
    await a.subscribe('t')
    a.publish('t', 'x'.repeat(5_000))
    expect(text(await a.expect('publish'))).toHaveLength(5_002)
    const subscriber = await RawClient.connect(port)
    const long = { filter: 'x'.repeat(1_000), qos: 0, noLocal: false, retainAsPublished: false } as const
    subscriber.send({
      type: 'subscribe',
      packetIdentifier: 1,
      subscriptions: [{ ...long, retainHandling: 0 }],
      properties: undefined,
    })
    expect(await lastPacket(subscriber)).toMatchObject({ type: 'disconnect', reasonCode: 0x95 })
    const publisher = await RawClient.connect(port)
    const userProperties = Array.from({ length: 201 }, () => ['', ''] as const)
    publisher.send(publishPacket('t', 'x', { properties: { userProperties } }))
    expect(await lastPacket(publisher)).toMatchObject({ type: 'disconnect', reasonCode: 0x95 })
  })

  it('is sent all that is retained, however much it asks for in one turn: a piece at a time', async () => {
    const { broker, port } = await startBroker({ limits: { queuedBytes: 500_000 } })
    const a = await RawClient.connect(port)
    for (let i = 0; i < 20; i++) a.publish(`r/${i}`, 'x'.repeat(50_000), { retain: true })
    await a.settle()
    const greedy = await RawClient.connect(port)
    const names = ['#', '+/#', 'r/#', 'r/+', '+/+', '$share/g/#'].map((filter) => ({ filter }))
    await greedy.subscribe(names)
    for (let i = 0; i < 100; i++) await greedy.expect('publish')
    expect(broker.stats().droppedSlow).toBe(0)
  })

  it('is sent no more than its queue may hold, however much is published in one turn', async () => {
    const { broker, port } = await startBroker({ limits: { queuedBytes: 500_000 } })
    const slow = await RawClient.connect(port)
    await slow.subscribe('t')
    slow.socket.pause()
    const a = await RawClient.connect(port)
    for (let i = 0; i < 400; i++) a.publish('t', 'x'.repeat(50_000))
    await a.settle()
    slow.socket.resume()
    const got = await slow.received()
    expect(broker.stats().droppedSlow).toBeGreaterThan(0)
    expect(got.length + broker.stats().droppedSlow).toBe(400)
  })

  it('is not read any more while it does not take its answers, and is answered when it does', async () => {
    const { connection, socket, taken, take, flood } = await deaf(0)
    const connackBytes = socket.writableLength
    const floodBytes = await flood()
    expect(connection.sender.backlogBytes).toBeLessThan(1_500_000)
    while (taken() < connackBytes + floodBytes) {
      take()
      await settled(1)
    }
    expect(socket.isPaused()).toBe(false)
    connection.destroy()
  })

  it('is ended by its keep alive while it does not take its answers [MQTT-3.1.2-22]', async () => {
    const { clock, connection, core, flood } = await deaf(10)
    await flood()
    await clock.advance(14_999)
    expect(connection.state).toBe('open')
    await clock.advance(1)
    expect(connection.state).toBe('closing')
    expect(core.counters.keepAliveTimeouts).toBe(1)
    connection.destroy()
  })

  it('is not read because something else has ended that was waited for', async () => {
    const { connection, socket, flood } = await deaf(0)
    await flood()
    connection.pauseReading()
    connection.resumeReading()
    expect(socket.isPaused()).toBe(true)
    connection.destroy()
  })

  it('cannot retain more than its share, and others still can', async () => {
    const { broker, port } = await startBroker({ limits: { retainedMessagesPerClient: 2 } })
    const a = await RawClient.connect(port)
    const codes: number[] = []
    for (const topic of ['r/1', 'r/2', 'r/3']) codes.push(await a.publishOnce(topic, 'x', { retain: true }))
    const b = await RawClient.connect(port)
    codes.push(await b.publishOnce('r/4', 'x', { retain: true }))
    expect(codes).toEqual([0x10, 0x10, 0x97, 0x10])
    expect(broker.stats()).toMatchObject({ retainedMessages: 3, retainedRefused: 1 })
  })

  it('does not count as waiting for CONNECT once it is in, and waits with its like before', async () => {
    const { broker, port } = await startBroker({ limits: { pendingPerAddress: 2, waitingConnections: 0 } })
    const inside = []
    for (let i = 0; i < 3; i++) inside.push(await RawClient.connect(port))
    const idle = [await RawClient.open(port), await RawClient.open(port)]
    const third = await RawClient.open(port)
    await third.closed
    expect(broker.stats()).toMatchObject({ connections: 3, connectionsRefused: 1 })
    expect((await idle[0]?.handshake())?.reasonCode).toBe(0)
    await RawClient.connect(port)
  })

  it('gives up its place among those who wait soon after it was refused, though it does not hang up', async () => {
    const clock = new FakeClock()
    const authenticator = { authenticate: () => Promise.reject(new AuthenticationRefused('no')) }
    const { broker, port } = await startBroker({
      clock,
      authenticator,
      limits: { pendingPerAddress: 1, waitingConnections: 0 },
    })
    const refused = await RawClient.open(port)
    refused.socket.allowHalfOpen = true
    expect((await refused.handshake()).reasonCode).toBe(0x87)
    const early = await RawClient.open(port)
    await early.closed
    await clock.advance(250)
    // Half closed, the client does not notice; only the next one does.
    const next = async () => (await (await RawClient.open(port)).handshake()).reasonCode
    await expect.poll(next).toBe(0x87)
    expect(broker.stats().authenticationsRefused).toBe(2)
    await refused.vanish()
  })
})
