import { inboxTopic } from '@jamey/contracts'
import { assertLevel } from '../support/topic-level.js'
import type { ServerStamp } from './server-stamp.js'

/** Number of services whose topics are kept: more than anybody asks. */
const SERVICES_KEPT = 100

/** The place where a request waits for its answer: the pair names the request, and its repetitions, alone. */
export interface ExpectedAnswer {
  readonly replyTo: string
  /** Correlation Data as text. */
  readonly correlationData: string
}

/** A request that is about to be sent to `topic`. */
export interface Asked {
  readonly topic: string
  readonly service: string
  readonly messageId: string
  readonly correlationId: string
  /** Whether the correlation id is another one's, and so may be that of other requests, too. */
  readonly isOfChain: boolean
}

/** The topics at which this client takes the answers of each service. */
export class ReplyTopics {
  readonly #clientId: string
  readonly #stamp: Pick<ServerStamp, 'selects'>
  readonly #shared = new Map<string, string>()

  constructor(clientId: string, stamp: Pick<ServerStamp, 'selects'>) {
    this.#clientId = clientId
    this.#stamp = stamp
  }

  /**
   * Where a request waits. One of a chain, which may ask several times, is told from the others by its message id. That
   * stands in Correlation Data where the server tells who sent the request, since those who serve there speak MQTT 5.0;
   * elsewhere a topic has it, which everybody on the way has to look at anew. Throws `TypeError` for a service that is
   * not one level.
   */
  expect({ topic, service, messageId, correlationId, isOfChain }: Asked): ExpectedAnswer {
    if (!isOfChain) return { replyTo: this.#sharedBy(service), correlationData: correlationId }
    if (!this.#stamp.selects(topic)) {
      return { replyTo: this.#topicOf(service, messageId), correlationData: correlationId }
    }
    return { replyTo: this.#sharedBy(service), correlationData: `${correlationId} ${messageId}` }
  }

  #sharedBy(service: string): string {
    let topic = this.#shared.get(service)
    if (topic !== undefined) return topic
    topic = this.#topicOf(service, 'answers')
    if (this.#shared.size >= SERVICES_KEPT) this.#shared.clear()
    this.#shared.set(service, topic)
    return topic
  }

  #topicOf(service: string, name: string): string {
    assertLevel('service', service)
    return inboxTopic(this.#clientId, service, name)
  }
}
