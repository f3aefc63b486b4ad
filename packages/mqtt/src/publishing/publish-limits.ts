import { encodePublish, type Publish, type PublishProperties, Writer } from '@jamey/protocol'
import { PublishError } from '../model/errors.js'
import type { ServerInformation } from '../model/server-information.js'
import { notAccepted, unfit } from './publish-errors.js'

/** The greatest sum of a fixed header, the lengths of topic and properties, a packet identifier, and a topic alias. */
const HEAD_BYTES = 5 + 2 + 4 + 2 + 3
/**
 * Bytes that properties take at the most beside their text and data: a flag, an expiry, and three identifiers with
 * lengths.
 */
const PROPERTIES_BYTES = 2 + 5 + 3 * 3
/** Bytes that a UTF-16 code unit takes in UTF-8 at the most. */
const UNIT_BYTES = 3

/** The messages that the server of this connection accepts. */
export class PublishLimits {
  readonly #server: ServerInformation
  readonly #maximumBytes: number

  constructor(server: ServerInformation) {
    this.#server = server
    this.#maximumBytes = server.maximumPacketSize ?? Number.POSITIVE_INFINITY
  }

  /** The error for a message that this server must not be sent. */
  refusalOf(publish: Publish): PublishError | undefined {
    const server = this.#server
    // [MQTT-3.2.2-11]
    if (publish.qos > server.maximumQoS) {
      return notAccepted('qos-not-supported', publish.topic, `QoS is ${publish.qos}`, `${server.maximumQoS}`)
    }
    // [MQTT-3.2.2-14]
    if (publish.retain && !server.retainAvailable) {
      return notAccepted('retain-not-supported', publish.topic, 'retain is set', 'no retained messages')
    }
    if (this.isSurelySmall(publish)) return undefined
    // [MQTT-3.2.2-15]
    const bytes = this.#bytesOf(publish)
    if (bytes instanceof PublishError) return bytes
    if (bytes <= this.#maximumBytes) return undefined
    return notAccepted('packet-too-large', publish.topic, `it takes ${bytes} bytes`, `${this.#maximumBytes}`)
  }

  /**
   * Whether it is within the limit, a topic alias that it may yet be given included. Found without counting, which
   * takes as long as encoding does; false where only that can tell.
   */
  isSurelySmall({ topic, payload, properties }: Publish): boolean {
    if (this.#maximumBytes === Number.POSITIVE_INFINITY) return true
    const bytes = HEAD_BYTES + UNIT_BYTES * topic.length + payload.length + mostBytesOf(properties)
    return bytes <= this.#maximumBytes
  }

  #bytesOf(publish: Publish): number | PublishError {
    try {
      // Any identifier takes two bytes; the message has got none yet.
      const writer = new Writer()
      encodePublish(writer, { ...publish, packetIdentifier: 1 }, this.#server.protocolVersion)
      return writer.pendingBytes
    } catch (error) {
      return unfit(error)
    }
  }
}

/** Bytes that properties take at the most; the rare ones that repeat are left to be counted. */
function mostBytesOf(properties: PublishProperties | undefined): number {
  if (properties === undefined) return 0
  const { contentType = '', responseTopic = '', correlationData } = properties
  const { userProperties, subscriptionIdentifiers } = properties
  if (userProperties !== undefined || subscriptionIdentifiers !== undefined) return Number.POSITIVE_INFINITY
  const textBytes = UNIT_BYTES * (contentType.length + responseTopic.length)
  return PROPERTIES_BYTES + textBytes + (correlationData?.length ?? 0)
}
