import type { Packet } from '@jamey/protocol'
import { RawClient } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../test-support/start-broker.js'

/** What a client may not send once it is connected. `four` and `five` are the bytes in 3.1.1 and in 5.0. */
interface Violation {
  what: string
  four?: string
  five?: string
  /** What DISCONNECT says in 5.0; before, the connection is closed without a word. */
  code?: number
}

const VIOLATIONS: Violation[] = [
  {
    what: 'an overlong encoding in a topic name [MQTT-1.5.4-1] [MQTT-1.5.3-1 of 3.1.1] [MQTT-3.3.2-1] [MQTT-3.3.2-1 of 3.1.1]',
    four: '30 04 0002 c0af',
    five: '30 05 0002 c0af 00',
    code: 0x81,
  },
  {
    what: 'a surrogate in a topic name [MQTT-1.5.4-1] [MQTT-1.5.3-1 of 3.1.1]',
    four: '30 05 0003 eda080',
    five: '30 06 0003 eda080 00',
    code: 0x81,
  },
  {
    what: 'U+0000 in a topic name [MQTT-1.5.4-2] [MQTT-1.5.3-2 of 3.1.1] [MQTT-4.7.3-2] [MQTT-4.7.3-2 of 3.1.1]',
    four: '30 05 0003 610062',
    five: '30 06 0003 610062 00',
    code: 0x81,
  },
  {
    what: 'U+0000 in a topic filter [MQTT-1.5.4-2] [MQTT-1.5.3-2 of 3.1.1] [MQTT-4.7.3-2] [MQTT-4.7.3-2 of 3.1.1]',
    four: '82 08 0001 0003 610062 00',
    five: '82 09 0001 00 0003 610062 00',
    code: 0x81,
  },
  {
    what: 'a topic filter of SUBSCRIBE that is not UTF-8 [MQTT-3.8.3-1] [MQTT-3.8.3-1 of 3.1.1]',
    four: '82 07 0001 0002 c328 00',
    five: '82 08 0001 00 0002 c328 00',
    code: 0x81,
  },
  {
    what: 'a topic filter of UNSUBSCRIBE that is not UTF-8 [MQTT-3.10.3-1] [MQTT-3.10.3-1 of 3.1.1]',
    four: 'a2 06 0001 0002 c328',
    five: 'a2 07 0001 00 0002 c328',
    code: 0x81,
  },
  {
    what: 'a Response Topic that is not UTF-8 [MQTT-3.3.2-13]',
    five: '30 09 0001 74 05 08 0002 c328',
    code: 0x81,
  },
  {
    what: 'a Response Topic with a wildcard [MQTT-3.3.2-14]',
    five: '30 09 0001 74 05 08 0002 612b',
    code: 0x90,
  },
  {
    what: 'a Content Type that is not UTF-8 [MQTT-3.3.2-19]',
    five: '30 09 0001 74 05 03 0002 c328',
    code: 0x81,
  },
  {
    what: 'a User Property whose name is not UTF-8 [MQTT-1.5.7-1]',
    five: '30 0c 0001 74 08 26 0002 c328 0001 76',
    code: 0x81,
  },
  {
    what: 'a User Property whose value has U+0000 [MQTT-1.5.7-1]',
    five: '30 0b 0001 74 07 26 0001 6e 0001 00',
    code: 0x81,
  },
  {
    what: 'a remaining length that is not as short as can be [MQTT-1.5.5-1]',
    five: '30 8500 0001 74 00 6d',
    code: 0x81,
  },
  {
    what: 'a property length that is not as short as can be [MQTT-1.5.5-1]',
    five: '30 05 0001 74 8000',
    code: 0x81,
  },
  {
    what: 'flags on PINGREQ [MQTT-2.1.3-1] [MQTT-2.2.2-1 of 3.1.1] [MQTT-2.2.2-2 of 3.1.1]',
    four: 'c1 00',
    five: 'c1 00',
    code: 0x81,
  },
  {
    what: 'flags on PUBACK [MQTT-2.1.3-1] [MQTT-2.2.2-1 of 3.1.1] [MQTT-2.2.2-2 of 3.1.1]',
    four: '42 02 0001',
    five: '42 02 0001',
    code: 0x81,
  },
  {
    what: 'flags on DISCONNECT [MQTT-3.14.1-1] [MQTT-3.14.1-1 of 3.1.1]',
    four: 'e1 00',
    five: 'e1 00',
    code: 0x81,
  },
  {
    what: 'PUBREL without its flags [MQTT-3.6.1-1] [MQTT-3.6.1-1 of 3.1.1]',
    four: '60 02 0001',
    five: '60 02 0001',
    code: 0x81,
  },
  {
    what: 'SUBSCRIBE without its flags [MQTT-3.8.1-1] [MQTT-3.8.1-1 of 3.1.1]',
    four: '80 06 0001 0001 74 00',
    five: '80 07 0001 00 0001 74 00',
    code: 0x81,
  },
  {
    what: 'UNSUBSCRIBE without its flags [MQTT-3.10.1-1] [MQTT-3.10.1-1 of 3.1.1]',
    four: 'a0 05 0001 0001 74',
    five: 'a0 06 0001 00 0001 74',
    code: 0x81,
  },
  {
    what: 'PUBLISH of QoS 1 with identifier 0 [MQTT-2.2.1-3] [MQTT-2.3.1-1 of 3.1.1]',
    four: '32 05 0001 74 0000',
    five: '32 06 0001 74 0000 00',
    code: 0x82,
  },
  {
    what: 'SUBSCRIBE with identifier 0 [MQTT-2.2.1-3] [MQTT-2.3.1-1 of 3.1.1]',
    four: '82 06 0000 0001 74 00',
    five: '82 07 0000 00 0001 74 00',
    code: 0x82,
  },
  {
    what: 'UNSUBSCRIBE with identifier 0 [MQTT-2.2.1-3] [MQTT-2.3.1-1 of 3.1.1]',
    four: 'a2 05 0000 0001 74',
    five: 'a2 06 0000 00 0001 74',
    code: 0x82,
  },
  {
    what: 'a second CONNECT [MQTT-3.1.0-2] [MQTT-3.1.0-2 of 3.1.1]',
    four: '10 0d 0004 4d515454 04 02 0000 0001 61',
    five: '10 0e 0004 4d515454 05 02 0000 00 0001 61',
    code: 0x82,
  },
  {
    what: 'QoS 3 [MQTT-3.3.1-4] [MQTT-3.3.1-4 of 3.1.1]',
    four: '36 05 0001 74 0001',
    five: '36 06 0001 74 0001 00',
    code: 0x81,
  },
  {
    what: 'DUP with QoS 0 [MQTT-3.3.1-2] [MQTT-3.3.1-2 of 3.1.1]',
    four: '38 03 0001 74',
    five: '38 04 0001 74 00',
    code: 0x81,
  },
  {
    what: 'PUBLISH to + [MQTT-3.3.2-2] [MQTT-3.3.2-2 of 3.1.1] [MQTT-4.7.0-1] [MQTT-4.7.1-1 of 3.1.1]',
    four: '30 05 0003 612f2b',
    five: '30 06 0003 612f2b 00',
    code: 0x90,
  },
  {
    what: 'PUBLISH to # [MQTT-3.3.2-2] [MQTT-3.3.2-2 of 3.1.1] [MQTT-4.7.0-1] [MQTT-4.7.1-1 of 3.1.1]',
    four: '30 03 0001 23',
    five: '30 04 0001 23 00',
    code: 0x90,
  },
  {
    what: 'an empty topic name, without an alias [MQTT-4.7.3-1] [MQTT-4.7.3-1 of 3.1.1]',
    four: '30 02 0000',
    five: '30 03 0000 00',
    code: 0x82,
  },
  {
    what: 'an empty topic filter in SUBSCRIBE [MQTT-4.7.3-1] [MQTT-4.7.3-1 of 3.1.1]',
    four: '82 05 0001 0000 00',
    five: '82 06 0001 00 0000 00',
    code: 0x8f,
  },
  {
    what: 'an empty topic filter in UNSUBSCRIBE [MQTT-4.7.3-1] [MQTT-4.7.3-1 of 3.1.1]',
    four: 'a2 04 0001 0000',
    five: 'a2 05 0001 00 0000',
    code: 0x8f,
  },
  {
    what: 'SUBSCRIBE without a filter [MQTT-3.8.3-2] [MQTT-3.8.3-3 of 3.1.1]',
    four: '82 02 0001',
    five: '82 03 0001 00',
    code: 0x82,
  },
  {
    what: 'UNSUBSCRIBE without a filter [MQTT-3.10.3-2] [MQTT-3.10.3-2 of 3.1.1]',
    four: 'a2 02 0001',
    five: 'a2 03 0001 00',
    code: 0x82,
  },
  {
    what: 'reserved bits in the options of SUBSCRIBE [MQTT-3.8.3-5] [MQTT-3.8.3-4 of 3.1.1]',
    four: '82 06 0001 0001 74 04',
    five: '82 07 0001 00 0001 74 40',
    code: 0x81,
  },
  {
    what: 'requested QoS 3 in SUBSCRIBE [MQTT-3.8.3-4 of 3.1.1] [MQTT-4.13.1-1]',
    four: '82 06 0001 0001 74 03',
    five: '82 07 0001 00 0001 74 03',
    code: 0x82,
  },
  {
    what: 'No Local on a shared subscription [MQTT-3.8.3-4]',
    five: '82 0f 0001 00 0009 2473686172652f672f 04',
    code: 0x82,
  },
  { what: 'topic alias 0 [MQTT-3.3.2-8]', five: '30 07 0001 74 03 23 0000', code: 0x94 },
  {
    what: 'a topic alias above the maximum [MQTT-3.3.2-9] [MQTT-3.2.2-17]',
    five: '30 07 0001 74 03 23 0041',
    code: 0x94,
  },
  {
    what: 'a subscription identifier in PUBLISH [MQTT-3.3.4-6]',
    five: '30 06 0001 74 02 0b01',
    code: 0x82,
  },
  { what: 'PUBACK with a code it does not have [MQTT-3.4.2-1]', five: '40 03 0001 92', code: 0x81 },
  { what: 'PUBREC with a code it does not have [MQTT-3.5.2-1]', five: '50 03 0001 92', code: 0x81 },
  { what: 'PUBREL with a code it does not have [MQTT-3.6.2-1]', five: '62 03 0001 80', code: 0x81 },
  { what: 'PUBCOMP with a code it does not have [MQTT-3.7.2-1]', five: '70 03 0001 80', code: 0x81 },
  { what: 'DISCONNECT with a code of servers [MQTT-3.14.2-1]', five: 'e0 01 8b', code: 0x82 },
  { what: 'DISCONNECT with a code that does not exist [MQTT-3.14.2-1]', five: 'e0 01 03', code: 0x81 },
  {
    what: 'the reserved packet type 0 [MQTT-4.13.1-1] [MQTT-4.8.0-1 of 3.1.1]',
    four: '00 00',
    five: '00 00',
    code: 0x81,
  },
  {
    what: 'the reserved packet type 15 [MQTT-4.8.0-1 of 3.1.1]',
    four: 'f0 00',
  },
  {
    what: 'a packet only servers send [MQTT-4.13.1-1] [MQTT-4.8.0-1 of 3.1.1]',
    four: 'd0 00',
    five: 'd0 00',
    code: 0x82,
  },
]

describe.each([4, 5] as const)('a client of version %i is closed for', (version) => {
  for (const { what, four, five, code } of VIOLATIONS) {
    const hex = version === 4 ? four : five
    if (hex === undefined) continue
    it(what, async () => {
      const { port } = await startBroker()
      const client = await RawClient.connect(port, { protocolVersion: version, clientId: 'c' })
      client.sendBytes(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
      const answers: Packet[] = []
      for (let packet = await client.next(); packet !== undefined; packet = await client.next())
        answers.push(packet)
      await client.closed
      const told = answers.map((packet) => ('reasonCode' in packet ? [packet.type, packet.reasonCode] : []))
      expect(told).toEqual(version === 4 ? [] : [['disconnect', code]])
    })
  }
})
