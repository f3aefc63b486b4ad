import { matches, type Publish, splitShared } from '@jamey/protocol'
import { type Handling, NO_HANDLINGS } from './handling.js'

/** Topics whose handlers are remembered; with more than that the memory starts anew. */
const MAXIMUM_REMEMBERED_TOPICS = 10_000
/** Identifiers are 1 to 268 435 455. Section 3.8.2.1.2. */
const LARGEST_IDENTIFIER = 0x0fff_ffff

/** One topic filter and those who handle its messages. */
export interface Route {
  readonly filter: string
  /** Replaced, never changed, so that whoever goes through it is not disturbed. */
  readonly handlings: readonly Handling[]
}

/**
 * Finds the handlers of a message: by the subscription identifiers it carries, which tell overlapping subscriptions
 * apart; where it carries none, by its topic.
 */
export class Dispatcher {
  readonly #exact = new Map<string, Route>()
  /** With wildcards or shared: each has to be tried. */
  readonly #patterns = new Map<string, Route>()
  readonly #byIdentifier = new Map<number, Route>()
  readonly #byTopic = new Map<string, readonly Handling[]>()

  /** Adds or replaces the route of its filter. */
  set(route: Route, identifier: number): void {
    const { filter } = route
    const routes = /[+#]|^\$share\//.test(filter) ? this.#patterns : this.#exact
    routes.set(filter, route)
    this.#byIdentifier.set(identifier, route)
    this.#byTopic.clear()
  }

  delete(filter: string, identifier: number): void {
    this.#exact.delete(filter)
    this.#patterns.delete(filter)
    this.#byIdentifier.delete(identifier)
    this.#byTopic.clear()
  }

  /** The handlers of a route have changed. */
  changed(): void {
    this.#byTopic.clear()
  }

  /** The same filter gets the same identifier in every process, so that messages of a resumed session find their way. */
  identifierFor(filter: string): number {
    let identifier = hash(filter)
    while (this.#byIdentifier.has(identifier)) identifier = (identifier % LARGEST_IDENTIFIER) + 1
    return identifier
  }

  find(packet: Publish): readonly Handling[] {
    const identifiers = packet.properties?.subscriptionIdentifiers
    if (identifiers !== undefined) {
      const handlings = this.#findByIdentifiers(identifiers, packet.topic)
      if (handlings !== undefined) return handlings
    }
    return this.#findByTopic(packet.topic)
  }

  /** Undefined where an identifier means nothing here, or another filter than the server thinks. */
  #findByIdentifiers(identifiers: readonly number[], topic: string): readonly Handling[] | undefined {
    let found: readonly Handling[] | undefined
    for (let i = 0; i < identifiers.length; i++) {
      const route = this.#byIdentifier.get(identifiers[i] as number)
      if (route === undefined || !selects(route.filter, topic)) return undefined
      found = found === undefined ? route.handlings : found.concat(route.handlings)
    }
    return found
  }

  #findByTopic(topic: string): readonly Handling[] {
    const remembered = this.#byTopic.get(topic)
    if (remembered !== undefined) return remembered
    let found = this.#exact.get(topic)?.handlings ?? NO_HANDLINGS
    for (const route of this.#patterns.values()) {
      if (!selects(route.filter, topic)) continue
      found = found.length === 0 ? route.handlings : found.concat(route.handlings)
    }
    if (this.#byTopic.size >= MAXIMUM_REMEMBERED_TOPICS) this.#byTopic.clear()
    this.#byTopic.set(topic, found)
    return found
  }
}

function selects(filter: string, topic: string): boolean {
  return matches(filter.charCodeAt(0) === 0x24 ? splitShared(filter).filter : filter, topic)
}

/** FNV-1a, folded to the range of identifiers. */
function hash(filter: string): number {
  let value = 0x811c_9dc5
  for (let i = 0; i < filter.length; i++) {
    value = Math.imul(value ^ filter.charCodeAt(i), 0x0100_0193) >>> 0
  }
  return (value % LARGEST_IDENTIFIER) + 1
}
