import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { serverPackets } from './arbitraries.js'
import { FROM_SERVER } from './decode.js'
import { PacketDecoder } from './decoder.js'
import { encode } from './encode.js'
import type { Packet, Publish } from './packets.js'
import type { PublishProperties } from './properties.js'
import { PropertyMemory } from './property-memory.js'
import { Writer } from './writer.js'

/** More often than one in so many is remembered. */
const OFTEN = 20

function decoder(propertyMemory?: PropertyMemory): PacketDecoder {
  return new PacketDecoder(FROM_SERVER, { protocolVersion: 5, propertyMemory })
}

function bytesOf(packets: readonly Packet[]): Uint8Array {
  const writer = new Writer()
  for (const packet of packets) encode(writer, packet, 5)
  return Buffer.concat(writer.take())
}

function read(from: PacketDecoder, bytes: Uint8Array): Publish[] {
  const packets: Publish[] = []
  from.push(bytes)
  for (let packet = from.next(); packet !== undefined; packet = from.next()) packets.push(packet as Publish)
  return packets
}

function publish(properties: PublishProperties | undefined): Publish {
  const payload = new Uint8Array(0)
  return {
    type: 'publish',
    topic: 't',
    payload,
    qos: 0,
    retain: false,
    dup: false,
    packetIdentifier: 0,
    properties,
  }
}

describe('properties that come again', () => {
  it('are the same object, which nobody can change', () => {
    const subscriptionIdentifiers = [7, 268_435_455]
    const properties = { contentType: 'application/json', messageExpiryInterval: 60, subscriptionIdentifiers }
    const got = read(decoder(new PropertyMemory()), bytesOf(Array(OFTEN).fill(publish(properties))))
    const last = got.at(-1)?.properties
    expect(last).toMatchObject(properties)
    expect(got.at(-2)?.properties).toBe(last)
    expect(Object.isFrozen(last) && Object.isFrozen(last?.subscriptionIdentifiers)).toBe(true)
  })

  it.each([
    ['views of the chunk', { correlationData: new Uint8Array([1, 2]) }],
    ['pairs', { userProperties: [['a', 'b']] }],
    ['more than 64 bytes', { contentType: 'x'.repeat(70) }],
  ] satisfies [string, PublishProperties][])(
    'are objects of their own with %s in them',
    (_name, properties) => {
      const got = read(decoder(new PropertyMemory()), bytesOf(Array(OFTEN).fill(publish(properties))))
      expect(new Set(got.map((packet) => packet.properties)).size).toBe(OFTEN)
    },
  )

  it('are told apart, however many streams take turns', () => {
    const sets = Array.from({ length: 100 }, (_, i) => publish({ subscriptionIdentifiers: [i + 1] }))
    const packets = Array.from({ length: OFTEN }, () => sets).flat()
    const got = read(decoder(new PropertyMemory()), bytesOf(packets))
    expect(got.map(({ properties }) => properties?.subscriptionIdentifiers?.[0])).toEqual(
      packets.map(({ properties }) => properties?.subscriptionIdentifiers?.[0]),
    )
  })

  it('are read as without a memory, whatever came before', () => {
    fc.assert(
      fc.property(fc.array(serverPackets(5), { minLength: 1, maxLength: 5 }), (packets) => {
        const bytes = bytesOf(Array.from({ length: OFTEN }, () => packets).flat())
        expect(read(decoder(new PropertyMemory()), bytes)).toEqual(read(decoder(), bytes))
      }),
      { numRuns: 200 },
    )
  })

  it('must not run past the end of their packet', () => {
    const whole = bytesOf([publish({ contentType: 'application/json' })])
    const reader = decoder(new PropertyMemory())
    for (let i = 0; i < OFTEN; i++) read(reader, whole)
    // The packet is said to be one byte shorter than its properties.
    const cut = Uint8Array.from(whole)
    cut[1] = (cut[1] as number) - 1
    expect(() => read(reader, cut)).toThrow('runs past the end of the packet')
  })
})
