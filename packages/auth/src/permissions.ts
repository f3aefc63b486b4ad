import { covers, isTopicFilter, isTopicName, matches, overlaps, splitShared } from '@jamey/protocol'
import { assertClientIdentifier, quote } from './client-identifier.js'
import { PermissionListError } from './error.js'

/** What a client may ask for: publish to a topic, subscribe to a filter, be handed a message of a topic. */
export type Action = 'publish' | 'subscribe' | 'receive'

/**
 * Why a decision was made. `own`: the client's own topic. `granted`: a permission selects the topic or covers the
 * filter. `foreign`: another client's own topic, which no permission opens. `invalid`: not a topic or filter.
 * `not-granted`: no permission says so, and nothing is allowed that is not granted.
 */
export type Ruling = 'own' | 'granted' | 'foreign' | 'invalid' | 'not-granted'

/** A decision and what it rests on. `permission` is the entry that grants it, or the one that would have to. */
export interface Decision {
  readonly isAllowed: boolean
  readonly ruling: Ruling
  readonly permission: string | undefined
}

const INBOXES = 'jamey/api/responses/'
const STATUSES = 'jamey/events/status/'
const VERBS = { publish: 'publish to', subscribe: 'subscribe to', receive: 'receive' } as const
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

interface Grant {
  readonly text: string
  readonly filter: string
}

/**
 * What one client may do: a list of MQTT filters, each optionally prefixed `publish:` or `subscribe:` (none = both).
 * Nothing listed, nothing allowed; only the client's own topics need no entry. The one place where such decisions are
 * made, for clients and brokers alike. Throws `PermissionListError` for an entry or identifier that can not be read.
 *
 * @example new Permissions(['publish:jamey/events/#'], { clientId: 'eva' }).mayPublish('jamey/events/errors') // true
 */
export class Permissions {
  readonly clientId: string
  readonly list: readonly string[]
  readonly #publish: readonly Grant[]
  readonly #subscribe: readonly Grant[]
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
    this.#publish = list.filter((text) => !text.startsWith('subscribe:')).map(readGrant)
    this.#subscribe = list.filter((text) => !text.startsWith('publish:')).map(readGrant)
  }

  /** Whether a message (a will, too) may be published to `topic`. */
  mayPublish(topic: string): boolean {
    return this.#published.get(topic) ?? remember(this.#published, topic, isAllowed(this.#rulePublish(topic)))
  }

  /** Whether there is any topic below `filter` that `mayPublish` allows, other clients' own topics left aside. */
  mayPublishWithin(filter: string): boolean {
    return this.#publish.some((grant) => overlaps(grant.filter, filter))
  }

  /**
   * Whether a subscription to `filter` is accepted: some permission covers all it can select. `$share/<group>/` is
   * looked through. What is delivered is still decided message by message, see `mayReceive`.
   */
  maySubscribe(filter: string): boolean {
    return isAllowed(this.#ruleSubscribe(filter))
  }

  /** Whether a message of `topic` may be delivered to the client. */
  mayReceive(topic: string): boolean {
    return this.#received.get(topic) ?? remember(this.#received, topic, isAllowed(this.#ruleReceive(topic)))
  }

  /** The decision together with its reason; the same one that `mayPublish`, `maySubscribe`, `mayReceive` give. */
  decide(action: Action, topic: string): Decision {
    const ruling = this.#rule(action, topic)
    return { isAllowed: isAllowed(ruling), ruling, permission: this.#permission(action, topic, ruling) }
  }

  /** A sentence that tells whether the client may do this, by which permission, or which one it lacks. */
  explain(action: Action, topic: string): string {
    const { ruling, permission } = this.decide(action, topic)
    const subject = `${quote(this.clientId)} ${isAllowed(ruling) ? 'may' : 'may not'} ${VERBS[action]} ${quote(topic)}: `
    if (ruling === 'own') return `${subject}it is the client's own`
    if (ruling === 'granted') return `${subject}its permission ${quote(permission ?? '')} grants it`
    if (ruling === 'foreign') return `${subject}it belongs to another client, which no permission changes`
    if (ruling === 'invalid') {
      return `${subject}it is not an MQTT ${action === 'subscribe' ? 'topic filter' : 'topic name'}`
    }
    const count = (action === 'publish' ? this.#publish : this.#subscribe).length
    const list =
      count === 0 ? 'it has no permissions for this' : `none of its ${count} permissions for this does`
    return `${subject}${list}; it needs ${quote(permission ?? '')}`
  }

  #rule(action: Action, topic: string): Ruling {
    if (action === 'publish') return this.#rulePublish(topic)
    return action === 'subscribe' ? this.#ruleSubscribe(topic) : this.#ruleReceive(topic)
  }

  #rulePublish(topic: string): Ruling {
    // What starts with `$share/` can be named, but no subscription can ever select it. [MQTT 5.0 section 4.8.2]
    if (!isTopicName(topic) || topic.startsWith('$share/')) return 'invalid'
    if (topic === this.#status) return 'own'
    if (topic.startsWith(STATUSES) && !isAtOrBelow(topic, this.#status)) return 'foreign'
    return this.#publish.some((grant) => matches(grant.filter, topic)) ? 'granted' : 'not-granted'
  }

  #ruleReceive(topic: string): Ruling {
    if (!isTopicName(topic)) return 'invalid'
    if (isAtOrBelow(topic, this.#inbox)) return 'own'
    if (topic.startsWith(INBOXES)) return 'foreign'
    return this.#subscribe.some((grant) => matches(grant.filter, topic)) ? 'granted' : 'not-granted'
  }

  #ruleSubscribe(subscription: string): Ruling {
    if (!isTopicFilter(subscription)) return 'invalid'
    const { filter } = splitShared(subscription)
    if (isAtOrBelow(filter, this.#inbox)) return 'own'
    // `jamey/api/responses/+/...` selects nothing but inboxes, so it is as foreign as one that is named. A wider
    // filter is accepted where it is granted, and foreign inboxes are left out at delivery.
    if (filter.startsWith(INBOXES) && filter !== `${INBOXES}#`) return 'foreign'
    return this.#subscribe.some((grant) => covers(grant.filter, filter)) ? 'granted' : 'not-granted'
  }

  #permission(action: Action, topic: string, ruling: Ruling): string | undefined {
    if (ruling !== 'granted' && ruling !== 'not-granted') return undefined
    const filter = action === 'subscribe' ? splitShared(topic).filter : topic
    if (ruling === 'not-granted') return `${action === 'publish' ? 'publish' : 'subscribe'}:${filter}`
    const grants = action === 'publish' ? this.#publish : this.#subscribe
    return grants.find((grant) => covers(grant.filter, filter))?.text
  }
}

function isAllowed(ruling: Ruling): boolean {
  return ruling === 'own' || ruling === 'granted'
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

/** Whether `topic` (or a filter) is `root` or lies below it. */
function isAtOrBelow(topic: string, root: string): boolean {
  return topic.startsWith(root) && (topic.length === root.length || topic.charCodeAt(root.length) === 0x2f)
}

function readGrant(text: string): Grant {
  const filter = text.startsWith('publish:')
    ? text.slice(8)
    : text.startsWith('subscribe:')
      ? text.slice(10)
      : text
  const fault = permissionFault(filter)
  if (fault === undefined) return { text, filter }
  throw new PermissionListError(
    'permission-malformed',
    `permission ${quote(text)} ${fault}; expected an MQTT topic filter, optionally after "publish:" or "subscribe:"`,
  )
}

function permissionFault(filter: string): string | undefined {
  if (filter === '') return 'has no filter'
  if (filter.trim() !== filter) return 'has white space at an end'
  if (filter.startsWith('$share/')) return 'has a share name; it is looked through, so leave it out'
  return isTopicFilter(filter) ? undefined : 'has no valid topic filter'
}
