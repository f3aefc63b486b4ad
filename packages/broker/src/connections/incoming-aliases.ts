import { type Publish, ReasonCode } from '@jamey/protocol'
import { ConnectionFault } from '../support/errors.js'

/** The topic aliases a client has set on one connection. Section 3.3.2.3.4. */
export class IncomingAliases {
  readonly #maximum: number
  /** Topics by alias; the list is made with the first one. */
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
