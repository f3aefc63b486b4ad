import { type Grant, ownTopics, readEntries } from '@jamey/auth'
import { overlaps } from '@jamey/protocol'
import type { ManifestClient } from '../model/manifest.js'

/** The right to be in a share group with every filter that `filter` covers. */
interface ShareRule {
  readonly group: string
  readonly filter: string
}

/**
 * What `Permissions` of `@jamey/auth` allows one client, as filters without prefixes and without `%c`, for brokers that
 * take lists. A list of allowed filters alone says too much where a `reaches` is true: then what belongs to others has to
 * be denied before.
 */
export interface ClientRules {
  readonly clientId: string
  /** Its own status topic, its grants, and below `jamey/` the same with its identifier behind it. */
  readonly publish: readonly string[]
  /** Its own inbox, and its grants outside of share groups. */
  readonly subscribe: readonly string[]
  readonly shares: readonly ShareRule[]
  /** Clients whose messages it may relay, as `Permissions.relays` tells: their topics are open to it, too. */
  readonly relays: readonly string[]
  /** True where `publish` selects `jamey/events/status/<another>` or what is below. */
  readonly reachesStatuses: boolean
  /** True where `subscribe` or `shares` select topics of the inbox of another client. */
  readonly reachesInboxes: boolean
}

/** Root of topics that only the client whose identifier follows may publish to, or receive. */
export const STATUSES = 'jamey/events/status'
export const INBOXES = 'jamey/api/responses'

/** Sorted and without repetition, so that the same rights make the same files. Throws as `readEntries`. */
export function rulesOf({ clientId, permissions }: ManifestClient): ClientRules {
  const { publish, subscribe, relay } = readEntries(permissions, clientId)
  const relays = relay.map(({ whom }) => whom)
  const own = ownTopics(clientId)
  const single = subscribe.filter(({ group }) => group === undefined)
  const shares = subscribe.flatMap(({ group, filter }) => (group === undefined ? [] : [{ group, filter }]))
  return {
    clientId,
    publish: sorted([own.status, ...publish.flatMap((grant) => withSender(grant, clientId))]),
    subscribe: sorted([`${own.inbox}/#`, ...single.map(({ filter }) => filter)]),
    shares: shares.sort((a, b) => order(`${a.group}/${a.filter}`, `${b.group}/${b.filter}`)),
    relays,
    reachesStatuses: reaches(publish, STATUSES, [clientId, ...relays]),
    reachesInboxes: reaches(subscribe, INBOXES, [clientId, ...relays]),
  }
}

/**
 * A client that may publish to a topic below `jamey/` may put its own identifier behind it. `#` selects that already.
 */
function withSender({ filter }: Grant, clientId: string): readonly string[] {
  const [first, ...below] = filter.split('/')
  const isAddressed = below.length > 0 && below.at(-1) !== '#' && (first === 'jamey' || first === '+')
  return isAddressed ? [filter, ['jamey', ...below, clientId].join('/')] : [filter]
}

/** True where a filter selects what is below `root` at another identifier than those that are open to the client. */
function reaches(grants: readonly Grant[], root: string, open: readonly string[]): boolean {
  const owner = root.split('/').length
  if (open.includes('+')) return false
  return grants.some(({ filter }) => {
    const level = filter.split('/')[owner] ?? ''
    return !open.includes(level) && overlaps(filter, `${root}/+/#`)
  })
}

function sorted(filters: readonly string[]): readonly string[] {
  return [...new Set(filters)].sort(order)
}

/** Orders by code units: the order of the machine's language would make other files elsewhere. */
function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
