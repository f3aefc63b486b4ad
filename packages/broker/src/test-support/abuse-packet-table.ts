import type { SubscriptionRequest } from '@jamey/protocol'
import { connectPacket, publishPacket } from '@jamey/testing'
import { type Abuse, afterwards, bytes, hex, lastWord, nextWord, tolerated, untroubled } from './abuse.js'
import { noise } from './abuse-unauthenticated-table.js'

const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const

function subscribe(...filters: string[]): Buffer {
  const subscriptions = filters.map((filter): SubscriptionRequest => ({ filter, ...options }))
  return bytes({ type: 'subscribe', packetIdentifier: 1, subscriptions, properties: undefined })
}

function unsubscribe(...filters: string[]): Buffer {
  return bytes({ type: 'unsubscribe', packetIdentifier: 1, filters, properties: undefined })
}

function say(type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp', packetIdentifier = 99): Buffer {
  return bytes({ type, packetIdentifier, reasonCode: 0, properties: undefined })
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `f/${n}`)
}

const confirmed = (topic: string) => bytes(publishPacket(topic, 'm', { qos: 1, packetIdentifier: 1 }))
const aliased = (topic: string, topicAlias: number) =>
  bytes(publishPacket(topic, 'm', { properties: { topicAlias } }))
const exactlyOnce = Array.from({ length: 11 }, (_, n) =>
  publishPacket('t', 'm', { qos: 2, packetIdentifier: n + 1 }),
)

/** An answer to a delivery that is not the one its QoS has. */
function misfit(what: string, qos: 1 | 2, type: 'puback' | 'pubrec' | 'pubcomp'): Abuse {
  return {
    what: `after CONNECT: ${what} [MQTT-4.13.1-1]`,
    answer: 'disconnect 0x82',
    act: async (stage) => {
      const client = await stage.client()
      await client.subscribe('t', 2)
      client.publish('t', 'm', { qos, packetIdentifier: 1 })
      const delivery = (await client.settle()).find((packet) => packet.type === 'publish')
      client.sendBytes(say(type, delivery?.packetIdentifier))
      return lastWord(client)
    },
  }
}

/** Packets a client may not send, or may and is told what became of it. */
export const PACKETS: Abuse[] = [
  // Framing
  afterwards('a second CONNECT [MQTT-3.1.0-2]', bytes(connectPacket()), 'disconnect 0x82'),
  afterwards('the reserved packet type 0 [MQTT-4.13.1-1]', hex('00 00'), 'disconnect 0x81'),
  afterwards('a CONNACK [MQTT-4.13.1-1]', hex('20 03 00 00 00'), 'disconnect 0x82'),
  afterwards('a SUBACK [MQTT-4.13.1-1]', hex('90 04 00 01 00 00'), 'disconnect 0x82'),
  afterwards('flags on PINGREQ [MQTT-2.1.3-1]', hex('c1 00'), 'disconnect 0x81'),
  afterwards('a body behind PINGREQ [MQTT-4.13.1-1]', hex('c0 01 00'), 'disconnect 0x81'),
  afterwards('a remaining length of five bytes [MQTT-1.5.5-1]', hex('30 ff ff ff ff 01'), 'disconnect 0x81'),
  afterwards('a padded remaining length [MQTT-1.5.5-1]', hex('c0 80 00'), 'disconnect 0x81'),
  afterwards('a packet of one byte that wants two', hex('40 01 00'), 'disconnect 0x81'),
  afterwards('a random flood', noise(7, 5_000, 0xff), 'disconnect 0x81'),
  // Lengths
  afterwards(
    'a packet above the maximum [MQTT-3.2.2-15]',
    bytes(publishPacket('t', 'x'.repeat(100_000))),
    'disconnect 0x95',
  ),
  afterwards('a PUBLISH that announces 256 MiB [MQTT-3.2.2-15]', hex('30 ff ff ff 7f'), 'disconnect 0x95'),
  afterwards('a SUBSCRIBE larger than one may be', subscribe('x'.repeat(25_000)), 'disconnect 0x95'),
  afterwards(
    'properties larger than they may be',
    bytes(publishPacket('t', '', { properties: { userProperties: [['n', 'x'.repeat(25_000)]] } })),
    'disconnect 0x95',
  ),
  afterwards('a string longer than its packet [MQTT-4.13.1-1]', hex('30 04 ff ff 74 00'), 'disconnect 0x81'),
  afterwards(
    'properties longer than their packet [MQTT-4.13.1-1]',
    hex('30 04 00 01 74 7f'),
    'disconnect 0x81',
  ),
  // Publish
  afterwards('QoS 3 [MQTT-3.3.1-4]', hex('36 06 00 01 74 00 01 00'), 'disconnect 0x81'),
  afterwards('DUP with QoS 0 [MQTT-3.3.1-2]', hex('38 04 00 01 74 00'), 'disconnect 0x81'),
  afterwards('packet identifier 0 [MQTT-2.2.1-3]', hex('32 06 00 01 74 00 00 00'), 'disconnect 0x82'),
  afterwards(
    'a subscription identifier in PUBLISH [MQTT-3.3.4-6]',
    hex('30 06 00 01 74 02 0b 01'),
    'disconnect 0x82',
  ),
  afterwards('an unknown property [MQTT-4.13.1-1]', hex('30 06 00 01 74 02 7f 01'), 'disconnect 0x81'),
  afterwards(
    'a property of another packet [MQTT-4.13.1-1]',
    hex('30 07 00 01 74 03 13 00 0a'),
    'disconnect 0x81',
  ),
  afterwards('a property twice [MQTT-4.13.1-1]', hex('30 08 00 01 74 04 01 01 01 01'), 'disconnect 0x82'),
  // UTF-8
  afterwards('a NUL in a topic [MQTT-1.5.4-2]', hex('30 04 00 01 00 00'), 'disconnect 0x81'),
  afterwards('broken UTF-8 [MQTT-1.5.4-1]', hex('30 05 00 02 c3 28 00'), 'disconnect 0x81'),
  afterwards('a surrogate [MQTT-1.5.4-1]', hex('30 06 00 03 ed a0 80 00'), 'disconnect 0x81'),
  afterwards('UTF-8 of five bytes [MQTT-1.5.4-1]', hex('30 08 00 05 f8 88 80 80 80 00'), 'disconnect 0x81'),
  afterwards('UTF-8 that ends early [MQTT-1.5.4-1]', hex('30 05 00 02 74 c3 00'), 'disconnect 0x81'),
  afterwards(
    'a code point above U+10FFFF [MQTT-1.5.4-1]',
    hex('30 07 00 04 f4 90 80 80 00'),
    'disconnect 0x81',
  ),
  afterwards('an overlong slash [MQTT-1.5.4-1]', hex('30 05 00 02 c0 af 00'), 'disconnect 0x81'),
  tolerated('a noncharacter, which is a character', hex('30 06 00 03 ef bf bf 00')),
  // Topics
  afterwards('a wildcard in a topic [MQTT-3.3.2-2]', hex('30 04 00 01 23 00'), 'disconnect 0x90'),
  afterwards('no topic and no alias [MQTT-4.7.3-1]', hex('30 03 00 00 00'), 'disconnect 0x82'),
  tolerated('a topic of 17 levels', confirmed('/'.repeat(16)), 'puback 0x87'),
  tolerated('a topic of 65 535 separators', confirmed('/'.repeat(65_535)), 'puback 0x87'),
  tolerated('a topic below $SYS', confirmed('$SYS/broker/uptime'), 'puback 0x87'),
  tolerated('a filter of 17 levels', subscribe('+/'.repeat(16)), 'suback 0x8f'),
  tolerated('a filter of 15 000 separators', subscribe('/'.repeat(15_000)), 'suback 0x8f'),
  afterwards('# in the middle [MQTT-4.7.1-1]', subscribe('a/#/b'), 'disconnect 0x81'),
  afterwards('+ beside a letter [MQTT-4.7.1-2]', subscribe('a/b+'), 'disconnect 0x81'),
  afterwards('a share without a name [MQTT-4.8.2-1]', subscribe('$share//t'), 'disconnect 0x81'),
  // Aliases
  afterwards('a topic alias above the maximum [MQTT-3.3.2-9]', aliased('t', 6), 'disconnect 0x94'),
  afterwards('topic alias 0 [MQTT-3.3.2-8]', hex('30 07 00 01 74 03 23 00 00'), 'disconnect 0x94'),
  afterwards('an alias that was never set [MQTT-3.3.2-7]', aliased('', 2), 'disconnect 0x82'),
  tolerated(
    'every alias for a topic of 60 000 bytes, again and again',
    Buffer.concat(Array.from({ length: 50 }, (_, n) => aliased('x'.repeat(60_000), 1 + (n % 5)))),
  ),
  // Subscriptions
  afterwards('SUBSCRIBE without a filter [MQTT-3.8.3-2]', hex('82 03 00 01 00'), 'disconnect 0x82'),
  afterwards(
    'SUBSCRIBE with reserved options [MQTT-3.8.3-5]',
    hex('82 07 0001 00 0001 74 80'),
    'disconnect 0x81',
  ),
  afterwards('SUBSCRIBE with retain handling 3', hex('82 07 0001 00 0001 74 30'), 'disconnect 0x82'),
  afterwards('SUBSCRIBE with identifier 0', hex('82 09 0001 02 0b00 0001 74 00'), 'disconnect 0x82'),
  afterwards('UNSUBSCRIBE without a filter [MQTT-3.10.3-2]', hex('a2 03 00 01 00'), 'disconnect 0x82'),
  tolerated('more filters in SUBSCRIBE than may be', subscribe(...names(41)), 'suback 0x97'),
  tolerated('more filters in UNSUBSCRIBE than may be', unsubscribe(...names(41)), 'unsuback 0x83'),
  tolerated('UNSUBSCRIBE of what was never subscribed', unsubscribe(...names(40)), 'unsuback 0x11'),
  {
    what: 'after CONNECT: more subscriptions than a client may have',
    answer: 'suback 0x97',
    act: async (stage) => {
      const client = await stage.client()
      client.sendBytes(Buffer.concat([subscribe(...names(40)), subscribe(...names(60).slice(40, 51))]))
      await client.expect('suback')
      return nextWord(client)
    },
  },
  // Acknowledgements
  tolerated('PUBACK of nothing', say('puback')),
  tolerated('PUBREC of nothing', say('pubrec'), 'pubrel 0x92'),
  tolerated('PUBREL of nothing', say('pubrel'), 'pubcomp 0x92'),
  tolerated('PUBCOMP of nothing', say('pubcomp')),
  misfit('PUBACK for a message of QoS 2', 2, 'puback'),
  misfit('PUBREC for a message of QoS 1', 1, 'pubrec'),
  misfit('PUBCOMP before PUBREC', 2, 'pubcomp'),
  // Goodbyes
  afterwards('DISCONNECT with a code of servers [MQTT-3.14.2-1]', hex('e0 01 8e'), 'disconnect 0x82'),
  afterwards(
    'DISCONNECT that gives a session a life after zero',
    bytes({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 50 } }),
    'disconnect 0x82',
  ),
  afterwards(
    'a thousand publishes behind DISCONNECT [MQTT-3.14.4-1]',
    Buffer.concat([hex('e0 00'), ...Array.from({ length: 1000 }, () => confirmed('t'))]),
    'closed',
  ),
  afterwards('AUTH without an authentication method', hex('f0 07 19 05 15 00 02 41 42'), 'disconnect 0x82'),
  // Quotas
  afterwards('more QoS 2 than the Receive Maximum [MQTT-3.3.4-7]', bytes(...exactlyOnce), 'disconnect 0x93'),
  {
    what: 'after CONNECT: more retained messages than a client may have',
    answer: 'puback 0x97',
    act: async (stage) => {
      const client = await stage.client()
      for (let n = 0; n < 20; n++) client.publish(`r/${n}`, 'm', { retain: true })
      client.publish('r/20', 'm', { retain: true, qos: 1, packetIdentifier: 1 })
      return nextWord(client)
    },
  },
  {
    what: 'after CONNECT: more bytes of retained messages than a client may have',
    answer: 'puback 0x97',
    act: async (stage) => {
      const client = await stage.client()
      for (let n = 0; n < 5; n++) client.publish(`r/${n}`, 'x'.repeat(95_000), { retain: true })
      client.publish('r/5', 'x'.repeat(95_000), { retain: true, qos: 1, packetIdentifier: 1 })
      return nextWord(client)
    },
  },
  {
    what: 'after CONNECT: a good packet, then a bad one in the same segment',
    answer: 'puback 0x10, disconnect 0x81',
    act: async (stage) => {
      const client = await stage.client()
      client.sendBytes(Buffer.concat([confirmed('t'), hex('00 00')]))
      return `${await nextWord(client)}, ${await lastWord(client)}`
    },
  },
  {
    what: 'after CONNECT: any beginning of a packet, then the end',
    answer: 'closed',
    act: async (stage) => {
      const packet = confirmed('topic')
      const words = new Set<string>()
      for (let cut = 1; cut < packet.length; cut++) {
        const client = await stage.client()
        client.sendBytes(packet.subarray(0, cut))
        client.socket.end()
        words.add(await lastWord(client))
      }
      return [...words].join()
    },
  },
  {
    what: 'after CONNECT: a packet in single bytes, each in a segment of its own',
    answer: 'puback 0x10',
    act: async (stage) => {
      const client = await stage.client()
      for (const byte of confirmed('t')) {
        client.sendBytes(Buffer.of(byte))
        await untilReceived(stage)
      }
      const word = await nextWord(client)
      await untroubled(client)
      return word
    },
  },
]

async function untilReceived({ broker }: { broker: { stats(): { bytesReceived: number } } }): Promise<void> {
  const before = broker.stats().bytesReceived
  while (broker.stats().bytesReceived === before) await new Promise((resolve) => setImmediate(resolve))
}
