import { matches, type Publish, splitShared } from '@jamey/protocol'
import { digestOf, NO_BYTES } from '../support/bytes.js'
import { type Handling, NO_HANDLINGS } from './handling.js'

/** Topics whose handlers are remembered; with more than that the memory starts anew. */
const MAXIMUM_REMEMBERED_TOPICS = 10_000
/** Identifiers are 1 to 268 435 455. Section 3.8.2.1.2. */
const MAXIMUM_IDENTIFIER = 0x0fff_ffff
/**
 * Identifiers of a filter that stay known, for what is still on its way: as many handlers may come one after the other
 * while the server sends what it retains. A message of one that is not known goes to all whose filters match.
 */
const KNOWN_IDENTIFIERS = 64

/** One topic filter and the handlers of its messages. */
export interface Route {
  readonly filter: string
  /** Replaced, never changed, so that whoever goes through it is not disturbed. */
  readonly handlings: readonly Handling[]
  /** Subscription identifiers of the filter; the last one is the one to ask with. */
  readonly identifiers: number[]
}

/**
 * Finds the handlers of a message: by the subscription identifiers it carries, which tell overlapping subscriptions
 * apart; where it carries none, by its topic. However many the filters of a client are, their forms are few: with the
 * names of a topic each form makes one filter, which is there or not.
 */
export class Dispatcher {
  readonly #byFilter = new Map<string, Route>()
  /**
   * How many filters have each form, which is what remains of a filter without the names of its levels: `$share/g//+`
   * of `$share/g/a/+`. Filters that are the topic they select have none.
   */
  readonly #forms = new Map<string, number>()
  readonly #byIdentifier = new Map<number, Route>()
  readonly #byTopic = new Map<string, readonly Handling[]>()

  /** Adds the route of a filter that has none, and gives it its identifier. */
  add(route: Route): void {
    this.#byFilter.set(route.filter, route)
    this.renumber(route)
    this.#countForm(route.filter, 1)
    this.changed()
  }

  delete({ filter, identifiers }: Route): void {
    if (!this.#byFilter.delete(filter)) return
    for (const identifier of identifiers) this.#byIdentifier.delete(identifier)
    this.#countForm(filter, -1)
    this.changed()
  }

  /**
   * Gives a route an identifier that it has not had. In every process a filter begins with the same one, so that
   * messages of a resumed session find their way.
   */
  renumber(route: Route): void {
    const { identifiers } = route
    // `| 0`: so that it is kept as an integer, which takes no memory of its own.
    let identifier = identifiers.at(-1) ?? (digestOf(route.filter, NO_BYTES) % MAXIMUM_IDENTIFIER) | 0
    do identifier = (identifier % MAXIMUM_IDENTIFIER) + 1
    while (this.#byIdentifier.has(identifier))
    this.#byIdentifier.set(identifier, route)
    if (identifiers.push(identifier) > KNOWN_IDENTIFIERS)
      this.#byIdentifier.delete(identifiers.shift() as number)
  }

  /** The handlers of a route have changed. */
  changed(): void {
    this.#byTopic.clear()
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
    const names = topic.split('/')
    let found = NO_HANDLINGS
    for (const filter of [topic, ...[...this.#forms.keys()].map((form) => filled(form, names))]) {
      const route = this.#byFilter.get(filter)
      if (route === undefined || !selects(filter, topic)) continue
      found = found.length === 0 ? route.handlings : found.concat(route.handlings)
    }
    if (this.#byTopic.size >= MAXIMUM_REMEMBERED_TOPICS) this.#byTopic.clear()
    this.#byTopic.set(topic, found)
    return found
  }

  #countForm(filter: string, change: 1 | -1): void {
    if (!/[+#]|^\$share\//.test(filter)) return
    const form = filter.replace(/(^\$share\/[^/]+)|[^/+#]+/g, '$1')
    const count = (this.#forms.get(form) ?? 0) + change
    if (count > 0) this.#forms.set(form, count)
    else this.#forms.delete(form)
  }
}

/** The only filter of a form that may select the topic with these names. */
function filled(form: string, names: readonly string[]): string {
  const start = form.startsWith('$') ? 2 : 0
  const levels = form.split('/').map((level, at) => level || names[at - start])
  return levels.join('/')
}

function selects(filter: string, topic: string): boolean {
  return matches(filter.charCodeAt(0) === 0x24 ? splitShared(filter).filter : filter, topic)
}
