import { type Publish, type PublishProperties, ReasonCode } from '@jamey/protocol'
import { ConnectionFault } from './errors.js'

/** An alias takes three bytes as a property; below this length of topic it saves nothing worth the trouble. */
const WORTH_FROM_CHARACTERS = 16
/** By so much the packet that gives an alias may be longer: the property, and its length in both lengths. */
export const ALIAS_BYTES = 5

/** The topic aliases a client has set on one connection. Section 3.3.2.3.4. */
export class InboundAliases {
  readonly #maximum: number
  /** By alias; made at the first one. */
  #topics: string[] | undefined

  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /** The topic that `publish` means; remembers it where the packet sets an alias. */
  resolve({ topic, properties }: Publish): string {
    const alias = properties?.topicAlias
    if (alias === undefined) return topic
    // [MQTT-3.3.2-9]
    if (alias > this.#maximum) {
      throw new ConnectionFault(
        ReasonCode.topicAliasInvalid,
        `topic alias ${alias}: at most ${this.#maximum} was announced`,
      )
    }
    this.#topics ??= []
    if (topic !== '') {
      this.#topics[alias] = topic
      return topic
    }
    const known = this.#topics[alias]
    if (known === undefined) {
      throw new ConnectionFault(
        ReasonCode.protocolError,
        `topic alias ${alias} was not set on this connection`,
      )
    }
    return known
  }
}

/** The topic aliases we have given on one connection: the first topics get them and keep them. Section 3.3.2.3.4. */
export class OutboundAliases {
  readonly #maximum: number
  readonly #byTopic = new Map<string, number>()
  /** Properties that hold nothing but the alias, by alias. */
  readonly #lone: PublishProperties[] = []

  /** `maximum`: the client's Topic Alias Maximum, or less. [MQTT-3.1.2-26] */
  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /** Has `publish` use the alias of its topic, or give it one where a longer packet `mayGrow`. */
  apply(publish: Publish, mayGrow: boolean): void {
    const { topic, properties } = publish
    if (topic.length < WORTH_FROM_CHARACTERS) return
    let alias = this.#byTopic.get(topic)
    if (alias !== undefined) publish.topic = ''
    else {
      alias = this.#byTopic.size + 1
      if (alias > this.#maximum || !mayGrow) return
      this.#byTopic.set(topic, alias)
    }
    if (properties !== undefined) publish.properties = { ...properties, topicAlias: alias }
    else {
      this.#lone[alias] ??= { topicAlias: alias }
      publish.properties = this.#lone[alias]
    }
  }
}
