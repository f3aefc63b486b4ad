import { once } from 'node:events'
import { connectPacket, FakeClock, RawClient, text } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../test-support/start-broker.js'

const stays = { clientId: 's', properties: { sessionExpiryInterval: 100 } }

describe('session', () => {
  it('sends again what was not acknowledged, in order, with DUP and the same identifiers [MQTT-4.4.0-1]', async () => {
    const { port } = await startBroker()
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 2)
    const a = await RawClient.connect(port)
    for (const n of [1, 2, 3]) await a.publishOnce('t', String(n))
    const first = [await s.expect('publish'), await s.expect('publish'), await s.expect('publish')]
    s.acknowledge(first[1] as (typeof first)[0])
    await s.settle()
    await s.vanish()
    await a.publishOnce('t', '4')
    const again = await RawClient.open(port)
    expect((await again.handshake({ ...stays, cleanStart: false })).sessionPresent).toBe(true)
    const got = [await again.expect('publish'), await again.expect('publish'), await again.expect('publish')]
    expect(got.map(text)).toEqual(['t=1 q1 dup', 't=3 q1 dup', 't=4 q1'])
    expect(got[0]?.packetIdentifier).toBe(first[0]?.packetIdentifier)
    expect(got[1]?.packetIdentifier).toBe(first[2]?.packetIdentifier)
  })

  it('resumes QoS 2 after PUBREC with PUBREL alone [MQTT-4.3.3-6]', async () => {
    const { port } = await startBroker()
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 2)
    const a = await RawClient.connect(port)
    a.publish('t', 'x', { qos: 2, packetIdentifier: 1 })
    const { packetIdentifier } = await s.expect('publish')
    s.send({ type: 'pubrec', packetIdentifier, reasonCode: 0, properties: undefined })
    await s.expect('pubrel')
    await s.vanish()
    const again = await RawClient.connect(port, { ...stays, cleanStart: false })
    expect((await again.expect('pubrel')).packetIdentifier).toBe(packetIdentifier)
    again.send({ type: 'pubcomp', packetIdentifier, reasonCode: 0, properties: undefined })
    expect(await again.settle()).toEqual([])
    again.send({ type: 'pubrec', packetIdentifier, reasonCode: 0, properties: undefined })
    expect((await again.expect('pubrel')).reasonCode).toBe(0x92)
  })

  it('never has more unacknowledged than the Receive Maximum of the peer [MQTT-3.3.4-9]', async () => {
    const { port } = await startBroker()
    const s = await RawClient.connect(port, { properties: { receiveMaximum: 3 } })
    await s.subscribe('t', 1)
    const a = await RawClient.connect(port)
    for (let n = 0; n < 10; n++) await a.publishOnce('t', String(n))
    const held = (await s.settle()).filter((packet) => packet.type === 'publish')
    expect(held.map(text)).toEqual(['t=0 q1', 't=1 q1', 't=2 q1'])
    for (const publish of held.slice(0, 2)) s.acknowledge(publish)
    const next = (await s.settle()).filter((packet) => packet.type === 'publish')
    expect(next.map(text)).toEqual(['t=3 q1', 't=4 q1'])
  })

  it('ends with its connection unless it asked to stay, and after its expiry [MQTT-3.1.2-23]', async () => {
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ clock })
    const short = await RawClient.connect(port, { clientId: 'short' })
    await short.leave()
    expect(broker.stats().sessions).toBe(0)
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t')
    await s.leave()
    expect(broker.stats().sessions).toBe(1)
    await clock.advance(99_000)
    expect(broker.stats().sessions).toBe(1)
    await clock.advance(2_000)
    expect(broker.stats()).toMatchObject({ sessions: 0, subscriptions: 0, sessionsExpired: 1 })
  })

  it('takes another expiry from DISCONNECT, but no life after zero', async () => {
    const { broker, port } = await startBroker()
    const s = await RawClient.connect(port, stays)
    s.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } })
    await s.closed
    expect(broker.stats().sessions).toBe(0)
    const other = await RawClient.connect(port, { clientId: 'o' })
    other.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 9 } })
    expect((await other.expect('disconnect')).reasonCode).toBe(0x82)
  })

  it('is discarded at clean start, and kept without it in 3.1.1 [MQTT-3.1.2-4] [MQTT-3.2.2-2]', async () => {
    const { port } = await startBroker()
    const present: boolean[] = []
    for (const cleanStart of [false, false, true, false]) {
      const client = await RawClient.open(port, 4)
      present.push((await client.handshake({ clientId: 'c', cleanStart })).sessionPresent)
      await client.leave()
    }
    expect(present).toEqual([false, true, false, false])
  })

  it('goes to the newest connection; the former is told 0x8E [MQTT-3.1.4-3]', async () => {
    const { broker, port } = await startBroker()
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t')
    const again = await RawClient.open(port)
    expect((await again.handshake({ ...stays, cleanStart: false })).sessionPresent).toBe(true)
    expect((await s.expect('disconnect')).reasonCode).toBe(0x8e)
    await s.closed
    again.publish('t', 'm')
    expect(await again.received()).toEqual(['t=m'])
    expect(broker.stats()).toMatchObject({ connections: 1, sessionsTakenOver: 1 })
  })

  it('has a bounded queue: the newest, or the oldest, is dropped and counted [promise 35]', async () => {
    for (const [overflow, expected] of [
      ['drop-newest', ['0', '1', '2']],
      ['drop-oldest', ['2', '3', '4']],
    ] as const) {
      const { broker, port } = await startBroker({ overflow, limits: { queuedMessages: 3 } })
      const s = await RawClient.connect(port, stays)
      await s.subscribe('t', 1)
      await s.leave()
      const a = await RawClient.connect(port)
      for (let n = 0; n < 5; n++) await a.publishOnce('t', String(n))
      const again = await RawClient.connect(port, { ...stays, cleanStart: false })
      const got = await again.received()
      expect(got).toEqual(expected.map((n) => `t=${n} q1`))
      expect(broker.stats().droppedOverflow).toBe(2)
    }
  })

  it('bounds a queue by bytes, too [promise 35]', async () => {
    const { broker, port } = await startBroker({ limits: { queuedBytes: 10_000 } })
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 1)
    await s.leave()
    const a = await RawClient.connect(port)
    for (let n = 0; n < 10; n++) await a.publishOnce('t', 'x'.repeat(3_000))
    expect(broker.stats()).toMatchObject({ queuedMessages: 3, droppedOverflow: 7 })
  })

  it('is not sent what is larger than its Maximum Packet Size [MQTT-3.1.2-25]', async () => {
    const { broker, port } = await startBroker()
    const s = await RawClient.connect(port, { properties: { maximumPacketSize: 100 } })
    await s.subscribe('t', 1)
    const a = await RawClient.connect(port)
    expect(await a.publishOnce('t', 'x'.repeat(200))).toBe(0)
    a.publish('t', 'y'.repeat(200))
    expect(await a.publishOnce('t', 'small')).toBe(0)
    expect(await s.received()).toEqual(['t=small q1'])
    expect(broker.stats().droppedTooLarge).toBe(2)
  })

  it('is measured for its Maximum Packet Size alone, whatever was sent to others before [MQTT-3.1.2-24]', async () => {
    const { broker, port } = await startBroker()
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 1)
    const a = await RawClient.connect(port)
    a.publish('t', 'again', { qos: 1, packetIdentifier: 1 })
    await s.expect('publish')
    await s.vanish()
    const small = await RawClient.connect(port, { clientId: 'small', properties: { maximumPacketSize: 100 } })
    await small.subscribe('u', 0)
    // Sent a second time, with DUP.
    const again = await RawClient.connect(port, { ...stays, cleanStart: false })
    expect(await again.received()).toEqual(['t=again q1 dup'])
    a.publish('u', 'x')
    expect(await small.received()).toEqual(['u=x'])
    expect(broker.stats().protocolErrors).toBe(0)
  })

  it('belongs to one user: another is refused the client identifier [promise 36]', async () => {
    const { port } = await startBroker({
      authenticator: {
        authenticate: async ({ username = '' }) => ({
          username,
          mayPublish: () => true,
          maySubscribe: () => true,
          mayReceive: () => true,
        }),
      },
    })
    const owner = await RawClient.connect(port, { ...stays, username: 'owner' })
    const thief = await RawClient.open(port)
    expect((await thief.handshake({ ...stays, username: 'thief' })).reasonCode).toBe(0x85)
    await thief.closed
    expect(await owner.settle()).toEqual([])
  })
})

describe('shared subscription', () => {
  it('gives each message to one member, in turn', async () => {
    const { port } = await startBroker()
    const members = await Promise.all([1, 2, 3].map(() => RawClient.connect(port)))
    for (const member of members) await member.subscribe('$share/g/t/+', 1)
    const single = await RawClient.connect(port)
    await single.subscribe('t/#')
    const a = await RawClient.connect(port)
    for (let n = 0; n < 30; n++) await a.publishOnce('t/x', String(n))
    const counts = await Promise.all(members.map(async (member) => (await member.settle()).length))
    expect(counts).toEqual([10, 10, 10])
    expect(await single.settle()).toHaveLength(30)
  })

  it('hands what a dead member had not acknowledged to the others [promise 32]', async () => {
    const { broker, port } = await startBroker()
    const dying = await RawClient.connect(port, { clientId: 'd', properties: { sessionExpiryInterval: 50 } })
    await dying.subscribe('$share/g/t', 1)
    const a = await RawClient.connect(port)
    for (let n = 0; n < 4; n++) await a.publishOnce('t', String(n))
    expect(await dying.settle()).toHaveLength(4)
    const other = await RawClient.connect(port)
    await other.subscribe('$share/g/t', 1)
    await dying.vanish()
    const got = []
    for (let n = 0; n < 4; n++) got.push(text(await other.expect('publish')))
    expect(got).toEqual(['t=0 q1', 't=1 q1', 't=2 q1', 't=3 q1'])
    expect(broker.stats()).toMatchObject({ redelivered: 4, queuedMessages: 0 })
  })

  it('keeps messages for a member that is away, and gives them to one that comes', async () => {
    const { port } = await startBroker()
    const away = await RawClient.connect(port, { clientId: 'd', properties: { sessionExpiryInterval: 50 } })
    await away.subscribe('$share/g/t', 1)
    await away.leave()
    const a = await RawClient.connect(port)
    expect(await a.publishOnce('t', 'm')).toBe(0)
    const other = await RawClient.connect(port)
    await other.subscribe('$share/g/t', 1)
    expect(await other.received()).toEqual(['t=m q1'])
  })

  it('chooses a member that can take the message over one whose window is full', async () => {
    const { port } = await startBroker()
    const slow = await RawClient.connect(port, { properties: { receiveMaximum: 1 } })
    const fast = await RawClient.connect(port)
    await slow.subscribe('$share/g/t', 1)
    await fast.subscribe('$share/g/t', 1)
    const a = await RawClient.connect(port)
    for (let n = 0; n < 9; n++) await a.publishOnce('t', String(n))
    expect(await slow.settle()).toHaveLength(1)
    expect(await fast.settle()).toHaveLength(8)
  })

  it('sets no reserved bit in the CONNACK of a client of 3.1 whose session is there', async () => {
    const { port } = await startBroker()
    const old = { protocolVersion: 3, clientId: 'old', cleanStart: false } as const
    await (await RawClient.connect(port, old)).leave()
    const client = await RawClient.open(port, 3)
    const answer = once(client.socket, 'data')
    client.send(connectPacket(old))
    const [bytes] = await answer
    expect((bytes as Buffer).toString('hex')).toBe('20020000')
  })
})
