import { matches } from '@jamey/protocol'
import type { MqttPort } from './mqtt-port.js'

/** The user property by which a server tells who published, and, in CONNACK, the filters of what it tells it of. */
export const SENDER_PROPERTY = 'jamey-sender'

/**
 * The user property by which a gateway tells for whom it published what that one wrote, and, in CONNACK, the filters of
 * topics for which the server takes it from those alone who may act for others.
 */
export const ON_BEHALF_OF_PROPERTY = 'jamey-on-behalf-of'

/** Number of topics that are kept: more than there are contracts, and a bound for those with client identifiers. */
const TOPICS_KEPT = 1000

export interface ServerStampParts {
  readonly port: Pick<MqttPort, 'serverInformation'>
  readonly clientId: string
  /** Topics of which the server tells the sender without announcing it. */
  readonly unannounced?: readonly string[] | undefined
}

/**
 * What the server of the last connection tells of senders. Its word is good: without `insecure` there is no connection
 * but by TLS to a server that was verified, and whoever set that was warned.
 */
export class ServerStamp {
  readonly #parts: ServerStampParts
  #server: MqttPort['serverInformation']
  #filters: readonly string[] = []
  #guarded: readonly string[] = []
  readonly #selected = new Map<string, boolean>()
  readonly #published = new Map<string, string>()

  constructor(parts: ServerStampParts) {
    this.#parts = parts
  }

  /** True where the server tells who published what comes by `topic`. */
  selects(topic: string): boolean {
    this.#look()
    if (this.#filters.length === 0) return false
    return this.#selected.get(topic) ?? keep(this.#selected, topic, this.#isSelected(topic))
  }

  /** True where the server lets nobody say for whom a message of `topic` is who may not act for that one. */
  guards(topic: string): boolean {
    this.#look()
    return this.#guarded.some((filter) => matches(filter, topic))
  }

  /**
   * Where to publish what is of `topic`, so that who receives it knows the sender: there, if the server tells it, and
   * else one level below, where this client alone may publish. Before the first connection nobody knows, and then
   * below, for that is understood everywhere.
   */
  topicFor(topic: string): string {
    this.#look()
    return this.#published.get(topic) ?? keep(this.#published, topic, this.#formOf(topic))
  }

  #formOf(topic: string): string {
    return this.#isSelected(topic) ? topic : `${topic}/${this.#parts.clientId}`
  }

  #isSelected(topic: string): boolean {
    return this.#filters.some((filter) => matches(filter, topic))
  }

  /** Each connection has an answer of its own, also from the same server. */
  #look(): void {
    const server = this.#parts.port.serverInformation
    if (server === this.#server) return
    this.#server = server
    const told = server?.userProperties ?? []
    const valuesOf = (wanted: string) => told.flatMap(([name, value]) => (name === wanted ? [value] : []))
    const announced = valuesOf(SENDER_PROPERTY)
    this.#guarded = valuesOf(ON_BEHALF_OF_PROPERTY)
    // MQTT 3.1.1 has no properties, and so no stamps.
    const unannounced = server?.protocolVersion === 5 ? this.#parts.unannounced : undefined
    this.#filters = [...announced, ...(unannounced ?? [])]
    this.#selected.clear()
    this.#published.clear()
  }
}

function keep<Value>(known: Map<string, Value>, topic: string, value: Value): Value {
  if (known.size >= TOPICS_KEPT) known.clear()
  known.set(topic, value)
  return value
}
