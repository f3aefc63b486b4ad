/** An alias takes three bytes as a property; below this length of topic it saves nothing worth the trouble. */
const WORTH_FROM_CHARACTERS = 16
/** Bytes by which a packet that gives an alias may be longer: the property, and its part in both lengths. */
export const ALIAS_BYTES = 5

/** The topic aliases we gave on one connection: the first topics get them and keep them. Section 3.3.2.3.4. */
export class OutgoingAliases {
  readonly #maximum: number
  readonly #byTopic = new Map<string, number>()

  /** `maximum`: the other side's Topic Alias Maximum, or less. [MQTT-3.1.2-26] [MQTT-3.2.2-17] */
  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /**
   * What `encodePublish` takes: the alias of `topic`, negative where this packet is to give it, which needs room for
   * `ALIAS_BYTES`; 0 where the topic has none.
   */
  aliasOf(topic: string, hasRoom: boolean): number {
    if (this.#maximum === 0 || topic.length < WORTH_FROM_CHARACTERS) return 0
    const known = this.#byTopic.get(topic)
    if (known !== undefined) return known
    const alias = this.#byTopic.size + 1
    if (alias > this.#maximum || !hasRoom) return 0
    this.#byTopic.set(topic, alias)
    return -alias
  }

  /** The packet that was to give it could not be encoded. */
  undo(topic: string): void {
    this.#byTopic.delete(topic)
  }
}
