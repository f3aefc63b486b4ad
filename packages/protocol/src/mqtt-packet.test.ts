import fc from 'fast-check'
import mqttPacket from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { clientPackets, serverPackets } from './arbitraries.js'
import { Decoder } from './decoder.js'
import { encode } from './encode.js'
import type { Packet, ProtocolVersion } from './packets.js'
import { Writer } from './writer.js'

/**
 * The usual codec of the ecosystem reads what ours writes, and ours reads what it writes again from that: two
 * implementations that were written apart agree on every packet either can express.
 */
function throughTheOther(packet: Packet, version: ProtocolVersion): Uint8Array {
  const writer = new Writer()
  encode(writer, packet, version)
  const parser = mqttPacket.parser({ protocolVersion: version })
  const parsed: mqttPacket.Packet[] = []
  parser.on('packet', (found: mqttPacket.Packet) => parsed.push(found))
  parser.on('error', (error: Error) => {
    throw error
  })
  parser.parse(Buffer.concat(writer.take()))
  const [first] = parsed
  if (first === undefined || parsed.length !== 1) throw new Error(`read as ${parsed.length} packets`)
  return mqttPacket.generate(first, { protocolVersion: version })
}

/** What the other codec is known to refuse or to lose, told apart from faults of ours. */
function isExpressible(packet: Packet): boolean {
  // It keeps user properties by name, which loses their order.
  if (userProperties(packet) > 1) return false
  switch (packet.type) {
    case 'connect': {
      const { username, password, clientId } = packet
      // It takes an empty field for none, and wants a user name beside every password.
      return (
        clientId !== '' && username !== '' && password?.length !== 0 && (username !== undefined || !password)
      )
    }
    case 'auth':
      // It refuses the success that a server ends an authentication with.
      return packet.reasonCode !== 0
    default:
      return true
  }
}

function userProperties(packet: Packet): number {
  const own = 'properties' in packet ? (packet.properties?.userProperties?.length ?? 0) : 0
  const ofWill = packet.type === 'connect' ? (packet.will?.properties?.userProperties?.length ?? 0) : 0
  return Math.max(own, ofWill)
}

describe.each([4, 5] as const)('packets of version %i pass through mqtt-packet unchanged', (version) => {
  it.each(['client', 'server'] as const)('from a %s', (from) => {
    const packets = (from === 'client' ? clientPackets(version) : serverPackets(version)).filter(
      isExpressible,
    )
    fc.assert(
      fc.property(packets, (packet) => {
        const decoder = new Decoder({ from, protocolVersion: version })
        decoder.push(throughTheOther(packet, version))
        expect(decoder.next()).toEqual(packet)
        expect(decoder.next()).toBeUndefined()
      }),
      { numRuns: 600 },
    )
  })
})
