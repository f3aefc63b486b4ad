import { isTopicFilter, ReasonCode, type Unsubscribe } from '@jamey/protocol'
import type { Connection } from '../connection.js'
import type { Session } from '../session.js'

export function handleUnsubscribe(connection: Connection, session: Session, packet: Unsubscribe): void {
  const { router } = connection.core
  const reasonCodes = packet.filters.map((filter) => {
    if (router.unsubscribe(session, filter)) return ReasonCode.success
    return isTopicFilter(filter) ? ReasonCode.noSubscriptionExisted : ReasonCode.topicFilterInvalid
  })
  const { packetIdentifier } = packet
  connection.acknowledgeWith(
    { type: 'unsuback', packetIdentifier, reasonCodes, properties: undefined },
    () => {},
  )
}
