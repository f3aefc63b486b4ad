import type { Message } from '../messages/message.js'
import type { Receiver } from './route.js'
import type { SharedGroup, Subscriber } from './subscription.js'

/**
 * Chooses the member of a shared subscription that gets a message: in turn among those that can take it now, else the
 * one with the shortest queue. Section 4.8.2
 */
export function chooseMember(
  group: SharedGroup,
  members: readonly Receiver[],
  message: Message,
  without: Subscriber | undefined,
): Receiver | undefined {
  const count = members.length
  let best: Receiver | undefined
  for (let i = 0; i < count; i++) {
    const at = (group.turn + i) % count
    const member = members[at] as Receiver
    const { session } = member
    if (session === without) continue
    if (session.connection !== undefined && (member.qos === 0 || session.outgoing.isReady)) {
      group.turn = (at + 1) % count
      return member
    }
    if (best === undefined || isBetter(session, best.session, message)) best = member
  }
  group.turn = (group.turn + 1) % count
  return best
}

/** Connected before away, with room before full, then by the shorter queue. */
function isBetter(candidate: Subscriber, best: Subscriber, message: Message): boolean {
  const isHere = candidate.connection !== undefined
  if (isHere !== (best.connection !== undefined)) return isHere
  const hasRoom = candidate.outgoing.capacity.hasRoomFor(message)
  if (hasRoom !== best.outgoing.capacity.hasRoomFor(message)) return hasRoom
  return candidate.outgoing.queued < best.outgoing.queued
}
