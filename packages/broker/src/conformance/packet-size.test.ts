import { type ConnectProperties, Decoder } from '@jamey/protocol'
import { connectPacket, publishPacket, RawClient, text } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { AuthenticationRefused } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

/** What the server sends to a client, packet by packet in bytes. */
function watchSizes(client: RawClient): number[] {
  const sizes: number[] = []
  let seen = Buffer.alloc(0)
  client.socket.on('data', (chunk: Buffer) => {
    seen = Buffer.concat([seen, chunk])
    for (let length = lengthOf(seen); length !== undefined; length = lengthOf(seen)) {
      sizes.push(length)
      seen = seen.subarray(length)
    }
  })
  return sizes
}

function lengthOf(bytes: Buffer): number | undefined {
  const decoder = new Decoder({ from: 'server', protocolVersion: 5 })
  for (let length = 2; length <= bytes.length; length++) {
    decoder.push(bytes.subarray(length === 2 ? 0 : length - 1, length))
    if (decoder.next() !== undefined) return length
  }
  return undefined
}

let clients = 0

async function openWith(port: number, properties: ConnectProperties): Promise<[RawClient, number[]]> {
  const client = await RawClient.open(port)
  const sizes = watchSizes(client)
  // An identifier of its own, and a short one: an assigned one would make CONNACK too large.
  await client.handshake({ clientId: `c${clients++}`, properties })
  return [client, sizes]
}

describe("the client's Maximum Packet Size", () => {
  it('is not exceeded by a message, which is dropped as if it had come [MQTT-3.1.2-24] [MQTT-3.1.2-25]', async () => {
    const { broker, port } = await startBroker()
    const [client, sizes] = await openWith(port, { maximumPacketSize: 50 })
    await client.subscribe('t', 2)
    const publisher = await RawClient.connect(port)
    for (const qos of [0, 1, 2] as const) {
      publisher.publish('t', 'x'.repeat(50), { qos, packetIdentifier: qos })
      publisher.publish('t', 'm', { qos, packetIdentifier: 4 + qos })
      const userProperties = [['n', 'x'.repeat(50)]] as const
      publisher.publish('t', 'm', { qos, packetIdentifier: 8 + qos, properties: { userProperties } })
    }
    await publisher.settle()
    expect(await client.received()).toEqual(['t=m', 't=m q1', 't=m q2'])
    expect(Math.max(...sizes)).toBeLessThanOrEqual(50)
    expect(broker.stats()).toMatchObject({ droppedTooLarge: 6, inFlightMessages: 2, queuedMessages: 0 })
  })

  it('is exactly reached by a message that fits, of every QoS [MQTT-3.1.2-24]', async () => {
    const { port } = await startBroker()
    const [client, sizes] = await openWith(port, { maximumPacketSize: 30 })
    await client.subscribe('t', 2)
    const publisher = await RawClient.connect(port)
    for (const [qos, bytes] of [
      [0, 24],
      [1, 22],
      [2, 22],
    ] as const) {
      publisher.publish('t', 'x'.repeat(bytes), { qos, packetIdentifier: qos })
      publisher.publish('t', 'x'.repeat(bytes + 1), { qos, packetIdentifier: 4 + qos })
    }
    await publisher.settle()
    const got = (await client.received()).filter((entry) => entry.startsWith('t='))
    expect(got.map((entry) => entry.replace(/x+/, 'x'))).toEqual(['t=x', 't=x q1', 't=x q2'])
    expect(Math.max(...sizes)).toBe(30)
  })

  it('is not exceeded by a resumed or a retained message, nor by one to many [MQTT-3.1.2-24]', async () => {
    const { port } = await startBroker()
    const properties = { maximumPacketSize: 40, sessionExpiryInterval: 100 }
    const connect = { clientId: 'c', cleanStart: false, properties }
    const large = await RawClient.connect(port, { ...connect, properties: { sessionExpiryInterval: 100 } })
    await large.subscribe('t', 1)
    const [other] = await openWith(port, {})
    await other.subscribe('t', 1)
    const publisher = await RawClient.connect(port)
    await publisher.publishOnce('t', 'x'.repeat(60), { retain: true })
    await large.expect('publish')
    await large.vanish()
    const client = await RawClient.open(port)
    const sizes = watchSizes(client)
    await client.handshake(connect)
    await client.subscribe('t', 1)
    await publisher.publishOnce('t', 'y'.repeat(60))
    await publisher.publishOnce('t', 'small')
    expect(await client.received()).toEqual(['t=small q1'])
    expect(Math.max(...sizes)).toBeLessThanOrEqual(40)
  })

  it('that SUBACK or UNSUBACK would exceed ends the connection with 0x95 [MQTT-3.1.2-24]', async () => {
    const { port } = await startBroker()
    for (const type of ['subscribe', 'unsubscribe'] as const) {
      const [client, sizes] = await openWith(port, { maximumPacketSize: 40 })
      const filters = Array.from({ length: 60 }, (_, n) => `f/${n}`)
      const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
      const subscriptions = filters.map((filter) => ({ filter, ...options }))
      if (type === 'subscribe')
        client.send({ type, packetIdentifier: 1, subscriptions, properties: undefined })
      else client.send({ type, packetIdentifier: 1, filters, properties: undefined })
      expect((await client.expect('disconnect')).reasonCode).toBe(0x95)
      await client.closed
      expect(Math.max(...sizes)).toBeLessThanOrEqual(40)
    }
  })

  it.each([1, 2, 3, 4, 5, 10, 15])(
    'of %i, that not even CONNACK fits, is taken at its word: nothing larger is sent [MQTT-3.1.2-24] [MQTT-4.13.2-1]',
    async (maximumPacketSize) => {
      const { broker, port } = await startBroker()
      const client = await RawClient.open(port)
      const sizes = watchSizes(client)
      client.send(connectPacket({ properties: { maximumPacketSize } }))
      await client.closed
      expect(sizes.filter((bytes) => bytes > maximumPacketSize)).toEqual([])
      expect(broker.stats()).toMatchObject({ connections: 0, sessions: 0 })
    },
  )
})

describe('a Reason String', () => {
  const long = 'because '.repeat(20)

  it('is left out of a CONNACK that it would make too large [MQTT-3.2.2-19] [MQTT-3.2.2-20]', async () => {
    const refusal = new AuthenticationRefused(long)
    const { port } = await startBroker({ authenticator: { authenticate: () => Promise.reject(refusal) } })
    const roomy = await RawClient.open(port)
    expect((await roomy.handshake()).properties?.reasonString).toMatch(/^because/)
    const client = await RawClient.open(port)
    const sizes = watchSizes(client)
    const connack = await client.handshake({ properties: { maximumPacketSize: 20 } })
    expect([connack.reasonCode, connack.properties]).toEqual([0x87, undefined])
    await client.closed
    expect(sizes).toEqual([5])
  })

  it('is left out of a DISCONNECT that it would make too large [MQTT-3.14.2-3] [MQTT-3.14.2-4]', async () => {
    const { port } = await startBroker()
    for (const [maximumPacketSize, hasReason] of [
      [1000, true],
      [20, false],
    ] as const) {
      const [client, sizes] = await openWith(port, { maximumPacketSize })
      client.sendBytes(Buffer.from([0x00, 0x00]))
      const disconnect = await client.expect('disconnect')
      expect([disconnect.reasonCode, disconnect.properties !== undefined]).toEqual([0x81, hasReason])
      expect(Math.max(...sizes)).toBeLessThanOrEqual(maximumPacketSize)
    }
  })

  it('and User Properties are on no acknowledgement, whatever the client wants to know [MQTT-3.1.2-29] [MQTT-3.4.2-2] [MQTT-3.4.2-3] [MQTT-3.5.2-2] [MQTT-3.5.2-3] [MQTT-3.6.2-2] [MQTT-3.6.2-3] [MQTT-3.7.2-2] [MQTT-3.7.2-3] [MQTT-3.9.2-1] [MQTT-3.9.2-2] [MQTT-3.11.2-1] [MQTT-3.11.2-2] [MQTT-2.2.2-1]', async () => {
    const { port } = await startBroker({
      authenticator: {
        authenticate: async () => ({
          username: '',
          mayPublish: (topic) => topic !== 'no',
          maySubscribe: (filter) => filter !== 'no',
          mayReceive: () => true,
        }),
      },
    })
    for (const requestProblemInformation of [0, 1, undefined] as const) {
      const client = await RawClient.connect(port, { properties: { requestProblemInformation } })
      client.send(publishPacket('no', 'm', { qos: 1, packetIdentifier: 1 }))
      client.send(publishPacket('no', 'm', { qos: 2, packetIdentifier: 2 }))
      const say = (type: 'pubrec' | 'pubrel') =>
        client.send({ type, packetIdentifier: 9, reasonCode: 0, properties: undefined })
      say('pubrec')
      say('pubrel')
      client.send({ type: 'unsubscribe', packetIdentifier: 3, filters: ['a'], properties: undefined })
      const answers = await client.settle()
      answers.push(await client.subscribe('no'))
      const told = answers.map((packet) => [
        packet.type,
        'reasonCode' in packet && packet.reasonCode,
        'reasonCodes' in packet && packet.reasonCodes,
        'properties' in packet && packet.properties,
      ])
      expect(told).toEqual([
        ['puback', 0x87, false, undefined],
        ['pubrec', 0x87, false, undefined],
        ['pubrel', 0x92, false, undefined],
        ['pubcomp', 0x92, false, undefined],
        ['unsuback', false, [0x11], undefined],
        ['suback', false, [0x87], undefined],
      ])
    }
  })

  it('may be on a message as User Property, whatever the client wants to know [MQTT-3.1.2-29]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port, { properties: { requestProblemInformation: 0 } })
    await client.subscribe('t')
    client.publish('t', 'm', { properties: { userProperties: [['a', 'b']] } })
    const publish = await client.expect('publish')
    expect([text(publish), publish.properties]).toEqual(['t=m', { userProperties: [['a', 'b']] }])
  })
})

describe("the server's Maximum Packet Size", () => {
  it('is announced; one byte more is told 0x95 and closed [MQTT-3.2.2-15]', async () => {
    const { port } = await startBroker({ limits: { packetBytes: 1000 } })
    for (const [payloadBytes, isTaken] of [
      [993, true],
      [994, false],
    ] as const) {
      const client = await RawClient.open(port)
      expect((await client.handshake()).properties?.maximumPacketSize).toBe(1000)
      client.publish('t', 'x'.repeat(payloadBytes))
      if (isTaken) expect(await client.settle()).toEqual([])
      else expect((await client.expect('disconnect')).reasonCode).toBe(0x95)
    }
  })
})
