import { isTopicFilter, ReasonCode, type Unsubscribe } from '@jamey/protocol'
import { acknowledgeWith } from '../commit-gate.js'
import type { Connection } from '../connection.js'
import { ConnectionFault } from '../errors.js'
import type { Session } from '../session.js'

export function handleUnsubscribe(connection: Connection, session: Session, packet: Unsubscribe): void {
  const { router, limits } = connection.core
  // UNSUBACK has no code for it, and none at all before MQTT 5.0. Section 3.11.3.
  if (packet.filters.length > limits.filtersPerPacket) {
    throw new ConnectionFault(
      ReasonCode.quotaExceeded,
      `UNSUBSCRIBE of ${packet.filters.length} topic filters; at most ${limits.filtersPerPacket} in one packet`,
    )
  }
  const reasonCodes = packet.filters.map((filter) => {
    if (router.unsubscribe(session, filter)) return ReasonCode.success
    return isTopicFilter(filter) ? ReasonCode.noSubscriptionExisted : ReasonCode.topicFilterInvalid
  })
  const { packetIdentifier } = packet
  acknowledgeWith(
    connection,
    { type: 'unsuback', packetIdentifier, reasonCodes, properties: undefined },
    () => {},
  )
}
