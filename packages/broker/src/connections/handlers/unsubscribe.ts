import { ReasonCode, type Unsubscribe } from '@jamey/protocol'
import type { Session } from '../../sessions/session.js'
import type { Connection } from '../connection.js'
import { assertWellFormed } from './well-formed.js'

export function handleUnsubscribe(connection: Connection, session: Session, packet: Unsubscribe): void {
  const { packetIdentifier, filters } = packet
  for (const filter of filters) assertWellFormed(filter)
  const { client, context } = connection
  const { router, limits, hooks } = context
  // UNSUBACK has no quota among its codes, and none at all before MQTT 5.0: there, what cannot be refused is done.
  const isTooLong = filters.length > limits.filtersPerPacket && connection.version === 5
  const reasonCodes = filters.map((filter) => {
    if (isTooLong) return ReasonCode.implementationSpecificError
    return router.unsubscribe(session, filter) ? ReasonCode.success : ReasonCode.noSubscriptionExisted
  })
  if (hooks?.observesFilters && client !== undefined) hooks.unsubscribed(client, filters, reasonCodes)
  const unsuback = { type: 'unsuback', packetIdentifier, reasonCodes, properties: undefined } as const
  connection.acknowledgements.acknowledgeWith(unsuback, () => {})
}
