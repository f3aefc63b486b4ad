import { ProtocolError, type Publish, type PublishProperties, ReasonCode } from '@jamey/protocol'

/** An alias takes three bytes as a property; below this length of topic it saves nothing worth the trouble. */
const WORTH_FROM_CHARACTERS = 16

/** The topic aliases we gave on one connection: the first topics get them and keep them. [MQTT-3.3.2-8] */
export class OutgoingAliases {
  readonly #maximum: number
  readonly #byTopic = new Map<string, number>()
  /** The last properties of each topic, and with its alias: streams have the same ones again and again. */
  readonly #last: { from: PublishProperties | undefined; to: PublishProperties }[] = []

  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /**
   * The packet to encode: the message itself, or one that uses its topic's alias, or gives it where that has room.
   * Giving adds to a packet; using takes away from it.
   */
  apply(publish: Publish, hasRoom: boolean): Publish {
    if (this.#maximum === 0 || publish.topic.length < WORTH_FROM_CHARACTERS) return publish
    const known = this.#byTopic.get(publish.topic)
    if (known !== undefined) return this.#aliased(publish, '', known)
    const alias = this.#byTopic.size + 1
    if (alias > this.#maximum || !hasRoom) return publish
    this.#byTopic.set(publish.topic, alias)
    return this.#aliased(publish, publish.topic, alias)
  }

  /** The packet could not be encoded: an alias that it would have given does not exist. */
  undo(packet: Publish, publish: Publish): void {
    if (packet !== publish && packet.topic !== '') this.#byTopic.delete(publish.topic)
  }

  #aliased(publish: Publish, topic: string, alias: number): Publish {
    const { payload, qos, retain, dup, packetIdentifier, properties: from } = publish
    let last = this.#last[alias]
    // What can be changed may be other than it was.
    if (last === undefined || last.from !== from || !Object.isFrozen(from)) {
      last = { from, to: { ...from, topicAlias: alias } }
      this.#last[alias] = last
    }
    return { type: 'publish', topic, payload, qos, retain, dup, packetIdentifier, properties: last.to }
  }
}

/** The topic aliases the server gave on one connection. */
export class IncomingAliases {
  readonly #maximum: number
  readonly #topics: string[] = []

  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /** Puts the topic in the place of its alias. Throws `ProtocolError` 0x94 or 0x82. [MQTT-3.3.2-7] */
  resolve(packet: Publish): void {
    const alias = packet.properties?.topicAlias
    if (alias === undefined) return
    if (alias > this.#maximum) {
      throw fault(ReasonCode.topicAliasInvalid, `topic alias ${alias}; at most ${this.#maximum} were offered`)
    }
    if (packet.topic !== '') {
      this.#topics[alias] = packet.topic
      return
    }
    const topic = this.#topics[alias]
    if (topic === undefined) throw fault(ReasonCode.protocolError, `topic alias ${alias} was never given`)
    packet.topic = topic
  }
}

function fault(reasonCode: number, message: string): ProtocolError {
  return new ProtocolError('protocol-error', reasonCode, -1, message)
}
