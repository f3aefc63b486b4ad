import { encodePublish, OutgoingAliases, type Publish } from '@jamey/protocol'
import type { Connection } from '../connection/connection.js'
import type { PublishError } from '../model/errors.js'
import type { ServerInformation } from '../model/server-information.js'
import { unfit } from './publish-errors.js'
import { PublishLimits } from './publish-limits.js'

/** PUBLISH on one connection: what its server takes, and its topic aliases. */
export class PublishWire {
  readonly connection: Connection
  readonly #version: 4 | 5
  readonly #limits: PublishLimits
  readonly #aliases: OutgoingAliases

  constructor(connection: Connection, server: ServerInformation) {
    this.connection = connection
    this.#version = server.protocolVersion
    this.#limits = new PublishLimits(server)
    this.#aliases = new OutgoingAliases(server.topicAliasMaximum)
  }

  /** The error for a message that this server must not be sent. */
  refusalOf(publish: Publish): PublishError | undefined {
    return this.#limits.refusalOf(publish)
  }

  /** Throws `PublishError` 'invalid-argument' where the message cannot be encoded. */
  encode(publish: Publish): void {
    const { topic } = publish
    const alias = this.#aliases.aliasOf(topic, this.#limits.isSurelySmall(publish))
    try {
      encodePublish(this.connection.output.writer, publish, this.#version, alias)
    } catch (error) {
      if (alias < 0) this.#aliases.undo(topic)
      throw unfit(error)
    }
    this.connection.output.written()
    // The bytes may be on their way from here on. [MQTT-3.3.1-1]
    if (publish.qos !== 0) publish.dup = true
  }
}
