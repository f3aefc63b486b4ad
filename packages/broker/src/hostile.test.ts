import { encode, type Packet, type Publish, Writer } from '@jamey/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, createBroker, insecureAuthenticator } from './index.js'
import { connectPacket, publishPacket, RawClient } from './raw-client.js'

const LIMITS = { packetBytes: 10_000, connectPacketBytes: 2_000, receiveMaximum: 3, topicAliases: 5 }

function bytes(...packets: Packet[]): Buffer {
  const writer = new Writer()
  for (const packet of packets) encode(writer, packet, 5)
  return Buffer.concat(writer.take())
}

function raw(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}

function alias(topic: string, topicAlias: number): Publish {
  return publishPacket(topic, 'm', { properties: { topicAlias } })
}

const CONNECT = bytes(connectPacket())
const QOS2 = [1, 2, 3, 4].map((packetIdentifier) => publishPacket('t', 'm', { qos: 2, packetIdentifier }))

interface Attack {
  what: string
  bytes: Buffer
  /** What the last packet before the end says: [type, reason code]; undefined: closed without a word. */
  answer: readonly [Packet['type'], number] | undefined
}

const BEFORE_CONNECT: Attack[] = [
  { what: 'PUBLISH before CONNECT [MQTT-3.1.0-1]', bytes: bytes(publishPacket('t', 'm')), answer: undefined },
  { what: 'PINGREQ before CONNECT [MQTT-3.1.0-1]', bytes: bytes({ type: 'pingreq' }), answer: undefined },
  { what: 'an HTTP request', bytes: Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), answer: undefined },
  { what: 'a TLS ClientHello', bytes: raw('16 03 01 00 c8 01 00 00 c4 03 03'), answer: undefined },
  { what: 'zeros', bytes: Buffer.alloc(64), answer: undefined },
  { what: 'a length of five bytes [MQTT-1.5.5-1]', bytes: raw('10 ff ff ff ff 7f'), answer: undefined },
  { what: 'a CONNECT that announces 256 MiB', bytes: raw('10 ff ff ff 7f'), answer: undefined },
  {
    what: 'a CONNECT larger than a stranger may send',
    bytes: bytes(connectPacket({ password: Buffer.alloc(3_000) })),
    answer: undefined,
  },
  {
    what: 'another protocol name [MQTT-3.1.2-1]',
    bytes: raw('10 10 00 04 4d 51 54 58 05 02 00 00 00 00 03 61 62 63'),
    answer: ['connack', 0x84],
  },
  {
    what: 'protocol level 9 [MQTT-3.1.2-2]',
    bytes: raw('10 10 00 04 4d 51 54 54 09 02 00 00 00 00 03 61 62 63'),
    answer: ['connack', 0x84],
  },
  {
    what: 'the reserved flag of CONNECT [MQTT-3.1.2-3]',
    bytes: raw('10 10 00 04 4d 51 54 54 05 03 00 00 00 00 03 61 62 63'),
    answer: undefined,
  },
  {
    what: 'a will QoS of 3 [MQTT-3.1.2-12]',
    bytes: raw('10 10 00 04 4d 51 54 54 05 1e 00 00 00 00 03 61 62 63'),
    answer: undefined,
  },
]

const AFTER_CONNECT: Attack[] = [
  { what: 'a second CONNECT [MQTT-3.1.0-2]', bytes: CONNECT, answer: ['disconnect', 0x82] },
  { what: 'the reserved packet type 0', bytes: raw('00 00'), answer: ['disconnect', 0x81] },
  { what: 'a CONNACK', bytes: raw('20 03 00 00 00'), answer: ['disconnect', 0x82] },
  { what: 'a SUBACK', bytes: raw('90 04 00 01 00 00'), answer: ['disconnect', 0x82] },
  { what: 'flags on PINGREQ [MQTT-2.1.3-1]', bytes: raw('c1 00'), answer: ['disconnect', 0x81] },
  { what: 'a body behind PINGREQ', bytes: raw('c0 01 00'), answer: ['disconnect', 0x81] },
  { what: 'QoS 3 [MQTT-3.3.1-4]', bytes: raw('36 06 00 01 74 00 01 00'), answer: ['disconnect', 0x81] },
  { what: 'DUP with QoS 0 [MQTT-3.3.1-2]', bytes: raw('38 04 00 01 74 00'), answer: ['disconnect', 0x81] },
  {
    what: 'packet identifier 0 [MQTT-2.2.1-3]',
    bytes: raw('32 06 00 01 74 00 00 00'),
    answer: ['disconnect', 0x82],
  },
  {
    what: 'a wildcard in a topic [MQTT-3.3.2-2]',
    bytes: raw('30 04 00 01 23 00'),
    answer: ['disconnect', 0x90],
  },
  { what: 'no topic and no alias', bytes: raw('30 03 00 00 00'), answer: ['disconnect', 0x82] },
  { what: 'a NUL in a topic [MQTT-1.5.4-2]', bytes: raw('30 04 00 01 00 00'), answer: ['disconnect', 0x81] },
  {
    what: 'broken UTF-8 in a topic [MQTT-1.5.4-1]',
    bytes: raw('30 05 00 02 c3 28 00'),
    answer: ['disconnect', 0x81],
  },
  { what: 'a surrogate in UTF-8', bytes: raw('30 06 00 03 ed a0 80 00'), answer: ['disconnect', 0x81] },
  { what: 'a string longer than its packet', bytes: raw('30 04 ff ff 74 00'), answer: ['disconnect', 0x81] },
  {
    what: 'SUBSCRIBE without a filter [MQTT-3.8.3-2]',
    bytes: raw('82 03 00 01 00'),
    answer: ['disconnect', 0x82],
  },
  {
    what: 'UNSUBSCRIBE without a filter [MQTT-3.10.3-2]',
    bytes: raw('a2 03 00 01 00'),
    answer: ['disconnect', 0x82],
  },
  {
    what: 'a subscription identifier in PUBLISH [MQTT-3.3.4-6]',
    bytes: raw('30 06 00 01 74 02 0b 01'),
    answer: ['disconnect', 0x82],
  },
  { what: 'an unknown property', bytes: raw('30 06 00 01 74 02 7f 01'), answer: ['disconnect', 0x81] },
  {
    what: 'a property twice',
    bytes: raw('30 08 00 01 74 04 01 01 01 01'),
    answer: ['disconnect', 0x82],
  },
  {
    what: 'a topic alias above the maximum [MQTT-3.3.2-9]',
    bytes: bytes(alias('t', 6)),
    answer: ['disconnect', 0x94],
  },
  {
    what: 'topic alias 0 [MQTT-3.3.2-8]',
    bytes: raw('30 07 00 01 74 03 23 00 00'),
    answer: ['disconnect', 0x94],
  },
  { what: 'an alias that was never set', bytes: bytes(alias('', 2)), answer: ['disconnect', 0x82] },
  {
    what: 'a packet larger than the maximum [MQTT-3.2.2-15]',
    bytes: bytes(publishPacket('t', 'x'.repeat(20_000))),
    answer: ['disconnect', 0x95],
  },
  {
    what: 'more QoS 2 than the Receive Maximum [MQTT-3.3.4-7]',
    bytes: bytes(...QOS2),
    answer: ['disconnect', 0x93],
  },
  {
    what: 'AUTH without an authentication method',
    bytes: raw('f0 07 19 05 15 00 02 41 42'),
    answer: ['disconnect', 0x82],
  },
  {
    what: 'a random flood',
    bytes: Buffer.from(Array.from({ length: 5_000 }, (_, i) => (i * 7919 + 13) & 0xff)),
    answer: ['disconnect', 0x81],
  },
]

describe('a hostile peer costs only itself [promise 34]', () => {
  let broker: Broker
  let port: number
  let bystander: RawClient

  beforeAll(async () => {
    broker = await createBroker({
      listeners: [{ host: '127.0.0.1', port: 0, insecure: true }],
      authenticator: insecureAuthenticator(),
      limits: { ...LIMITS, sysIntervalSeconds: 0 },
    })
    await broker.listen()
    port = broker.addresses[0]?.port ?? 0
    bystander = await RawClient.connect(port, { clientId: 'bystander' })
    await bystander.subscribe('alive')
  })

  afterAll(() => broker.close({ graceMs: 50 }))

  async function assertServed(): Promise<void> {
    const client = await RawClient.connect(port)
    client.publish('alive', 'yes')
    expect(await client.settle()).toEqual([])
    expect((await bystander.expect('publish')).topic).toBe('alive')
    await client.leave()
  }

  async function lastPacket(client: RawClient): Promise<Packet | undefined> {
    let last: Packet | undefined
    for (let packet = await client.next(); packet !== undefined; packet = await client.next()) last = packet
    return last
  }

  function answerOf(packet: Packet | undefined): readonly [string, number] | undefined {
    if (packet === undefined || !('reasonCode' in packet)) return undefined
    return [packet.type, packet.reasonCode]
  }

  for (const { what, bytes: sent, answer } of BEFORE_CONNECT) {
    it(`instead of CONNECT: ${what}`, async () => {
      // A refusal of an unknown version is told the way 3.1.1 tells it.
      const client = await RawClient.open(port, answer === undefined ? 5 : 4)
      client.sendBytes(sent)
      expect(answerOf(await lastPacket(client))).toEqual(answer)
      await assertServed()
    })
  }

  for (const { what, bytes: sent, answer } of AFTER_CONNECT) {
    it(`after CONNECT: ${what}`, async () => {
      const client = await RawClient.connect(port)
      client.sendBytes(sent)
      expect(answerOf(await lastPacket(client))).toEqual(answer)
      await assertServed()
    })
  }

  it('after CONNECT: any byte after any beginning of a packet', async () => {
    const packet = bytes(publishPacket('t', 'm', { qos: 1, packetIdentifier: 1 }))
    for (let cut = 1; cut < packet.length; cut++) {
      const client = await RawClient.connect(port)
      client.sendBytes(packet.subarray(0, cut))
      client.socket.end()
      expect(await lastPacket(client)).toBeUndefined()
    }
    await assertServed()
  })
})
