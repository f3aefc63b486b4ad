import { ownTopics, readEntries } from '@jamey/auth'
import { covers } from '@jamey/protocol'
import type { ManifestClient, PermissionOrigin } from '../model/manifest.js'

/** One direction of one entry. `permission` is the text that grants it alone. */
export interface Right {
  readonly permission: string
  readonly entry: string
  readonly origin: PermissionOrigin | undefined
  readonly kind: 'publish' | 'subscribe' | 'act-for' | 'relay'
  /** The share group; undefined for all else. */
  readonly group: string | undefined
  /**
   * The filter with the client's identifier in place of `%c`; the client that is acted or relayed for, where `kind` says
   * so.
   */
  readonly filter: string
}

const INBOXES = 'jamey/api/responses'
const STATUSES = 'jamey/events/status'
/** Number of levels of both roots. */
const ROOT_LEVELS = 3
/** A filter that is deeper is compared with one entry at a time. */
const MAXIMUM_LEVELS = 64

/** The rights of a client, to be asked whether it holds one that another list names. */
export class Rights {
  readonly all: readonly Right[]
  readonly #clientId: string
  /** Whose own topics are open to it, too. */
  readonly #relays: readonly string[]
  readonly #publish: readonly string[]
  readonly #deepest: number

  constructor({ clientId, permissions, origins }: ManifestClient) {
    this.#clientId = clientId
    this.all = permissions.flatMap((entry, i) => rightsOf(entry, clientId, origins?.[i]))
    const granted = this.all.filter(({ kind }) => kind === 'publish')
    const own = ownTopics(clientId).status
    this.#relays = this.all.flatMap(({ kind, filter }) => (kind === 'relay' ? [filter] : []))
    this.#publish = [own, ...granted.flatMap(({ filter }) => publishedBy(filter, clientId, this.#relays))]
    this.#deepest = Math.max(...this.#publish.map((filter) => filter.split('/').length))
  }

  /** True where everything that `right` lets this client do is allowed already. */
  hold(right: Right): boolean {
    switch (right.kind) {
      case 'act-for':
      case 'relay':
        return this.all.some((each) => each.kind === right.kind && namesAll(each, right))
      case 'subscribe':
        return subscribedBy(right, this.#clientId, this.#relays).every((filter) =>
          this.all.some((each) => isOfGroup(each, right) && covers(each.filter, filter)),
        )
      case 'publish':
        return publishedBy(right.filter, this.#clientId, this.#relays).every((filter) =>
          this.#mayPublishAll(filter),
        )
    }
  }

  /** Several entries may have together what none has alone: a topic needs one, whichever it is. */
  #mayPublishAll(filter: string): boolean {
    const isHeld = (one: string): boolean => this.#publish.some((each) => covers(each, one))
    if (isHeld(filter)) return true
    const levels = filter.split('/')
    if (levels.at(-1) !== '#' || this.#deepest > MAXIMUM_LEVELS || levels.length > MAXIMUM_LEVELS)
      return false
    // A topic one level deeper than every entry is selected by one that ends in a number sign alone, which selects all
    // below.
    const head = levels.slice(0, -1)
    const least = head.length === 0 ? 1 : 0
    const most = Math.max(this.#deepest - head.length + 1, 1)
    for (let below = least; below <= most; below++) {
      if (!isHeld([...head, ...Array<string>(below).fill('+')].join('/'))) return false
    }
    return true
  }
}

/** True where `one` grants all that `other` does, without the help of others. */
export function includes(one: Right, other: Right): boolean {
  if (one.kind !== other.kind) return false
  if (one.kind === 'act-for' || one.kind === 'relay') return namesAll(one, other)
  return one.group === other.group && covers(one.filter, other.filter)
}

function namesAll(one: Right, other: Right): boolean {
  return one.filter === '+' || one.filter === other.filter
}

/** Whether the topics of `owner`, or of all where it is a wildcard, are open to who relays for these. */
function isOpen(owner: string, relays: readonly string[]): boolean {
  return relays.includes('+') || relays.includes(owner)
}

function isOfGroup(each: Right, { group }: Right): boolean {
  return each.kind === 'subscribe' && each.group === group
}

function rightsOf(entry: string, clientId: string, origin: PermissionOrigin | undefined): Right[] {
  const { publish, subscribe, actFor, relay } = readEntries([entry], clientId)
  const bare = entry.replace(/^(publish|subscribe):/, '')
  const shared = { entry, origin }
  const rightOver = (kind: 'act-for' | 'relay', whom: string): Right => {
    return { ...shared, permission: entry, kind, group: undefined, filter: whom }
  }
  return [
    ...publish.map(
      ({ group, filter }): Right => ({
        ...shared,
        permission: `publish:${bare}`,
        kind: 'publish',
        group,
        filter,
      }),
    ),
    ...subscribe.map(
      ({ group, filter }): Right => ({
        ...shared,
        permission: `subscribe:${bare}`,
        kind: 'subscribe',
        group,
        filter,
      }),
    ),
    ...actFor.map(({ whom }) => rightOver('act-for', whom)),
    ...relay.map(({ whom }) => rightOver('relay', whom)),
  ]
}

/**
 * Filters that the right to publish to `filter` comes to: with the sender behind it, and without the statuses of
 * others.
 */
function publishedBy(filter: string, clientId: string, relays: readonly string[]): string[] {
  const [first, ...below] = filter.split('/')
  const isAddressed = below.length > 0 && below.at(-1) !== '#' && (first === 'jamey' || first === '+')
  const all = isAddressed ? [filter, ['jamey', ...below, clientId].join('/')] : [filter]
  return all.flatMap((each) => {
    const owner = ownerIn(each, STATUSES)
    if (owner === undefined || owner === clientId || isOpen(owner, relays)) return [each]
    if (owner === '#') return [STATUSES, `${STATUSES}/${clientId}/#`]
    return owner === '+' ? [withOwner(each, clientId)] : []
  })
}

/**
 * Filters that the right to subscribe comes to: none at the inboxes of others, nor without a group at the client's own.
 */
function subscribedBy({ group, filter }: Right, clientId: string, relays: readonly string[]): string[] {
  const owner = ownerIn(filter, INBOXES)
  if (owner === undefined || owner === '#' || isOpen(owner, relays)) return [filter]
  if (group === undefined) return []
  if (owner === '+') return [withOwner(filter, clientId)]
  return owner === clientId ? [filter] : []
}

/** The level that names whose topic it is, where `filter` is below `root`. */
function ownerIn(filter: string, root: string): string | undefined {
  return filter.startsWith(`${root}/`) ? filter.split('/')[ROOT_LEVELS] : undefined
}

function withOwner(filter: string, clientId: string): string {
  return filter.split('/').with(ROOT_LEVELS, clientId).join('/')
}
