import { covers, isTopicFilter, isTopicName, matches, overlaps, splitShared } from '@jamey/protocol'
import { assertClientIdentifier, isClientIdentifier, quote } from '../support/client-identifier.js'
import { type Entries, entryFor, readEntries } from './permission-entry.js'

/**
 * What a client may ask for: publish to a topic, subscribe to a filter, be handed a message of a topic, act for
 * another client, relay the messages of another client.
 */
export type Action = 'publish' | 'subscribe' | 'receive' | 'act-for' | 'relay'

/**
 * Why a decision was made. `own`: the client's own topic. `granted`: a permission selects the topic or covers the
 * filter. `foreign`: another client's own topic, which only the right to relay for that one opens. `invalid`: not a topic, filter or client
 * identifier. `not-granted`: no permission says so, and nothing is allowed that is not granted.
 */
export type Ruling = 'own' | 'granted' | 'foreign' | 'invalid' | 'not-granted'

/** A decision and what it rests on. `permission` is the entry that grants it, or one that would. */
export interface Decision {
  readonly isAllowed: boolean
  readonly ruling: Ruling
  readonly permission: string | undefined
}

/** Root of the topics whose last level may tell who published. */
const ROOT = 'jamey/'
const INBOXES = 'jamey/api/responses/'
const STATUSES = 'jamey/events/status/'
const VERBS = {
  publish: 'publish to',
  subscribe: 'subscribe to',
  receive: 'receive',
  'act-for': 'act for',
  relay: 'relay messages of',
} as const
const KINDS = {
  publish: 'an MQTT topic name',
  subscribe: 'an MQTT topic filter',
  receive: 'an MQTT topic name',
  'act-for': 'a client identifier',
  relay: 'a client identifier',
} as const
const MAXIMUM_KEPT_TOPICS = 256
const MAXIMUM_KEPT_CHARACTERS = 128

/**
 * The topics that belong to one client: `inbox` is the root of the topics its answers arrive on (subscribe to
 * `${inbox}/#`), `status` the retained topic that tells whether it is online.
 */
export function ownTopics(clientId: string): { inbox: string; status: string } {
  assertClientIdentifier(clientId)
  return { inbox: INBOXES + clientId, status: STATUSES + clientId }
}

/**
 * What one client may do: a list of MQTT filters, each optionally prefixed `publish:` or `subscribe:` (none = both).
 * The right to be in a share group is one of its own, `subscribe:$share/<group>/<filter>`, and so is that to act for
 * others, `act-for:<client identifier>` or `act-for:+`, and that to relay what others publish and what is for them, as
 * a bridge between two brokers does: `relay:<client identifier>` or `relay:+`. `%c` as a whole level is the client's identifier. Who may
 * publish to a topic below `jamey/` may put its own identifier behind it as one more level.
 * Nothing listed, nothing allowed; only the client's own topics need no entry. The one place where such decisions are
 * made, for clients and brokers alike. Throws `PermissionListError` for an entry or identifier that cannot be read.
 *
 * @example new Permissions(['publish:jamey/events/#'], { clientId: 'eva' }).mayPublish('jamey/events/errors') // true
 */
export class Permissions {
  readonly clientId: string
  readonly list: readonly string[]
  readonly #entries: Entries
  readonly #inbox: string
  readonly #status: string
  readonly #published = new Map<string, boolean>()
  readonly #received = new Map<string, boolean>()

  constructor(list: readonly string[], { clientId }: { clientId: string }) {
    const own = ownTopics(clientId)
    this.clientId = clientId
    this.list = Object.freeze([...list])
    this.#inbox = own.inbox
    this.#status = own.status
    this.#entries = readEntries(list, clientId)
  }

  /** True where a message (a will, too) may be published to `topic`. */
  mayPublish(topic: string): boolean {
    return this.#published.get(topic) ?? remember(this.#published, topic, isAllowed(this.#findPublish(topic)))
  }

  /** True where an entry allows any topic below `filter`; topics that belong to other clients are not looked at. */
  mayPublishWithin(filter: string): boolean {
    return this.#entries.publish.some((grant) => overlaps(grant.filter, filter))
  }

  /**
   * Whether a subscription to `filter` is accepted: some permission covers all it can select, and where it begins
   * with `$share/<group>/`, one that is for this group. What is delivered is still decided message by message, see
   * `mayReceive`.
   */
  maySubscribe(filter: string): boolean {
    return isAllowed(this.#findSubscribe(filter))
  }

  /** True where a message of `topic` may be delivered to the client, whether it came to a share group or not. */
  mayReceive(topic: string): boolean {
    return this.#received.get(topic) ?? remember(this.#received, topic, isAllowed(this.#findReceive(topic)))
  }

  /**
   * Whether the client may pass on requests in the name of `clientId`, and with it the permissions to judge them by.
   * For its own name, too, it needs an entry: otherwise it could give itself permissions.
   */
  mayActFor(clientId: string): boolean {
    return isAllowed(this.#findActFor(clientId))
  }

  /** Whom the client may act for, as listed: client identifiers, `+` for anybody. */
  actsFor(): readonly string[] {
    return this.#entries.actFor.map(({ whom }) => whom)
  }

  /**
   * Whether the client may pass on what `clientId` has published elsewhere, in that one's name, and be handed what is
   * for it. Its own topics (inbox and status) are open then as far as other entries grant them.
   */
  mayRelay(clientId: string): boolean {
    return isAllowed(this.#findRelay(clientId))
  }

  /** Whose messages the client may relay, as listed: client identifiers, `+` for anybody's. */
  relays(): readonly string[] {
    return this.#entries.relay.map(({ whom }) => whom)
  }

  /** The decision together with its reason; the same one that `mayPublish` and the others give. */
  decide(action: Action, topic: string): Decision {
    const found = this.#find(action, topic)
    if (found === undefined) {
      return { isAllowed: false, ruling: 'not-granted', permission: this.#needed(action, topic) }
    }
    if (typeof found !== 'string') return { isAllowed: true, ruling: 'granted', permission: found.text }
    return { isAllowed: found === 'own', ruling: found, permission: undefined }
  }

  /** A sentence that tells whether the client may do this, by which permission, or which one it lacks. */
  explain(action: Action, topic: string): string {
    const { ruling, permission, isAllowed: may } = this.decide(action, topic)
    const subject = `${quote(this.clientId)} ${may ? 'may' : 'may not'} ${VERBS[action]} ${quote(topic)}: `
    switch (ruling) {
      case 'own':
        return `${subject}it is the client's own`
      case 'granted':
        return `${subject}its permission ${quote(permission ?? '')} grants it`
      case 'foreign':
        return `${subject}it belongs to another client, which only the permission to relay for that one changes`
      case 'invalid':
        return `${subject}it is not ${KINDS[action]}`
      case 'not-granted': {
        const { length } = this.#entriesFor(action)
        const has =
          length === 0 ? 'it has no permissions for this' : `none of its ${length} permissions for this does`
        return `${subject}${has}${permission === undefined ? '' : `; it needs ${quote(permission)}`}`
      }
    }
  }

  #entriesFor(action: Action): readonly { readonly text: string }[] {
    if (action === 'act-for') return this.#entries.actFor
    if (action === 'relay') return this.#entries.relay
    return action === 'publish' ? this.#entries.publish : this.#entries.subscribe
  }

  #find(action: Action, topic: string): Found {
    switch (action) {
      case 'publish':
        return this.#findPublish(topic)
      case 'subscribe':
        return this.#findSubscribe(topic)
      case 'receive':
        return this.#findReceive(topic)
      case 'act-for':
        return this.#findActFor(topic)
      case 'relay':
        return this.#findRelay(topic)
    }
  }

  #findPublish(topic: string): Found {
    if (!isReachable(topic)) return 'invalid'
    if (topic === this.#status) return 'own'
    if (topic.startsWith(STATUSES) && !isAtOrBelow(topic, this.#status) && !this.#relaysAt(STATUSES, topic)) {
      return 'foreign'
    }
    const grants = this.#entries.publish
    const grant = grants.find(({ filter }) => matches(filter, topic))
    const bare = grant === undefined ? this.#withoutSender(topic) : undefined
    return bare === undefined ? grant : grants.find(({ filter }) => matches(filter, bare))
  }

  #findReceive(topic: string): Found {
    if (!isReachable(topic)) return 'invalid'
    if (isAtOrBelow(topic, this.#inbox)) return 'own'
    if (topic.startsWith(INBOXES) && !this.#relaysAt(INBOXES, topic)) return 'foreign'
    return this.#entries.subscribe.find(({ filter }) => matches(filter, topic))
  }

  #findSubscribe(subscription: string): Found {
    if (!isTopicFilter(subscription)) return 'invalid'
    const { group, filter } = splitShared(subscription)
    const isOwn = isAtOrBelow(filter, this.#inbox)
    if (isOwn && group === undefined) return 'own'
    // `jamey/api/responses/+/...` selects nothing but inboxes, so it is as foreign as one that is named. A wider
    // filter is accepted where it is granted, and foreign inboxes are left out at delivery.
    const isWide = filter === `${INBOXES}#`
    if (!isOwn && filter.startsWith(INBOXES) && !isWide && !this.#relaysAt(INBOXES, filter)) return 'foreign'
    return this.#entries.subscribe.find((each) => each.group === group && covers(each.filter, filter))
  }

  #findActFor(clientId: string): Found {
    if (!isClientIdentifier(clientId)) return 'invalid'
    return this.#entries.actFor.find(({ whom }) => whom === '+' || whom === clientId)
  }

  #findRelay(clientId: string): Found {
    if (!isClientIdentifier(clientId)) return 'invalid'
    return this.#entries.relay.find(({ whom }) => whom === '+' || whom === clientId)
  }

  /** Whether the client relays for whom the level below `root` names; `+` there is everybody. */
  #relaysAt(root: string, topic: string): boolean {
    if (this.#entries.relay.length === 0) return false
    const [owner = ''] = topic.slice(root.length).split('/', 1)
    return this.#entries.relay.some(({ whom }) => whom === '+' || whom === owner)
  }

  /** The entry that would grant what none does. */
  #needed(action: Action, topic: string): string | undefined {
    if (action === 'act-for' || action === 'relay') return `${action}:${topic === '%c' ? '+' : topic}`
    if (action === 'publish') return entryFor('publish', this.#withoutSender(topic) ?? topic)
    return entryFor('subscribe', topic)
  }

  /** The topic before the level that tells the sender, where that is this client. */
  #withoutSender(topic: string): string | undefined {
    const end = topic.length - this.clientId.length - 1
    const isOwn = end > ROOT.length - 1 && topic.charCodeAt(end) === 0x2f && topic.endsWith(this.clientId)
    return isOwn && topic.startsWith(ROOT) ? topic.slice(0, end) : undefined
  }
}

/** The entry that grants what was asked for, or what is to be said without one; undefined: no entry does. */
type Found = { readonly text: string } | 'own' | 'foreign' | 'invalid' | undefined

function isAllowed(found: Found): boolean {
  return found === 'own' || typeof found === 'object'
}

/** A topic that starts with `$share/` can be named, but no subscription can ever select it. [MQTT 5.0 section 4.8.2] */
function isReachable(topic: string): boolean {
  return isTopicName(topic) && !topic.startsWith('$share/')
}

/**
 * Brokers ask for every message, and most clients use few topics: a known answer takes a fifth of the time.
 * Long topics are not kept and a full map starts again, so that no client can make it grow.
 */
function remember(answers: Map<string, boolean>, topic: string, answer: boolean): boolean {
  if (topic.length > MAXIMUM_KEPT_CHARACTERS) return answer
  if (answers.size >= MAXIMUM_KEPT_TOPICS) answers.clear()
  answers.set(topic, answer)
  return answer
}

/** True where `topic` (or a filter) is `root` or lies below it. */
function isAtOrBelow(topic: string, root: string): boolean {
  return topic.startsWith(root) && (topic.length === root.length || topic.charCodeAt(root.length) === 0x2f)
}
