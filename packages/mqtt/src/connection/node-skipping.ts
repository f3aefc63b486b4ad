import {
  type Packet,
  type PacketDecoder,
  PacketType,
  ProtocolError,
  type Publish,
  type QoS,
} from '@jamey/protocol'
import { MessageError } from '../model/errors.js'
import type { Decoding, PacketLimits, Skipped } from '../model/platform.js'
import type { Counters } from '../model/stats.js'

interface Head {
  readonly publish: Publish
  /** Bytes of the whole packet. */
  readonly bytes: number
}

/** A type and flags, at most four bytes of length, and those of the topic. */
const MAXIMUM_LENGTHS_BYTES = 7

/**
 * Before MQTT 5.0 a server cannot be told what is too large, and would send it with every connection again. So a
 * PUBLISH that is larger than we take is passed over: of its bytes topic and packet identifier are kept, as it has to be
 * acknowledged, and it is counted and told of. Costs the others nothing: the decoder finds it.
 */
class SkippingDecoder implements Decoding {
  readonly #decoder: PacketDecoder
  readonly #onSkipped: (publish: Publish, bytes: number) => void
  /** The beginning of what is passed over, until its topic and identifier are known. */
  #begun: Uint8Array | undefined
  #head: Head | undefined
  /** Bytes of it that are still to come. */
  #left = 0

  constructor(decoder: PacketDecoder, onSkipped: (publish: Publish, bytes: number) => void) {
    this.#decoder = decoder
    this.#onSkipped = onSkipped
  }

  push(chunk: Uint8Array): void {
    if (this.#begun === undefined && this.#left === 0) this.#decoder.push(chunk)
    else this.#skip(chunk)
  }

  next(): Packet | Skipped | undefined {
    if (this.#begun !== undefined || this.#left > 0) return undefined
    if (this.#head !== undefined) return this.#skipped(this.#head)
    try {
      return this.#decoder.next()
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'packet-too-large') throw error
      const bytes = Buffer.concat(this.#decoder.rest().filter((piece) => piece !== undefined))
      if ((bytes[0] ?? 0) >>> 4 !== PacketType.publish) throw error
      this.#skip(bytes)
      return this.next()
    }
  }

  #skip(chunk: Uint8Array): void {
    let bytes = chunk
    if (this.#left === 0) {
      bytes = Buffer.concat([this.#begun ?? new Uint8Array(0), chunk])
      this.#head = headOf(bytes)
      this.#begun = this.#head === undefined ? bytes : undefined
      if (this.#head === undefined) return
      this.#left = this.#head.bytes
    }
    const behind = bytes.subarray(Math.min(this.#left, bytes.length))
    this.#left -= bytes.length - behind.length
    this.#decoder.push(behind)
  }

  #skipped({ publish, bytes }: Head): Skipped {
    this.#head = undefined
    this.#onSkipped(publish, bytes)
    return { type: 'skipped', publish }
  }
}

/** A decoder for servers of MQTT 3.1.1: those of 5.0 are told our maximum in CONNECT. */
export function skipping(decoder: PacketDecoder, limits: PacketLimits, counters: Counters): Decoding {
  if (decoder.protocolVersion === 5) return decoder
  return new SkippingDecoder(decoder, ({ topic }, bytes) => {
    counters.messagesDroppedOnReceipt++
    limits.onBackgroundError(
      new MessageError(
        'dropped',
        `message on '${topic}' was passed over: it takes ${bytes} bytes, and the option maximumPacketBytes is ${limits.maximumPacketBytes}`,
      ),
    )
  })
}

/** The head of a PUBLISH; undefined where more of it is needed. Section 3.3 of MQTT 3.1.1. */
function headOf(bytes: Uint8Array): Head | undefined {
  if (bytes.length < MAXIMUM_LENGTHS_BYTES) return undefined
  const flags = bytes[0] as number
  let at = 1
  let length = 0
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[at++] as number
    length += (byte & 127) * factor
    if (byte < 128) break
  }
  const qos = ((flags >>> 1) & 3) as QoS
  const topicAt = at + 2
  const identifierAt = topicAt + (((bytes[at] as number) << 8) | (bytes[at + 1] as number))
  if (bytes.length < identifierAt + 2) return undefined
  const publish: Publish = {
    type: 'publish',
    topic: Buffer.from(bytes.subarray(topicAt, identifierAt)).toString(),
    payload: new Uint8Array(0),
    qos,
    retain: (flags & 1) !== 0,
    dup: (flags & 8) !== 0,
    packetIdentifier:
      qos === 0 ? 0 : ((bytes[identifierAt] as number) << 8) | (bytes[identifierAt + 1] as number),
    properties: undefined,
  }
  return { publish, bytes: at + length }
}
