import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clientPackets, publishPackets, serverPackets } from './arbitraries.js'
import type { Sender } from './decode.js'
import { Decoder } from './decoder.js'
import { encode, encodedBytes } from './encode.js'
import { ProtocolError } from './errors.js'
import type { Packet, ProtocolVersion } from './packets.js'
import { PROPERTIES } from './properties.js'
import { PublishFrame } from './publish-frame.js'
import { FAULTS, fromHex, VECTORS } from './vectors.js'
import { Writer } from './writer.js'

function bytesOf(...packets: [Packet, ProtocolVersion][]): Uint8Array {
  const writer = new Writer()
  for (const [packet, version] of packets) encode(writer, packet, version)
  return Buffer.concat(writer.take())
}

function decodeAll(decoder: Decoder, chunks: Uint8Array[]): Packet[] {
  const packets: Packet[] = []
  for (const chunk of chunks) {
    decoder.push(chunk)
    for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) packets.push(packet)
  }
  return packets
}

/** A client's decoder knows its version; a server's learns it from CONNECT. */
function decoderFor(from: Sender, version: ProtocolVersion | undefined, packet?: Packet): Decoder {
  if (version === undefined || packet?.type === 'connect') return new Decoder({ from })
  return new Decoder({ from, protocolVersion: version })
}

function chunksOf(bytes: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size))
  return chunks
}

describe.each(VECTORS)('$name', ({ from, version, hex, packet, isDecodeOnly }) => {
  const bytes = fromHex(hex)

  it('decodes to the packet it means', () => {
    expect(decodeAll(decoderFor(from, version, packet), [bytes])).toEqual([packet])
  })

  it(
    isDecodeOnly ? 'is written by the encoder in fewer bytes' : 'is what the encoder writes for that packet',
    () => {
      if (isDecodeOnly) return expect(bytesOf([packet, version]).length).toBeLessThan(bytes.length)
      expect(Buffer.from(bytesOf([packet, version])).toString('hex')).toBe(Buffer.from(bytes).toString('hex'))
      expect(encodedBytes(packet, version)).toBe(bytes.length)
    },
  )

  it('decodes the same when it comes in two pieces, cut at any byte', () => {
    for (let at = 1; at < bytes.length; at++) {
      const pieces = [bytes.slice(0, at), bytes.slice(at)]
      expect(decodeAll(decoderFor(from, version, packet), pieces)).toEqual([packet])
    }
  })

  it('is refused as malformed when its body ends early at any byte', () => {
    for (let length = 0; length < bytes.length - 2; length++) {
      const short = Uint8Array.of(bytes[0] as number, length, ...bytes.slice(2, 2 + length))
      const decoded = attempt(decoderFor(from, version, packet), short)
      // Some packets may leave out their end: what decodes must be what the encoder writes that short.
      if (decoded instanceof ProtocolError) expect(decoded.offset).toBeLessThanOrEqual(short.length)
      else expect(shortForms(decoded, version, short)).toBe(true)
    }
  })
})

/** Whether `short` is a legal packet on its own: it encodes back to itself, or to the same packet in fewer bytes. */
function shortForms(packets: Packet[], version: ProtocolVersion, short: Uint8Array): boolean {
  const [packet] = packets
  if (packet === undefined || packets.length !== 1) return false
  const again = bytesOf([packet, version])
  return Buffer.compare(again, short) === 0 || again.length < short.length
}

function attempt(decoder: Decoder, bytes: Uint8Array): Packet[] | ProtocolError {
  try {
    return decodeAll(decoder, [bytes])
  } catch (error) {
    if (error instanceof ProtocolError) return error
    throw error
  }
}

describe('the decoder refuses', () => {
  it.each(FAULTS)('$name', ({ from, version, hex, code, reasonCode, offset }) => {
    const bytes = fromHex(hex)
    const seen = attempt(decoderFor(from, version), bytes)
    expect(seen).toMatchObject({ code, reasonCode, offset })
    for (let at = 1; at < bytes.length; at++) {
      const decoder = decoderFor(from, version)
      expect(() => decodeAll(decoder, [bytes.slice(0, at), bytes.slice(at)])).toThrow((seen as Error).message)
      expect(() => decoder.next()).toThrow((seen as Error).message)
    }
  })

  it('a packet over the maximum packet size before its body came [MQTT-3.2.2-15]', () => {
    const decoder = new Decoder({ from: 'client', protocolVersion: 5, maximumPacketBytes: 100 })
    decoder.push(fromHex('30 63'))
    expect(() => decoder.next()).toThrow('packet of 101 bytes: at most 100 are accepted')
  })

  it('a packet without a message over its own maximum before its body came [promise 34]', () => {
    for (const hex of ['82 63', 'a2 63', 'f0 63', '40 63', '10 63']) {
      const decoder = new Decoder({ from: 'client', protocolVersion: 5, maximumControlBytes: 100 })
      decoder.push(fromHex(hex))
      expect(() => decoder.next()).toThrow('packet of 101 bytes: at most 100 are accepted')
    }
  })

  it('properties of a PUBLISH over that maximum before they are read, however large its payload may be [promise 34]', () => {
    const publish = {
      type: 'publish',
      topic: 't',
      qos: 0,
      retain: false,
      dup: false,
      packetIdentifier: 0,
    } as const
    const most = { from: 'client', protocolVersion: 5, maximumControlBytes: 100 } as const
    const plain = { ...publish, payload: new Uint8Array(1000), properties: undefined }
    expect(decodeAll(new Decoder(most), [bytesOf([plain, 5])])).toEqual([plain])
    const userProperties = Array.from({ length: 21 }, () => ['', ''] as const)
    const many = { ...publish, payload: new Uint8Array(0), properties: { userProperties } }
    expect(() => decodeAll(new Decoder(most), [bytesOf([many, 5])])).toThrow(
      'properties of 105 bytes: at most 100 are accepted',
    )
  })

  it('random bytes with a ProtocolError and nothing else', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.constantFrom<ProtocolVersion>(3, 4, 5),
        fc.constantFrom<Sender>('client', 'server'),
        (bytes, version, from) => {
          const seen = attempt(new Decoder({ from, protocolVersion: version }), bytes)
          if (seen instanceof ProtocolError) expect(seen.reasonCode).toBeGreaterThanOrEqual(0x80)
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('packets with one changed byte with a ProtocolError, or reads another legal packet', () => {
    fc.assert(
      fc.property(clientPackets(5), fc.nat(), fc.integer({ min: 1, max: 255 }), (packet, where, change) => {
        const bytes = Uint8Array.from(bytesOf([packet, 5]))
        const at = where % Math.min(bytes.length, 200)
        bytes[at] = (bytes[at] as number) ^ change
        const seen = attempt(new Decoder({ from: 'client', protocolVersion: 5 }), bytes)
        if (!(seen instanceof ProtocolError)) for (const found of seen) bytesOf([found, 5])
      }),
      { numRuns: 1000 },
    )
  })
})

describe.each([3, 4, 5] as const)('packets of version %i', (version) => {
  it.each(['client', 'server'] as const)(
    'of a %s come back as they were sent, however they are cut',
    (from) => {
      const packets = from === 'client' ? clientPackets(version) : serverPackets(version)
      fc.assert(
        fc.property(
          fc.array(packets, { minLength: 1, maxLength: 8 }),
          fc.integer({ min: 1, max: 300 }),
          (sent, size) => {
            const bytes = bytesOf(...sent.map((packet) => [packet, version] as [Packet, ProtocolVersion]))
            const decoder = new Decoder({ from, protocolVersion: version })
            expect(decodeAll(decoder, chunksOf(bytes, size))).toEqual(sent)
            expect(decodeAll(new Decoder({ from, protocolVersion: version }), [bytes])).toEqual(sent)
          },
        ),
        { numRuns: 200 },
      )
    },
  )
})

describe('a frame for many receivers', () => {
  it('has the bytes that encode writes, with each receiver its own identifier', () => {
    fc.assert(
      fc.property(publishPackets(), fc.integer({ min: 1, max: 65_535 }), (packet, packetIdentifier) => {
        const frame = new PublishFrame(packet, 5)
        const writer = new Writer()
        encode(writer, { type: 'pingreq' }, 5)
        frame.writeTo(writer, packetIdentifier)
        const expected = packet.qos === 0 ? packet : { ...packet, packetIdentifier }
        const written = Buffer.concat(writer.take())
        expect(Buffer.compare(written, Buffer.concat([fromHex('c0 00'), bytesOf([expected, 5])]))).toBe(0)
        expect(frame.bytes).toBe(written.length - 2)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a packet in many pieces', () => {
  it('of 8 MiB in pieces of 1 KiB is copied a bounded number of times', () => {
    const payload = new Uint8Array(8 * 1024 * 1024).fill(7)
    const packet: Packet = {
      type: 'publish',
      topic: 'big',
      payload,
      qos: 1,
      retain: false,
      dup: false,
      packetIdentifier: 9,
      properties: undefined,
    }
    const decoder = new Decoder({ from: 'client', protocolVersion: 5 })
    const [decoded] = decodeAll(decoder, chunksOf(bytesOf([packet, 5]), 1024))
    expect(decoded).toMatchObject({ type: 'publish', topic: 'big', packetIdentifier: 9 })
    expect(decoded?.type === 'publish' && Buffer.compare(decoded.payload, payload)).toBe(0)
  })
})

describe('the table of properties', () => {
  it('has each identifier once for every packet that carries it', () => {
    const seen = PROPERTIES.flatMap((row) => row.on.map((holder) => `${holder} ${row.id}`))
    expect(new Set(seen).size).toBe(seen.length)
  })

  it('knows the 27 identifiers of the standard [MQTT 5.0 table 2-4]', () => {
    expect(new Set(PROPERTIES.map((row) => row.id)).size).toBe(27)
  })
})

it('a payload that was decoded never changes, whether its packet came whole or in pieces', () => {
  const messages = ['first', 'second', 'third'].map((text) => ({
    type: 'publish' as const,
    topic: 't',
    payload: Buffer.from(text.repeat(500)),
    qos: 0 as const,
    retain: false,
    dup: false,
    packetIdentifier: 0,
    properties: undefined,
  }))
  const bytes = bytesOf(...messages.map((message): [Packet, ProtocolVersion] => [message, 5]))
  for (const pieceBytes of [1000, 4096, 10_000, bytes.length]) {
    const decoder = new Decoder({ from: 'client', protocolVersion: 5 })
    const kept = decodeAll(decoder, chunksOf(bytes, pieceBytes)) as typeof messages
    expect(kept.map(({ payload }) => Buffer.from(payload).toString())).toEqual(
      messages.map(({ payload }) => payload.toString()),
    )
  }
})
