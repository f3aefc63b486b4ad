import { ownTopics, type Permissions } from '@jamey/auth'
import { overlaps, splitShared } from '@jamey/protocol'

const ROOT = 'jamey/api/responses/'
const INBOXES = `${ROOT}+/#`

/**
 * Whether a subscription would bring answers to other clients. Our own broker leaves those out when it delivers; others
 * deliver whatever a subscription selects, so that it has to be refused there. Not those to clients that it relays for.
 */
export function reachesForeignInboxes(
  subscription: string,
  clientId: string,
  lists: readonly Permissions[],
): boolean {
  const { filter } = splitShared(subscription)
  const relaysFor = (whom: string): boolean =>
    lists.every((list) => list.relays().some((one) => one === '+' || one === whom))
  if (!overlaps(filter, INBOXES) || relaysFor('+')) return false
  const owner = filter.startsWith(ROOT) ? filter.slice(ROOT.length).split('/', 1)[0] : undefined
  if (owner !== undefined && owner !== '+' && owner !== '#' && relaysFor(owner)) return false
  const { inbox } = ownTopics(clientId)
  return filter !== inbox && !filter.startsWith(`${inbox}/`)
}
