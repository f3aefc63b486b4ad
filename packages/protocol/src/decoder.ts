import { type Direction, decode, FROM_CLIENT, FROM_SERVER, type Sender } from './decode.js'
import { ProtocolError } from './errors.js'
import { type Packet, PacketType, type ProtocolVersion } from './packets.js'
import { PropertyMemory } from './property-memory.js'
import { Reader } from './reader.js'
import { ReasonCode } from './reason-codes.js'
import { MAXIMUM_VARINT } from './writer.js'

/** A packet's type and flags, then at most four bytes of length. Section 2.1. */
const MAXIMUM_HEADER_BYTES = 5
/** The first allocation for a packet that comes in pieces; a peer that announces much and sends little gets no more. */
const FIRST_PIECE_BYTES = 4096
/**
 * Once so much of a packet has come, its announced length is reserved in one piece, so that nothing is copied again.
 */
const WELL_BEGUN_BYTES = 131_072

export interface PacketDecoderOptions {
  /** Known beforehand by a client; a server learns it from CONNECT. */
  readonly protocolVersion?: ProtocolVersion | undefined
  /** Bytes of a whole packet, its header included; larger ones are refused before they are read. */
  readonly maximumPacketBytes?: number | undefined
  /**
   * Bytes of a whole packet that carries no message, and of the properties of one that does; larger ones are refused
   * before they are read. Every byte of these may become an object of its own. By default, as `maximumPacketBytes`.
   */
  readonly maximumControlBytes?: number | undefined
  /**
   * Memory of repeated properties, which belongs to this decoder alone; without one, properties are read anew each
   * time.
   */
  readonly propertyMemory?: PropertyMemory | undefined
}

/**
 * Turns the bytes of one connection into packets:
 *
 *     decoder.push(chunk)
 *     for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) handle(packet)
 *
 * A whole packet is decoded where it lies in the chunk, so payloads and binary properties are views of it. Only a
 * packet that is cut by the end of a chunk is copied, once, into a buffer of its own.
 */
export class PacketDecoder {
  protocolVersion: ProtocolVersion | undefined
  maximumPacketBytes: number
  maximumControlBytes: number
  readonly #direction: Direction
  readonly #reader = new Reader()
  #chunk: Uint8Array | undefined
  #at = 0
  /** The packet that began in an earlier chunk, as far as it came. */
  #partial: Uint8Array | undefined
  #partialBytes = 0
  /** Bytes of header and body of the packet at hand; 0 while its length is not known. */
  #packetBytes = 0
  #headerBytes = 0
  #isShortest = true
  #failure: ProtocolError | undefined

  constructor(direction: Direction, options: PacketDecoderOptions) {
    this.#direction = direction
    this.#reader.propertyMemory = options.propertyMemory
    this.protocolVersion = options.protocolVersion
    this.maximumPacketBytes = options.maximumPacketBytes ?? MAXIMUM_VARINT + MAXIMUM_HEADER_BYTES
    this.maximumControlBytes = options.maximumControlBytes ?? Number.POSITIVE_INFINITY
  }

  /** Bytes of a packet that is not whole yet. */
  get heldBytes(): number {
    return this.#partial === undefined ? 0 : this.#partialBytes
  }

  /** Takes the next bytes; every packet of the former ones must have been fetched. `chunk` must not change any more. */
  push(chunk: Uint8Array): void {
    if (this.#chunk !== undefined) throw new Error('push: next() has packets left')
    if (chunk.length === 0) return
    this.#chunk = chunk
    this.#at = 0
  }

  /** The next packet, or undefined when more bytes are needed. Throws `ProtocolError`, from then on at every call. */
  next(): Packet | undefined {
    if (this.#failure !== undefined) throw this.#failure
    const chunk = this.#chunk
    if (chunk === undefined) return undefined
    try {
      return this.#partial === undefined ? this.#whole(chunk) : this.#pieced(chunk, this.#partial)
    } catch (error) {
      if (error instanceof ProtocolError) this.#failure = error
      throw error
    }
  }

  /**
   * The bytes of a packet that failed: from earlier chunks, and from the last chunk with all behind it. The decoder is
   * as new afterwards.
   */
  rest(): (Uint8Array | undefined)[] {
    const rest = [this.#partial?.subarray(0, this.#partialBytes), this.#chunk?.subarray(this.#at)]
    this.#chunk = this.#partial = this.#failure = undefined
    return rest
  }

  #whole(chunk: Uint8Array): Packet | undefined {
    const from = this.#at
    this.#readHeader(chunk, from, chunk.length)
    const end = from + this.#packetBytes
    if (this.#packetBytes === 0 || end > chunk.length) {
      this.#keep(chunk)
      return undefined
    }
    this.#at = end
    if (end === chunk.length) this.#chunk = undefined
    return this.#decode(chunk, from, end)
  }

  #pieced(chunk: Uint8Array, partial: Uint8Array): Packet | undefined {
    let buffer = partial
    while (this.#packetBytes === 0) {
      if (this.#at === chunk.length) return this.#exhausted()
      buffer[this.#partialBytes++] = chunk[this.#at++] as number
      this.#readHeader(buffer, 0, this.#partialBytes)
    }
    const count = Math.min(this.#packetBytes - this.#partialBytes, chunk.length - this.#at)
    const needed = this.#partialBytes + count
    if (needed > buffer.length) {
      const room = needed < WELL_BEGUN_BYTES ? Math.max(2 * buffer.length, needed) : this.#packetBytes
      const grown = new Uint8Array(Math.min(this.#packetBytes, room))
      grown.set(buffer.subarray(0, this.#partialBytes))
      this.#partial = buffer = grown
    }
    buffer.set(chunk.subarray(this.#at, this.#at + count), this.#partialBytes)
    this.#at += count
    this.#partialBytes = needed
    if (this.#at === chunk.length) this.#chunk = undefined
    if (needed < this.#packetBytes) return undefined
    this.#partial = undefined
    return this.#decode(buffer, 0, needed)
  }

  #exhausted(): undefined {
    this.#chunk = undefined
    return undefined
  }

  #keep(chunk: Uint8Array): void {
    const rest = chunk.subarray(this.#at)
    const expected = Math.min(this.#packetBytes, FIRST_PIECE_BYTES)
    const partial = new Uint8Array(Math.max(rest.length, expected, MAXIMUM_HEADER_BYTES))
    partial.set(rest)
    this.#partial = partial
    this.#partialBytes = rest.length
    this.#chunk = undefined
  }

  /** Sets `#packetBytes`, to 0 where the header is cut, and `#headerBytes`. */
  #readHeader(bytes: Uint8Array, from: number, end: number): void {
    this.#packetBytes = 0
    let length = 0
    for (let i = 1; i < MAXIMUM_HEADER_BYTES; i++) {
      const at = from + i
      if (at >= end) return
      const byte = bytes[at] as number
      length += (byte & 127) * 128 ** (i - 1)
      if (byte > 127) continue
      this.#isShortest = byte !== 0 || i === 1
      this.#headerBytes = i + 1
      this.#packetBytes = i + 1 + length
      if (this.#packetBytes > this.maximumPacketBytes) throw this.#tooLarge(this.maximumPacketBytes)
      const isControl = (bytes[from] as number) >>> 4 !== PacketType.publish
      if (isControl && this.#packetBytes > this.maximumControlBytes)
        throw this.#tooLarge(this.maximumControlBytes)
      return
    }
    throw malformed(MAXIMUM_HEADER_BYTES - 1, 'remaining length has more than four bytes')
  }

  #decode(bytes: Uint8Array, from: number, end: number): Packet {
    const firstByte = bytes[from] as number
    const isConnect = firstByte >>> 4 === PacketType.connect
    const version = this.protocolVersion
    if (version === undefined && !isConnect) {
      // [MQTT-3.1.0-1]
      throw new ProtocolError(
        'protocol-error',
        ReasonCode.protocolError,
        0,
        'the first packet is not CONNECT',
      )
    }
    const reader = this.#reader
    reader.set(bytes, from, from + this.#headerBytes, end)
    reader.wantsShortestVarint = version === 5
    reader.mostPropertyBytes = this.maximumControlBytes
    const packet = decode(reader, firstByte, version ?? 5, this.#direction)
    if (packet.type === 'connect') this.protocolVersion ??= packet.protocolVersion
    // [MQTT-1.5.5-1]; a rule of MQTT 5.0 alone, and the version of a CONNECT is known only now.
    if (!this.#isShortest && this.protocolVersion === 5) {
      throw malformed(1, 'remaining length is not in its shortest form')
    }
    return packet
  }

  #tooLarge(maximumBytes: number): ProtocolError {
    return new ProtocolError(
      'packet-too-large',
      ReasonCode.packetTooLarge,
      1,
      `packet of ${this.#packetBytes} bytes: at most ${maximumBytes} are accepted`,
    )
  }
}

export interface DecoderOptions extends PacketDecoderOptions {
  /** The side that sends the bytes that will be pushed. */
  readonly from: Sender
}

/** A `PacketDecoder` for either side. */
export class Decoder extends PacketDecoder {
  constructor(options: DecoderOptions) {
    const direction = options.from === 'client' ? FROM_CLIENT : FROM_SERVER
    super(direction, { propertyMemory: new PropertyMemory(), ...options })
  }
}

function malformed(offset: number, message: string): ProtocolError {
  return new ProtocolError('malformed-packet', ReasonCode.malformedPacket, offset, message)
}
