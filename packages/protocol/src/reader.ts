import { ProtocolError } from './errors.js'
import type { PublishProperties } from './properties.js'
import { ReasonCode } from './reason-codes.js'

/** Bytes up to which a topic is worth looking up among those seen before. */
const CACHED_TOPIC_BYTES = 128
const TOPIC_SLOTS = 256

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Another way to read the properties of a PUBLISH, such as one that remembers those that come again. */
export interface PublishPropertyReader {
  read(reader: Reader): PublishProperties | undefined
}

/**
 * Reads one packet's body in place. The window `at`..`end` is the packet, or the section of it that is being read;
 * whatever runs past it is malformed.
 */
export class Reader {
  bytes: Uint8Array = new Uint8Array(0)
  at = 0
  end = 0
  /** Offset of the packet's first byte in the chunk; errors tell offsets from there. */
  start = 0
  /** MQTT 5.0 wants Variable Byte Integers in their shortest form. [MQTT-1.5.5-1] */
  wantsShortestVarint = false
  /** The greatest size of one set of properties. */
  mostPropertyBytes = Number.POSITIVE_INFINITY
  propertyMemory: PublishPropertyReader | undefined
  readonly #topics: string[] = new Array(TOPIC_SLOTS).fill('')
  #lastTopic = ''

  set(bytes: Uint8Array, start: number, at: number, end: number): void {
    this.bytes = bytes
    this.start = start
    this.at = at
    this.end = end
  }

  /** Moves the end of the window; returns the old one. */
  narrow(end: number): number {
    const outer = this.end
    this.end = end
    return outer
  }

  get left(): number {
    return this.end - this.at
  }

  byte(): number {
    if (this.at >= this.end) throw this.short(1)
    return this.bytes[this.at++] as number
  }

  uint16(): number {
    if (this.at + 2 > this.end) throw this.short(2)
    const value = ((this.bytes[this.at] as number) << 8) | (this.bytes[this.at + 1] as number)
    this.at += 2
    return value
  }

  uint32(): number {
    if (this.at + 4 > this.end) throw this.short(4)
    return this.uint16() * 65_536 + this.uint16()
  }

  varint(): number {
    const from = this.at
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte()
      value |= (byte & 127) << shift
      if (byte > 127) continue
      if (byte === 0 && shift > 0 && this.wantsShortestVarint) {
        throw this.malformed('variable byte integer is not in its shortest form', from)
      }
      return value
    }
    throw this.malformed('variable byte integer has more than four bytes', from)
  }

  /** 1 to 65535. [MQTT-2.2.1-3] */
  packetIdentifier(): number {
    const at = this.at
    const value = this.uint16()
    if (value === 0) throw this.violation('packet identifier is 0', ReasonCode.protocolError, at)
    return value
  }

  /** Binary Data, as a view. Section 1.5.6. */
  binary(): Uint8Array {
    const length = this.uint16()
    if (this.at + length > this.end) throw this.short(length)
    return this.view(length)
  }

  /** The next `length` bytes, uncopied. */
  view(length: number): Uint8Array {
    const { bytes } = this
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset + this.at, length)
    this.at += length
    return view
  }

  /** A UTF-8 Encoded String: well-formed and without NUL. [MQTT-1.5.4-1] [MQTT-1.5.4-2] */
  string(): string {
    const length = this.uint16()
    const end = this.at + length
    if (end > this.end) throw this.short(length)
    const from = this.at
    for (let at = from; at < end; at++) {
      const byte = this.bytes[at] as number
      if (byte >= 0x80) return this.#wide(from, end)
      if (byte === 0) throw this.malformed('string has a NUL character', at)
    }
    this.at = end
    return latin1(this.bytes, from, end)
  }

  /**
   * A topic name, which has at least one character and no wildcard. Streams repeat their topics, so short ones are
   * kept: the same string comes back, its hash already computed for the maps it is looked up in. [MQTT-3.3.2-2]
   */
  topic(): string {
    const length = this.uint16()
    const from = this.at
    const end = from + length
    if (end > this.end) throw this.short(length)
    if (length === 0) throw this.violation('topic name is empty', ReasonCode.topicNameInvalid, from)
    if (this.#holds(this.#lastTopic, from, length)) {
      this.at = end
      return this.#lastTopic
    }
    if (length > CACHED_TOPIC_BYTES) return this.#newTopic(from)
    let hash = length
    for (let at = from; at < end; at++) hash = (Math.imul(hash, 31) + (this.bytes[at] as number)) | 0
    const slot = (hash ^ (hash >>> 8)) & (TOPIC_SLOTS - 1)
    const kept = this.#topics[slot] as string
    if (this.#holds(kept, from, length)) {
      this.at = end
      this.#lastTopic = kept
      return kept
    }
    const topic = this.#newTopic(from)
    // `#holds` compares bytes with UTF-16 code units, and those agree for ASCII only.
    if (topic.length === length) {
      this.#topics[slot] = topic
      this.#lastTopic = topic
    }
    return topic
  }

  malformed(message: string, at = this.at): ProtocolError {
    return new ProtocolError('malformed-packet', ReasonCode.malformedPacket, at - this.start, message)
  }

  violation(message: string, reasonCode: number, at = this.at): ProtocolError {
    return new ProtocolError('protocol-error', reasonCode, at - this.start, message)
  }

  short(wanted: number): ProtocolError {
    return this.malformed(`packet ends where ${wanted} bytes were expected, ${this.left} are left`)
  }

  #newTopic(from: number): string {
    this.at = from - 2
    const topic = this.string()
    if (/[+#]/.test(topic)) {
      throw this.violation('topic name has a wildcard', ReasonCode.topicNameInvalid, from)
    }
    return topic
  }

  #holds(topic: string, from: number, length: number): boolean {
    if (topic.length !== length) return false
    const { bytes } = this
    // It compares from the end, where topics of one tree differ first.
    for (let i = length - 1; i >= 0; i--) if (topic.charCodeAt(i) !== bytes[from + i]) return false
    return true
  }

  #wide(from: number, end: number): string {
    let text: string
    try {
      text = strict.decode(this.bytes.subarray(from, end))
    } catch {
      throw this.malformed('string is not well-formed UTF-8', from)
    }
    if (text.includes('\0')) throw this.malformed('string has a NUL character', from)
    this.at = end
    return text
  }
}

/** Node reads ASCII many times faster through its own slice; a browser has none. */
const latin1: (bytes: Uint8Array, from: number, end: number) => string =
  typeof Buffer === 'undefined'
    ? (bytes, from, end) => strict.decode(bytes.subarray(from, end))
    : (bytes, from, end) => Buffer.prototype.latin1Slice.call(bytes, from, end)
