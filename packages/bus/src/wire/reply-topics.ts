import { inboxTopic } from '@jamey/contracts'
import { assertLevel } from '../support/topic-level.js'

/** Number of services whose topics are kept: more than anybody asks. */
const SERVICES_KEPT = 100

/** The topics at which this client takes the answers of each service. */
export class ReplyTopics {
  readonly #clientId: string
  readonly #shared = new Map<string, string>()

  constructor(clientId: string) {
    this.#clientId = clientId
  }

  /**
   * The topic for every request whose correlation id is its own. Throws `TypeError` for a service that is not one
   * level.
   */
  shared(service: string): string {
    let topic = this.#shared.get(service)
    if (topic !== undefined) return topic
    topic = this.own(service, 'answers')
    if (this.#shared.size >= SERVICES_KEPT) this.#shared.clear()
    this.#shared.set(service, topic)
    return topic
  }

  /** The topic for one request alone. Throws as `shared` does. */
  own(service: string, name: string): string {
    assertLevel('service', service)
    return inboxTopic(this.#clientId, service, name)
  }
}
