import { type Connack, encodedBytes } from '@jamey/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readServerInformation } from '../model/server-information.js'
import { makePublication } from './publication.js'
import { PublishLimits } from './publish-limits.js'

// Mostly of characters that take three bytes in UTF-8, which is the most that one UTF-16 unit can take.
const text = fc.string({ unit: fc.constantFrom('\uffee', '\u20ac', 'a'), maxLength: 40 })
const given = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined })

describe('the limits of a server', () => {
  it('are never broken by what is taken for surely small, a new topic alias included [MQTT-3.2.2-15]', () => {
    const properties = fc.record({
      payloadFormatIndicator: given(fc.constantFrom(0 as const, 1 as const)),
      messageExpiryInterval: given(fc.nat()),
      contentType: given(text),
      responseTopic: given(text.filter((topic) => topic !== '')),
      correlationData: given(fc.uint8Array({ maxLength: 40 })),
      userProperties: given(fc.array(fc.tuple(text, text), { maxLength: 2 })),
    })
    fc.assert(
      fc.property(
        text.filter((topic) => topic !== ''),
        fc.uint8Array({ maxLength: 200 }),
        given(properties),
        (topic, payload, properties) => {
          const publication = makePublication(topic, payload, { qos: 1, properties })
          const aliased = {
            ...publication,
            packetIdentifier: 1,
            properties: { ...properties, topicAlias: 1 },
          }
          const bytes = encodedBytes(aliased, 5)
          expect(limitedTo(bytes - 1).isSurelySmall(publication)).toBe(false)
          const isCounted = properties?.userProperties !== undefined
          expect(limitedTo(3 * bytes + 16).isSurelySmall(publication)).toBe(!isCounted)
        },
      ),
    )
  })

  it('leave a message of the exact size and refuse one byte more [MQTT-3.2.2-15]', () => {
    const properties = { contentType: 'c', userProperties: [['a', 'b']] as const }
    const publication = makePublication('topic', new Uint8Array(20), { qos: 1, properties })
    const bytes = encodedBytes({ ...publication, packetIdentifier: 1 }, 5)
    expect(limitedTo(bytes).refusalOf(publication)).toBeUndefined()
    expect(limitedTo(bytes - 1).refusalOf(publication)).toMatchObject({ code: 'packet-too-large' })
  })
})

function limitedTo(maximumPacketSize: number): PublishLimits {
  const connack: Connack = {
    type: 'connack',
    sessionPresent: false,
    reasonCode: 0,
    properties: { maximumPacketSize },
  }
  const asked = { clientId: 'a', protocolVersion: 5, keepAliveSeconds: 60, sessionExpirySeconds: 0 } as const
  return new PublishLimits(readServerInformation(connack, asked))
}
