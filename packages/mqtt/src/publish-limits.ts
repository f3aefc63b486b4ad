import { encodePublish, ProtocolError, type Publish, Writer } from '@jamey/protocol'
import { PublishError } from './errors.js'
import type { ServerInformation } from './server-information.js'

/** More than the fixed header, the topic's length and a packet identifier take together. */
const HEAD_BYTES = 16

/** What the server of this connection accepts. Before the first connection: anything. */
export class PublishLimits {
  readonly #version: 4 | 5
  readonly #server: ServerInformation | undefined
  readonly #maximumBytes: number

  constructor(version: 4 | 5, server: ServerInformation | undefined) {
    this.#version = version
    this.#server = server
    this.#maximumBytes = server?.maximumPacketSize ?? Number.POSITIVE_INFINITY
  }

  /** The error for a message that this server must not be sent. */
  refusalOf(publish: Publish): PublishError | undefined {
    const server = this.#server
    if (server === undefined) return undefined
    // [MQTT-3.2.2-11]
    if (publish.qos > server.maximumQoS) {
      return refuse('qos-not-supported', publish, `QoS is ${publish.qos}`, `${server.maximumQoS}`)
    }
    // [MQTT-3.2.2-14]
    if (publish.retain && !server.retainAvailable) {
      return refuse('retain-not-supported', publish, 'retain is set', 'no retained messages')
    }
    if (this.#isSurelySmall(publish)) return undefined
    // [MQTT-3.2.2-15]
    const bytes = this.#bytesOf(publish)
    if (bytes instanceof PublishError) return bytes
    if (bytes <= this.#maximumBytes) return undefined
    return refuse('packet-too-large', publish, `it takes ${bytes} bytes`, `${this.#maximumBytes}`)
  }

  #bytesOf(publish: Publish): number | PublishError {
    try {
      // Any identifier takes two bytes; the message has got none yet.
      const writer = new Writer()
      encodePublish(writer, { ...publish, packetIdentifier: 1 }, this.#version)
      return writer.pendingBytes
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return new PublishError('invalid-argument', `publish: ${error.message}`, { cause: error })
    }
  }

  /** Saves counting where even three bytes per character of the topic do not come near the limit. */
  #isSurelySmall(publish: Publish): boolean {
    if (this.#maximumBytes === Number.POSITIVE_INFINITY) return true
    if (publish.properties !== undefined) return false
    return publish.payload.length + 3 * publish.topic.length + HEAD_BYTES <= this.#maximumBytes
  }
}

function refuse(
  code: 'qos-not-supported' | 'retain-not-supported' | 'packet-too-large',
  publish: Publish,
  found: string,
  accepted: string,
): PublishError {
  return new PublishError(code, `publish to '${publish.topic}': ${found}; the server accepts ${accepted}`)
}
