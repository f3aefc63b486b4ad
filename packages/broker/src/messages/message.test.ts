import {
  Decoder,
  encodedBytes,
  encodePublish,
  type Publish,
  type PublishProperties,
  type UserProperty,
  Writer,
} from '@jamey/protocol'
import { FakeClock } from '@jamey/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { silentLog } from '../support/log.js'
import { Message } from './message.js'
import { type Stamp, Stamping } from './stamping.js'

const text = fc
  .string({ unit: 'grapheme', size: 'max', maxLength: 300 })
  .map((value) => value.replace(/[\0+#]/g, ''))
const bytes = fc.integer({ min: 0, max: 3000 }).map((length) => new Uint8Array(length))
const properties: fc.Arbitrary<PublishProperties> = fc.record(
  {
    payloadFormatIndicator: fc.constantFrom<0 | 1>(0, 1),
    contentType: text,
    responseTopic: text.map((value) => `r${value}`),
    correlationData: fc.integer({ min: 0, max: 300 }).map((length) => new Uint8Array(length)),
    userProperties: fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 6 }),
  },
  { requiredKeys: [] },
)
const identifiers = fc.option(
  fc.array(fc.integer({ min: 1, max: 268_435_455 }), { minLength: 1, maxLength: 90 }),
  {
    nil: undefined,
  },
)

const EMPTY: Publish = {
  type: 'publish',
  topic: 't',
  payload: new Uint8Array(0),
  qos: 0,
  retain: false,
  dup: false,
  packetIdentifier: 0,
  properties: undefined,
}
const name = fc.string({ unit: 'grapheme', maxLength: 40 }).map((value) => value.replaceAll('\0', ''))
const stamping = new Stamping(['#'], silentLog)
const stamps = fc.option(
  fc.tuple(name, fc.array(name, { maxLength: 3 })).map(([id, others]) => stamping.stampOf(`p${id}`, others)),
  { nil: undefined },
)

/** As they are read from a packet. */
function pairsIn({ encoded }: Stamp): readonly UserProperty[] {
  const decoder = new Decoder({ from: 'server', protocolVersion: 5 })
  const writer = new Writer()
  encodePublish(writer, EMPTY, 5, 0, encoded)
  decoder.push(Buffer.concat(writer.take()))
  const packet = decoder.next()
  return (packet?.type === 'publish' && packet.properties?.userProperties) || []
}

describe('a message for a client with a Maximum Packet Size', () => {
  it('is written where it fits, and not where it takes one byte more [MQTT-3.1.2-24]', () => {
    const clock = new FakeClock()
    fc.assert(
      fc.property(text, bytes, properties, identifiers, stamps, (name, payload, own, identified, stamp) => {
        const topic = `t${name}`
        const message = new Message(topic, payload, 1, false, own, Number.POSITIVE_INFINITY, 'p', stamp)
        const sent: PublishProperties = { ...own, subscriptionIdentifiers: identified }
        if (stamp !== undefined) sent.userProperties = [...(own.userProperties ?? []), ...pairsIn(stamp)]
        const packet: Publish = {
          type: 'publish',
          topic,
          payload,
          qos: 1,
          retain: false,
          dup: false,
          packetIdentifier: 1,
          properties: sent,
        }
        const size = encodedBytes(packet, 5)
        for (const maximumPacketBytes of [size - 1, size, size + 1000, 16_777_216]) {
          const writer = new Writer()
          const outlet = { writer, version: 5, maximumPacketBytes, outgoingAliases: undefined } as const
          const isWritten = message.writeTo(outlet, 1, false, false, 1, identified, -1, clock)
          expect([isWritten, writer.pendingBytes]).toEqual(
            maximumPacketBytes < size ? [false, 0] : [true, size],
          )
        }
      }),
      { numRuns: 500 },
    )
  })
})
