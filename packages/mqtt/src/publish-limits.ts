import { encodePublish, ProtocolError, Writer } from '@jamey/protocol'
import { PublishError } from './errors.js'
import type { Publication } from './publication.js'
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
  refusalOf(publication: Publication): PublishError | undefined {
    const server = this.#server
    if (server === undefined) return undefined
    // [MQTT-3.2.2-11]
    if (publication.qos > server.maximumQoS) {
      return refuse('qos-not-supported', publication, `QoS is ${publication.qos}`, `${server.maximumQoS}`)
    }
    // [MQTT-3.2.2-14]
    if (publication.retain && !server.retainAvailable) {
      return refuse('retain-not-supported', publication, 'retain is set', 'no retained messages')
    }
    if (this.#isSurelySmall(publication)) return undefined
    // [MQTT-3.2.2-15]
    const bytes = this.#bytesOf(publication)
    if (bytes instanceof PublishError) return bytes
    if (bytes <= this.#maximumBytes) return undefined
    return refuse('packet-too-large', publication, `it takes ${bytes} bytes`, `${this.#maximumBytes}`)
  }

  #bytesOf(publication: Publication): number | PublishError {
    try {
      // Any identifier takes two bytes; the message has got none yet.
      const writer = new Writer()
      encodePublish(writer, { ...publication, packetIdentifier: 1 }, this.#version)
      return writer.pendingBytes
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return new PublishError('invalid-argument', `publish: ${error.message}`, { cause: error })
    }
  }

  /** Saves counting where even three bytes per character of the topic do not come near the limit. */
  #isSurelySmall(publication: Publication): boolean {
    if (this.#maximumBytes === Number.POSITIVE_INFINITY) return true
    if (publication.properties !== undefined) return false
    return publication.payload.length + 3 * publication.topic.length + HEAD_BYTES <= this.#maximumBytes
  }
}

function refuse(
  code: 'qos-not-supported' | 'retain-not-supported' | 'packet-too-large',
  publication: Publication,
  found: string,
  accepted: string,
): PublishError {
  return new PublishError(code, `publish to '${publication.topic}': ${found}; the server accepts ${accepted}`)
}
