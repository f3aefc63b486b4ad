import type { Packet } from '@jamey/protocol'
import { RawClient } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../test-support/start-broker.js'

/** What cannot stand for CONNECT, after which PINGREQ would be answered if the connection were let in. */
interface Violation {
  what: string
  hex: string
  /** The return code in the way of 3.1.1; absent: closed without a word. */
  answer?: number
}

const NAME = '0004 4d515454'

const VIOLATIONS: Violation[] = [
  { what: 'PINGREQ [MQTT-3.1.0-1] [MQTT-3.1.0-1 of 3.1.1]', hex: 'c000' },
  { what: 'DISCONNECT [MQTT-3.1.0-1] [MQTT-3.1.0-1 of 3.1.1]', hex: 'e000' },
  { what: 'SUBSCRIBE [MQTT-3.1.0-1] [MQTT-3.1.0-1 of 3.1.1]', hex: '82 06 0001 0001 74 00' },
  {
    what: 'another protocol name, told that this is MQTT [MQTT-3.1.2-1] [MQTT-3.1.2-1 of 3.1.1]',
    hex: '10 0d 0004 4d515458 04 02 0000 0001 61',
    answer: 0x84,
  },
  {
    what: 'a protocol name in small letters [MQTT-3.1.2-1] [MQTT-3.1.2-1 of 3.1.1]',
    hex: '10 0d 0004 6d717474 04 02 0000 0001 61',
    answer: 0x84,
  },
  {
    what: 'protocol level 6 [MQTT-3.1.2-2] [MQTT-3.1.2-2 of 3.1.1]',
    hex: `10 0e ${NAME} 06 02 0000 00 0001 61`,
    answer: 0x84,
  },
  {
    what: 'protocol level 3 under the name of 3.1.1 [MQTT-3.1.2-2 of 3.1.1]',
    hex: `10 0d ${NAME} 03 02 0000 0001 61`,
    answer: 0x84,
  },
  {
    what: 'the reserved flag in 3.1.1 [MQTT-3.1.2-3 of 3.1.1] [MQTT-3.1.4-1 of 3.1.1]',
    hex: `10 0d ${NAME} 04 03 0000 0001 61`,
  },
  { what: 'the reserved flag [MQTT-3.1.2-3] [MQTT-3.1.4-1]', hex: `10 0e ${NAME} 05 03 0000 00 0001 61` },
  {
    what: 'will QoS without a will in 3.1.1 [MQTT-3.1.2-11 of 3.1.1] [MQTT-3.1.2-13 of 3.1.1]',
    hex: `10 0d ${NAME} 04 0a 0000 0001 61`,
  },
  { what: 'will QoS without a will [MQTT-3.1.2-11]', hex: `10 0e ${NAME} 05 0a 0000 00 0001 61` },
  {
    what: 'will retain without a will in 3.1.1 [MQTT-3.1.2-11 of 3.1.1] [MQTT-3.1.2-15 of 3.1.1]',
    hex: `10 0d ${NAME} 04 22 0000 0001 61`,
  },
  { what: 'will retain without a will [MQTT-3.1.2-13]', hex: `10 0e ${NAME} 05 22 0000 00 0001 61` },
  {
    what: 'will topic and message without the will flag in 3.1.1 [MQTT-3.1.2-11 of 3.1.1]',
    hex: `10 13 ${NAME} 04 02 0000 0001 61 0001 77 0001 6d`,
  },
  {
    what: 'will QoS 3 in 3.1.1 [MQTT-3.1.2-14 of 3.1.1]',
    hex: `10 13 ${NAME} 04 1e 0000 0001 61 0001 77 0001 6d`,
  },
  { what: 'will QoS 3 [MQTT-3.1.2-12]', hex: `10 15 ${NAME} 05 1e 0000 00 0001 61 00 0001 77 0001 6d` },
  {
    what: 'the will flag without a will in 3.1.1 [MQTT-3.1.2-9 of 3.1.1]',
    hex: `10 0d ${NAME} 04 06 0000 0001 61`,
  },
  { what: 'the will flag without a will [MQTT-3.1.2-9]', hex: `10 0e ${NAME} 05 06 0000 00 0001 61` },
  {
    what: 'the will flag without a will payload [MQTT-3.1.2-9]',
    hex: `10 12 ${NAME} 05 06 0000 00 0001 61 00 0001 77`,
  },
  {
    what: 'a user name without its flag in 3.1.1 [MQTT-3.1.2-18 of 3.1.1]',
    hex: `10 10 ${NAME} 04 02 0000 0001 61 0001 75`,
  },
  {
    what: 'a user name without its flag [MQTT-3.1.2-16]',
    hex: `10 11 ${NAME} 05 02 0000 00 0001 61 0001 75`,
  },
  {
    what: 'the user name flag without a user name in 3.1.1 [MQTT-3.1.2-19 of 3.1.1]',
    hex: `10 0d ${NAME} 04 82 0000 0001 61`,
  },
  {
    what: 'the user name flag without a user name [MQTT-3.1.2-17]',
    hex: `10 0e ${NAME} 05 82 0000 00 0001 61`,
  },
  {
    what: 'a password without its flag in 3.1.1 [MQTT-3.1.2-20 of 3.1.1]',
    hex: `10 13 ${NAME} 04 82 0000 0001 61 0001 75 0001 70`,
  },
  {
    what: 'a password without its flag [MQTT-3.1.2-18]',
    hex: `10 14 ${NAME} 05 82 0000 00 0001 61 0001 75 0001 70`,
  },
  {
    what: 'the password flag without a password in 3.1.1 [MQTT-3.1.2-21 of 3.1.1]',
    hex: `10 10 ${NAME} 04 c2 0000 0001 61 0001 75`,
  },
  {
    what: 'the password flag without a password [MQTT-3.1.2-19]',
    hex: `10 0e ${NAME} 05 42 0000 00 0001 61`,
  },
  {
    what: 'a password without a user name in 3.1.1 [MQTT-3.1.2-22 of 3.1.1]',
    hex: `10 10 ${NAME} 04 42 0000 0001 61 0001 70`,
  },
  {
    what: 'no client identifier in 3.1.1 [MQTT-3.1.3-3 of 3.1.1]',
    hex: `10 0a ${NAME} 04 02 0000`,
  },
  { what: 'no client identifier [MQTT-3.1.3-3]', hex: `10 0b ${NAME} 05 02 0000 00` },
  {
    what: 'a client identifier that is not UTF-8 in 3.1.1 [MQTT-3.1.3-4 of 3.1.1] [MQTT-1.5.3-1 of 3.1.1]',
    hex: `10 0e ${NAME} 04 02 0000 0002 c328`,
  },
  {
    what: 'a client identifier that is not UTF-8 [MQTT-3.1.3-4]',
    hex: `10 0f ${NAME} 05 02 0000 00 0002 c328`,
  },
  {
    what: 'a will topic that is not UTF-8 in 3.1.1 [MQTT-3.1.3-10 of 3.1.1]',
    hex: `10 14 ${NAME} 04 06 0000 0001 61 0002 c328 0001 6d`,
  },
  {
    what: 'a will topic that is not UTF-8 [MQTT-3.1.3-11]',
    hex: `10 16 ${NAME} 05 06 0000 00 0001 61 00 0002 c328 0001 6d`,
  },
  {
    what: 'a user name that is not UTF-8 in 3.1.1 [MQTT-3.1.3-11 of 3.1.1]',
    hex: `10 11 ${NAME} 04 82 0000 0001 61 0002 c328`,
  },
  {
    what: 'a user name that is not UTF-8 [MQTT-3.1.3-12]',
    hex: `10 12 ${NAME} 05 82 0000 00 0001 61 0002 c328`,
  },
  {
    what: 'a will topic with a wildcard [MQTT-4.7.0-1] [MQTT-3.1.4-1]',
    hex: `10 15 ${NAME} 05 06 0000 00 0001 61 00 0001 2b 0001 6d`,
  },
  {
    what: 'a property that CONNECT does not have [MQTT-3.1.4-1]',
    hex: `10 10 ${NAME} 05 02 0000 02 0101 0001 61`,
  },
  {
    what: 'no property length [MQTT-2.2.2-1] [MQTT-3.1.4-1]',
    hex: `10 0d ${NAME} 05 02 0000 0001 61`,
  },
  { what: 'flags in the first byte [MQTT-2.1.3-1]', hex: `11 0e ${NAME} 05 02 0000 00 0001 61` },
  {
    what: 'flags in the first byte in 3.1.1 [MQTT-2.2.2-1 of 3.1.1] [MQTT-2.2.2-2 of 3.1.1]',
    hex: `11 0d ${NAME} 04 02 0000 0001 61`,
  },
]

describe('nobody is let in with', () => {
  for (const { what, hex, answer } of VIOLATIONS) {
    it(what, async () => {
      const { broker, port } = await startBroker()
      const client = await RawClient.open(port, 4)
      client.sendBytes(Buffer.from(`${hex} c000`.replaceAll(' ', ''), 'hex'))
      const answers: Packet[] = []
      for (let packet = await client.next(); packet !== undefined; packet = await client.next())
        answers.push(packet)
      await client.closed
      const refusal = { type: 'connack', sessionPresent: false, reasonCode: answer }
      expect(answers).toMatchObject(answer === undefined ? [] : [refusal])
      expect(broker.stats()).toMatchObject({ connections: 0, sessions: 0 })
    })
  }
})
