import { ownTopics } from '@jamey/auth'
import { overlaps, splitShared } from '@jamey/protocol'

const INBOXES = 'jamey/api/responses/+/#'

/**
 * Whether a subscription would bring answers to other clients. Our own broker leaves those out when it delivers; others
 * deliver whatever a subscription selects, so that it has to be refused there.
 */
export function reachesForeignInboxes(subscription: string, clientId: string): boolean {
  const { filter } = splitShared(subscription)
  const { inbox } = ownTopics(clientId)
  if (filter === inbox || filter.startsWith(`${inbox}/`)) return false
  return overlaps(filter, INBOXES)
}
