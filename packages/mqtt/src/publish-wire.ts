import { encodePublish, ProtocolError } from '@jamey/protocol'
import { PublishError } from './errors.js'
import type { Link } from './link.js'
import type { Publication } from './publication.js'
import { PublishLimits } from './publish-limits.js'
import type { ServerInformation } from './server-information.js'
import { OutgoingAliases } from './topic-aliases.js'

/** PUBLISH on one connection: what its server takes, and its topic aliases. */
export class PublishWire {
  readonly link: Link
  readonly #version: 4 | 5
  readonly #limits: PublishLimits
  readonly #aliases: OutgoingAliases

  constructor(link: Link, server: ServerInformation, version: 4 | 5) {
    this.link = link
    this.#version = version
    this.#limits = new PublishLimits(version, server)
    this.#aliases = new OutgoingAliases(server.topicAliasMaximum)
  }

  /** The error for a message that this server must not be sent. */
  refusalOf(publication: Publication): PublishError | undefined {
    return this.#limits.refusalOf(publication)
  }

  /** Throws `PublishError` 'invalid-argument' where the message can not be encoded. */
  encode(publication: Publication): void {
    const packet = this.#aliases.apply(publication, this.#limits.isSurelySmall(publication))
    try {
      encodePublish(this.link.outbox.writer, packet, this.#version)
    } catch (error) {
      this.#aliases.undo(packet, publication)
      if (!(error instanceof ProtocolError)) throw error
      throw new PublishError('invalid-argument', `publish: ${error.message}`, { cause: error })
    }
    this.link.outbox.written()
    // From here on the bytes may be on their way. [MQTT-3.3.1-1]
    if (publication.qos !== 0) publication.dup = true
  }
}
