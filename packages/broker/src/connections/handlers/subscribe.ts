import { isFailure, ReasonCode, type Subscribe, type SubscriptionRequest, splitShared } from '@jamey/protocol'
import type { Subscription } from '../../routing/subscription.js'
import type { Session } from '../../sessions/session.js'
import { ConnectionFault } from '../../support/errors.js'
import { countLevels } from '../../support/topic-bounds.js'
import type { Connection, ConnectionContext } from '../connection.js'
import { hold } from './hold.js'
import { assertWellFormed } from './well-formed.js'

interface Added {
  subscription: Subscription
  /** True where the Retain Handling of any copy of the filter in the packet asks for them. Section 3.8.3.1 */
  wantsRetained: boolean
}

export function handleSubscribe(connection: Connection, session: Session, packet: Subscribe): void {
  for (const { filter } of packet.subscriptions) assertWellFormed(filter)
  const { hooks, limits } = connection.context
  const { client } = connection
  if (!hooks?.authorizes || client === undefined || packet.subscriptions.length > limits.filtersPerPacket) {
    return subscribe(connection, session, packet, undefined)
  }
  const filters = packet.subscriptions.map(({ filter }) => filter)
  const asked = filters.filter((filter) => session.identity?.maySubscribe(filter))
  hold(connection, hooks.denied(client, asked), (denied) => subscribe(connection, session, packet, denied))
}

/** `denied`: by a hook. */
function subscribe(
  connection: Connection,
  session: Session,
  packet: Subscribe,
  denied: ReadonlySet<string> | undefined,
): void {
  const { context, version } = connection
  const { packetIdentifier, subscriptions } = packet
  const identifier = packet.properties?.subscriptionIdentifier
  const isTooLong = subscriptions.length > context.limits.filtersPerPacket
  const added = new Map<string, Added>()
  const reasonCodes = subscriptions.map((request) => {
    const refusal = isTooLong ? ReasonCode.quotaExceeded : refusalOf(context, session, request, denied)
    if (refusal === undefined) {
      const subscription = subscriptionOf(context, session, request, identifier)
      const isNew = context.router.subscribe(subscription)
      const wantsRetained =
        mayWantRetained(context, subscription, isNew) || added.get(request.filter)?.wantsRetained
      added.set(request.filter, { subscription, wantsRetained: wantsRetained === true })
      return subscription.qos
    }
    if (refusal === ReasonCode.notAuthorized) context.counters.subscriptionsDenied++
    // Earlier versions have one code for every failure. [MQTT-3.9.3-2 of 3.1.1]
    return version === 5 ? refusal : ReasonCode.unspecifiedError
  })
  logRefusals(context, session, packet, reasonCodes)
  const { client } = connection
  if (context.hooks?.observesFilters && client !== undefined) {
    const filters = subscriptions.map(({ filter }) => filter)
    context.hooks.subscribed(client, filters, reasonCodes)
  }
  const suback = { type: 'suback', packetIdentifier, reasonCodes, properties: undefined } as const
  connection.acknowledgements.acknowledgeWith(suback, () => {
    if (session.connection !== connection.sender) return
    for (const { subscription } of added.values()) {
      if (subscription.group !== undefined) context.router.enterGroup(subscription.group, session)
    }
    const selected = [...added.values()].filter(({ wantsRetained }) => wantsRetained)
    connection.retainedDelivery.send(selected.map(({ subscription }) => subscription))
  })
}

/** [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]; never for a shared subscription. Section 4.8.2 */
function mayWantRetained(
  { capabilities }: ConnectionContext,
  { group, retainHandling }: Subscription,
  isNew: boolean,
): boolean {
  if (!capabilities.retainAvailable) return false
  return group === undefined && (retainHandling === 0 || (retainHandling === 1 && isNew))
}

function logRefusals(
  { log }: ConnectionContext,
  { clientId }: Session,
  { subscriptions }: Subscribe,
  reasonCodes: readonly number[],
): void {
  const refused = reasonCodes.filter(isFailure).length
  if (refused === 0) return
  const first = reasonCodes.findIndex(isFailure)
  const { filter } = subscriptions[first] ?? {}
  const reasonCode = reasonCodes[first]
  log.debug(
    { event: 'broker.subscribe.refused', clientId, refused, filter, reasonCode },
    'subscriptions refused',
  )
}

/** The reason code that refuses a filter, or undefined. Throws for what ends the connection. */
function refusalOf(
  context: ConnectionContext,
  session: Session,
  request: SubscriptionRequest,
  denied: ReadonlySet<string> | undefined,
): number | undefined {
  const { filter, noLocal } = request
  const { limits, capabilities } = context
  const { group, filter: path } = splitShared(filter)
  // [MQTT-3.8.3-4]
  if (group !== undefined && noLocal) {
    throw new ConnectionFault(ReasonCode.protocolError, 'No Local on a shared subscription')
  }
  // Section 3.2.2.3.13
  if (group !== undefined && !capabilities.sharedSubscriptionAvailable) {
    return ReasonCode.sharedSubscriptionsNotSupported
  }
  if (countLevels(path) > limits.topicLevels) return ReasonCode.topicFilterInvalid
  const isNew = !session.subscriptions.has(filter)
  if (isNew && session.subscriptions.size >= limits.subscriptionsPerClient) return ReasonCode.quotaExceeded
  const isAllowed = session.identity?.maySubscribe(filter) && !denied?.has(filter)
  return isAllowed ? undefined : ReasonCode.notAuthorized
}

function subscriptionOf(
  context: ConnectionContext,
  session: Session,
  request: SubscriptionRequest,
  subscriptionIdentifier: number | undefined,
): Subscription {
  const { filter, noLocal, retainAsPublished, retainHandling } = request
  const { maximumQos } = context.capabilities
  const { group, filter: path } = splitShared(filter)
  return {
    session,
    filter,
    path,
    // Any QoS may be asked for; what is granted is told. [MQTT-3.2.2-10]
    qos: request.qos < maximumQos ? request.qos : maximumQos,
    noLocal,
    retainAsPublished,
    retainHandling,
    subscriptionIdentifier,
    group: group === undefined ? undefined : context.router.tree.group(path, filter),
  }
}
