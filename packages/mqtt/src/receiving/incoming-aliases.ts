import { ProtocolError, type Publish, ReasonCode } from '@jamey/protocol'

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
