import { encodePublish, type PublishProperties, type QoS, Writer } from '@jamey/protocol'

/** Where the frames of a ring go; more than one topic for whoever measures dispatching. */
export interface RingTopic {
  readonly topic: string
  readonly properties: PublishProperties | undefined
}

export interface RingOptions {
  readonly topics: readonly RingTopic[]
  readonly qos: QoS
  readonly payload: Buffer
  /** At least as many frames, so that identifiers are free again when they are used again. */
  readonly minimumFrames: number
  /** 5 by default. */
  readonly protocolVersion?: 4 | 5
  readonly retain?: boolean
}

/** Frames are made until the ring has this many bytes. */
const USUAL_BYTES = 1_048_576

/**
 * PUBLISH packets encoded beforehand, in one piece, to be sent round and round: sending costs a `subarray` and a
 * write for hundreds of them. Frame number i has the packet identifier i + 1.
 */
export class FrameRing {
  readonly #slab: Buffer
  /** Where frame i starts; one more for the end of the last. */
  readonly #offsets: number[] = [0]

  constructor(options: RingOptions) {
    const { topics, qos, payload, minimumFrames, protocolVersion = 5, retain = false } = options
    const writer = new Writer()
    const chunks: Uint8Array[] = []
    let bytes = 0
    for (let i = 0; i < minimumFrames || i < topics.length || bytes < USUAL_BYTES; i++) {
      if (qos > 0 && i === 65_535) break
      const { topic, properties } = topics[i % topics.length] as RingTopic
      const packetIdentifier = qos === 0 ? 0 : i + 1
      encodePublish(
        writer,
        { type: 'publish', topic, payload, qos, retain, dup: false, packetIdentifier, properties },
        protocolVersion,
      )
      bytes += writer.pendingBytes
      chunks.push(...writer.take())
      this.#offsets.push(bytes)
    }
    this.#slab = Buffer.concat(chunks)
  }

  get length(): number {
    return this.#offsets.length - 1
  }

  /** How many frames from `from` on, at most `limit`, lie in one piece of about `maximumBytes`; at least one. */
  countFrom(from: number, limit: number, maximumBytes: number): number {
    const start = this.#offsets[from] as number
    const most = Math.min(limit, this.length - from)
    let low = 1
    let high = most
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#offsets[from + middle] as number) - start <= maximumBytes) low = middle
      else high = middle - 1
    }
    return low
  }

  slice(from: number, count: number): Buffer {
    return this.#slab.subarray(this.#offsets[from], this.#offsets[from + count])
  }
}
