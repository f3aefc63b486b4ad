import { connectPacket, publishPacket } from '@jamey/testing'
import { type Abuse, bytes, hex, instead, lastWord, nextWord } from './abuse.js'

const NAME = '0004 4d515454'
const CONNECT = bytes(connectPacket())

/** What may come before, or as, the first packet. */
export const UNAUTHENTICATED: Abuse[] = [
  instead('PUBLISH [MQTT-3.1.0-1]', bytes(publishPacket('t', 'm')), 'closed'),
  instead('PINGREQ [MQTT-3.1.0-1]', bytes({ type: 'pingreq' }), 'closed'),
  instead('a packet of servers [MQTT-3.1.0-1]', hex('20 02 00 00'), 'closed'),
  instead('an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 'closed'),
  instead('the header of a proxy', Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n'), 'closed'),
  instead('the banner of SSH', Buffer.from('SSH-2.0-x\r\n'), 'closed'),
  instead('a TLS ClientHello', hex('16 03 01 00 c8 01 00 00 c4 03 03'), 'closed'),
  instead('zeros', Buffer.alloc(64), 'closed'),
  instead('a length of five bytes [MQTT-1.5.5-1]', hex('10 ff ff ff ff 7f'), 'closed'),
  instead('a CONNECT that announces 256 MiB', hex('10 ff ff ff 7f'), 'closed'),
  instead(
    'a CONNECT larger than an unauthenticated client may send',
    bytes(connectPacket({ password: Buffer.alloc(30_000) })),
    'closed',
  ),
  instead(
    'another protocol name [MQTT-3.1.2-1]',
    hex('10 10 0004 4d515458 05 02 0000 00 0003 616263'),
    'connack 0x84',
  ),
  instead('protocol level 9 [MQTT-3.1.2-2]', hex(`10 10 ${NAME} 09 02 0000 00 0003 616263`), 'connack 0x84'),
  instead('the reserved flag [MQTT-3.1.2-3]', hex(`10 10 ${NAME} 05 03 0000 00 0003 616263`), 'closed'),
  instead('a will QoS of 3 [MQTT-3.1.2-12]', hex(`10 10 ${NAME} 05 1e 0000 00 0003 616263`), 'closed'),
  instead('a protocol name that runs past the packet [MQTT-3.1.4-1]', hex('10 04 ffff 4d51'), 'closed'),
  instead(
    'properties that run past the packet [MQTT-3.1.4-1]',
    hex(`10 0d ${NAME} 05 02 0000 7f 01 00`),
    'closed',
  ),
  instead(
    'a property length of five bytes [MQTT-3.1.4-1]',
    hex(`10 10 ${NAME} 05 02 0000 ffffffff7f 00`),
    'closed',
  ),
  instead('Receive Maximum 0 [MQTT-3.1.4-1]', hex(`10 11 ${NAME} 05 02 0000 03 210000 0001 61`), 'closed'),
  instead(
    'Maximum Packet Size 0 [MQTT-3.1.4-1]',
    hex(`10 13 ${NAME} 05 02 0000 05 2700000000 0001 61`),
    'closed',
  ),
  instead(
    'a client identifier that is not UTF-8 [MQTT-3.1.3-4]',
    hex(`10 0f ${NAME} 05 02 0000 00 0002 c328`),
    'closed',
  ),
  instead(
    'CONNECT twice in one segment [MQTT-3.1.0-2]',
    Buffer.concat([CONNECT, CONNECT]),
    'disconnect 0x82',
  ),
  instead('a will below $SYS', bytes(connectPacket({ will: will('$SYS/broker') })), 'connack 0x87'),
  instead('a will of 17 levels', bytes(connectPacket({ will: will('/'.repeat(16)) })), 'connack 0x87'),
  instead(
    'a will to a filter [MQTT-4.7.0-1]',
    hex(`10 15 ${NAME} 05 06 0000 00 0001 61 00 0001 23 0001 6d`),
    'closed',
  ),
  {
    what: 'instead of CONNECT: any beginning of one, then the end',
    answer: 'closed',
    act: async (stage) => {
      const words = new Set<string>()
      for (let cut = 0; cut < CONNECT.length; cut++) {
        const client = await stage.unauthenticated()
        client.sendBytes(CONNECT.subarray(0, cut))
        client.socket.end()
        words.add(await lastWord(client))
      }
      return [...words].join()
    },
  },
  {
    what: 'instead of CONNECT: any beginning of one, then a reset',
    answer: 'closed',
    act: async (stage) => {
      for (let cut = 0; cut < CONNECT.length; cut++) {
        const client = await stage.unauthenticated()
        client.sendBytes(CONNECT.subarray(0, cut))
        client.socket.resetAndDestroy()
        await client.closed
      }
      return 'closed'
    },
  },
  {
    what: 'CONNECT with thousands of User Properties, within the limit',
    answer: 'connack 0x00',
    act: async (stage) => {
      const client = await stage.unauthenticated()
      const userProperties = Array.from({ length: 3_900 }, () => ['', ''] as const)
      client.send(connectPacket({ properties: { userProperties } }))
      return nextWord(client)
    },
  },
  {
    what: 'CONNECT with a client identifier of 15 000 bytes',
    answer: 'connack 0x00',
    act: async (stage) => {
      const client = await stage.unauthenticated()
      client.send(connectPacket({ clientId: 'x'.repeat(15_000), properties: { sessionExpiryInterval: 99 } }))
      return nextWord(client)
    },
  },
  {
    what: 'random bytes, on two hundred connections [MQTT-4.13.1-1]',
    answer: 'closed',
    act: async (stage) => {
      const words = new Set<string>()
      for (let seed = 1; seed <= 200; seed++) {
        const client = await stage.unauthenticated()
        client.sendBytes(noise(seed, 300, 0x10))
        client.socket.end()
        words.add(await lastWord(client))
      }
      return [...words].join()
    },
  },
]

function will(topic: string) {
  return { topic, payload: Buffer.from('m'), qos: 0, retain: false, properties: undefined } as const
}

/** Bytes that look random and are the same every time; `first` is the first of them. */
export function noise(seed: number, length: number, first: number): Buffer {
  let state = seed
  const made = Buffer.alloc(length)
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    made[at] = state >>> 16
  }
  made[0] = first
  return made
}
