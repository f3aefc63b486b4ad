import { connectPacket, FakeClock, publishPacket, RawClient, text } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { AuthenticationRefused } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

const nobody = { authenticate: () => Promise.reject(new AuthenticationRefused('no')) }
const LETTERS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

describe.each([3, 4, 5] as const)('CONNECT of version %i', (version) => {
  it('is answered with CONNACK, and that with nothing before it [MQTT-3.1.4-5] [MQTT-3.2.0-1] [MQTT-3.2.2-1] [MQTT-3.1.4-4 of 3.1.1] [MQTT-3.2.0-1 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.open(port, version)
    const bytes: number[] = []
    client.socket.on('data', (chunk: Buffer) => bytes.push(...chunk))
    const connack = await client.handshake({ protocolVersion: version, clientId: 'c' })
    expect(connack).toMatchObject({ sessionPresent: false, reasonCode: 0 })
    expect([bytes[0], bytes[2], bytes[3]]).toEqual([0x20, 0, 0])
  })

  it('of a resumed session is answered before the messages that wait [MQTT-3.2.0-1] [MQTT-3.2.0-1 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const properties = version === 5 ? { sessionExpiryInterval: 100 } : undefined
    const connect = { protocolVersion: version, clientId: 'c', cleanStart: false, properties }
    const first = await RawClient.connect(port, connect)
    await first.subscribe('t', 1)
    await first.vanish()
    await (await RawClient.connect(port)).publishOnce('t', 'm')
    const second = await RawClient.open(port, version)
    second.send(connectPacket(connect))
    expect((await second.next())?.type).toBe('connack')
    expect(text(await second.expect('publish'))).toBe('t=m q1')
  })

  it('is answered once, whatever follows [MQTT-3.2.0-2]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.open(port, version)
    client.send(connectPacket({ protocolVersion: version, clientId: 'c' }), { type: 'pingreq' })
    client.send(connectPacket({ protocolVersion: version, clientId: 'c' }))
    const types: string[] = []
    for (let packet = await client.next(); packet !== undefined; packet = await client.next())
      types.push(packet.type)
    expect(types).toEqual(version === 5 ? ['connack', 'pingresp', 'disconnect'] : ['connack', 'pingresp'])
  })

  it('may name any 1 to 23 letters and digits [MQTT-3.1.3-5] [MQTT-3.1.3-5 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const names = [...LETTERS, LETTERS.slice(0, 23), LETTERS.slice(23, 46), LETTERS.slice(39)]
    for (const clientId of names) {
      const client = await RawClient.open(port, version)
      expect((await client.handshake({ protocolVersion: version, clientId })).reasonCode).toBe(0)
      await client.leave()
    }
  })

  it('that is refused is told so, closed, and nothing behind it is processed [MQTT-3.1.4-2] [MQTT-3.1.4-6] [MQTT-3.2.2-6] [MQTT-3.2.2-7] [MQTT-4.13.2-1] [MQTT-3.1.4-5 of 3.1.1] [MQTT-3.2.2-4 of 3.1.1] [MQTT-3.2.2-5 of 3.1.1]', async () => {
    const { broker, port } = await startBroker({ authenticator: nobody })
    const client = await RawClient.open(port, version)
    client.send(
      connectPacket({ protocolVersion: version, clientId: 'c', cleanStart: false }),
      publishPacket('t', 'm', { qos: 1, packetIdentifier: 1, retain: true }),
    )
    expect(await client.expect('connack')).toMatchObject({ sessionPresent: false, reasonCode: 0x87 })
    expect(await client.next()).toBeUndefined()
    await client.closed
    expect(broker.stats()).toMatchObject({ publishesReceived: 0, retainedMessages: 0, sessions: 0 })
  })
})

describe('a refusal', () => {
  it.each([
    [0x80, 0x88],
    [0x86, 0x86],
    [0x87, 0x87],
    [0x88, 0x88],
    [0x89, 0x88],
    [0x8a, 0x88],
    [0x97, 0x88],
    [0x9f, 0x88],
    // Not among those of CONNACK: a failure of the authenticator.
    [0x92, 0x88],
    [0x10, 0x88],
  ])(
    'for %i has a code of CONNACK: its own or 0x80 in 5.0, one of five before [MQTT-3.2.2-8]',
    async (code, before) => {
      const refusal = Object.assign(new Error('no'), { reasonCode: code })
      const { port } = await startBroker({ authenticator: { authenticate: () => Promise.reject(refusal) } })
      const five = await RawClient.open(port)
      const isOwn = code >= 0x80 && code !== 0x92
      expect((await five.handshake()).reasonCode).toBe(isOwn ? code : 0x80)
      await five.closed
      const four = await RawClient.open(port, 4)
      expect((await four.handshake({ clientId: 'c' })).reasonCode).toBe(before)
      await four.closed
    },
  )

  it('of a client identifier is 0x85, or 0x02 before 5.0, and closes [MQTT-3.1.3-8] [MQTT-3.1.3-8 of 3.1.1] [MQTT-3.1.3-9 of 3.1.1]', async () => {
    const refusal = new AuthenticationRefused('not that name', 0x85)
    const { port } = await startBroker({ authenticator: { authenticate: () => Promise.reject(refusal) } })
    const five = await RawClient.open(port)
    expect((await five.handshake({ clientId: 'c' })).reasonCode).toBe(0x85)
    await five.closed
    const four = await RawClient.open(port, 4)
    const bytes: number[] = []
    four.socket.on('data', (chunk: Buffer) => bytes.push(...chunk))
    await four.handshake({ clientId: 'c' })
    await four.closed
    const nameless = await RawClient.open(port, 4)
    nameless.socket.on('data', (chunk: Buffer) => bytes.push(...chunk))
    await nameless.handshake({ clientId: '', cleanStart: false })
    await nameless.closed
    expect(bytes).toEqual([0x20, 2, 0, 2, 0x20, 2, 0, 2])
  })
})

describe('a client without an identifier', () => {
  it('is served under a new one, which 5.0 tells it [MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16] [MQTT-3.1.3-6 of 3.1.1]', async () => {
    const asked: string[] = []
    const { broker, port } = await startBroker({
      authenticator: {
        authenticate: async ({ clientId }) => {
          asked.push(clientId)
          return { username: '', mayPublish: () => true, maySubscribe: () => true, mayReceive: () => true }
        },
      },
    })
    const assigned: (string | undefined)[] = []
    for (let n = 0; n < 3; n++) {
      const client = await RawClient.open(port)
      const connack = await client.handshake({ properties: { sessionExpiryInterval: 10 } })
      assigned.push(connack.properties?.assignedClientIdentifier)
    }
    expect(new Set(assigned).size).toBe(3)
    expect(assigned).toEqual(asked)
    expect(broker.stats().sessions).toBe(3)
    const four = [await RawClient.connect(port, { protocolVersion: 4 })]
    four.push(await RawClient.connect(port, { protocolVersion: 4 }))
    for (const client of four) expect(await client.settle()).toEqual([])
    expect(new Set(asked).size).toBe(5)
    const named = await RawClient.open(port)
    const resumed = await named.handshake({ clientId: assigned[0] as string, cleanStart: false })
    expect([resumed.sessionPresent, resumed.properties?.assignedClientIdentifier]).toEqual([true, undefined])
  })
})

describe('keep alive', () => {
  it.each([4, 5] as const)(
    'of version %i: a client not heard of for one and a half of it is closed, and its will published [MQTT-3.1.2-22] [MQTT-3.2.2-22] [MQTT-3.1.2-24 of 3.1.1]',
    async (version) => {
      const clock = new FakeClock()
      const { port } = await startBroker({ clock })
      const watcher = await RawClient.connect(port)
      await watcher.subscribe('w')
      const will = {
        topic: 'w',
        payload: Buffer.from('gone'),
        qos: 0,
        retain: false,
        properties: undefined,
      } as const
      const client = await RawClient.connect(port, {
        protocolVersion: version,
        clientId: 'c',
        keepAlive: 10,
        will,
      })
      await clock.advance(14_999)
      expect(await client.settle()).toEqual([])
      await clock.advance(14_999)
      client.publish('t', 'm')
      await client.settle()
      await clock.advance(14_999)
      expect(await watcher.settle()).toEqual([])
      await clock.advance(1)
      if (version === 5) expect((await client.expect('disconnect')).reasonCode).toBe(0x8d)
      await client.closed
      expect(text(await watcher.expect('publish'))).toBe('w=gone')
    },
  )

  it('of 0 is none [MQTT-3.2.2-22]', async () => {
    const clock = new FakeClock()
    const { port } = await startBroker({ clock })
    const client = await RawClient.connect(port)
    await clock.advance(1_000_000_000)
    expect(await client.settle()).toEqual([])
  })

  it("that the server imposes holds in place of the client's [MQTT-3.2.2-21]", async () => {
    const clock = new FakeClock()
    const { port } = await startBroker({ clock, limits: { keepAliveSeconds: 10 } })
    const client = await RawClient.open(port)
    expect((await client.handshake({ keepAlive: 1000 })).properties?.serverKeepAlive).toBe(10)
    await clock.advance(15_000)
    expect((await client.expect('disconnect')).reasonCode).toBe(0x8d)
  })

  it('of version 4, which cannot be told of another, is its own', async () => {
    const clock = new FakeClock()
    const { port } = await startBroker({ clock, limits: { keepAliveSeconds: 10 } })
    const [own, none] = [await RawClient.open(port, 4), await RawClient.open(port, 4)]
    await own.handshake({ clientId: 'own', keepAlive: 100 })
    await none.handshake({ clientId: 'none', keepAlive: 0 })
    await clock.advance(149_000)
    expect(await own.settle()).toEqual([])
    await clock.advance(1_000_000)
    await own.closed
    expect(await none.settle()).toEqual([])
  })
})

describe('Response Information', () => {
  it('is told to who asks, and to nobody else [MQTT-3.1.2-28]', async () => {
    const { port } = await startBroker({ responseInformation: (clientId) => `answers/${clientId}` })
    const told: (string | undefined)[] = []
    for (const requestResponseInformation of [1, 0, undefined] as const) {
      const client = await RawClient.open(port)
      const connack = await client.handshake({ clientId: 'c', properties: { requestResponseInformation } })
      told.push(connack.properties?.responseInformation)
    }
    expect(told).toEqual(['answers/c', undefined, undefined])
  })
})

describe('a user name and a password', () => {
  it.each([4, 5] as const)(
    'of version %i reach the authenticator, behind identifier and will [MQTT-3.1.2-17] [MQTT-3.1.2-19] [MQTT-3.1.3-1] [MQTT-3.1.2-19 of 3.1.1] [MQTT-3.1.2-21 of 3.1.1] [MQTT-3.1.3-1 of 3.1.1]',
    async (version) => {
      const seen: unknown[] = []
      const { port } = await startBroker({
        authenticator: {
          authenticate: async ({ clientId, username, password }) => {
            seen.push(clientId, username, password && Buffer.from(password).toString())
            return { username: '', mayPublish: () => true, maySubscribe: () => true, mayReceive: () => true }
          },
        },
      })
      const will = {
        topic: 'w',
        payload: Buffer.from('x'),
        qos: 1,
        retain: true,
        properties: undefined,
      } as const
      const password = Buffer.from('geheim')
      const common = { protocolVersion: version, clientId: 'c', username: 'ü', will }
      await RawClient.connect(port, { ...common, password })
      await RawClient.connect(port, common)
      expect(seen).toEqual(['c', 'ü', 'geheim', 'c', 'ü', undefined])
    },
  )
})
