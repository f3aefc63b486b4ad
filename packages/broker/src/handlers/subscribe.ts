import {
  isTopicFilter,
  ReasonCode,
  type Subscribe,
  type SubscriptionRequest,
  splitShared,
} from '@jamey/protocol'
import type { Connection } from '../connection.js'
import type { Core } from '../core.js'
import { ConnectionFault } from '../errors.js'
import { countLevels } from '../publish-permission.js'
import type { Session } from '../session.js'
import type { Subscription } from '../subscription.js'

export function handleSubscribe(connection: Connection, session: Session, packet: Subscribe): void {
  const { core, version } = connection
  const identifier = packet.properties?.subscriptionIdentifier
  const reasonCodes: number[] = []
  const added: { subscription: Subscription; isNew: boolean }[] = []
  for (const request of packet.subscriptions) {
    const refusal = refusalOf(core, session, request)
    if (refusal !== undefined) {
      if (refusal === ReasonCode.notAuthorized) core.counters.subscriptionsDenied++
      core.log.debug(
        { clientId: session.clientId, filter: request.filter, reasonCode: refusal },
        'subscription refused',
      )
      // Before MQTT 5.0 there is one code for every failure. [MQTT-3.9.3-2 of 3.1.1]
      reasonCodes.push(version === 5 ? refusal : ReasonCode.unspecifiedError)
      continue
    }
    const subscription = subscriptionOf(core, session, request, identifier)
    added.push({ subscription, isNew: core.router.subscribe(subscription) })
    reasonCodes.push(request.qos)
  }
  const { packetIdentifier } = packet
  const suback = { type: 'suback', packetIdentifier, reasonCodes, properties: undefined } as const
  connection.acknowledgeWith(suback, () => {
    if (session.connection !== connection) return
    for (const { subscription, isNew } of added) {
      if (subscription.group !== undefined) core.router.enterGroup(subscription.group, session)
      else sendRetained(core, subscription, isNew)
    }
  })
}

/** Why a filter can not be subscribed; undefined: it can. Throws for what ends the connection. */
function refusalOf(core: Core, session: Session, request: SubscriptionRequest): number | undefined {
  const { filter, noLocal } = request
  const { limits } = core
  if (!isTopicFilter(filter)) return ReasonCode.topicFilterInvalid
  const { group, filter: path } = splitShared(filter)
  // [MQTT-3.8.3-4]
  if (group !== undefined && noLocal) {
    throw new ConnectionFault(ReasonCode.protocolError, 'No Local on a shared subscription')
  }
  if (countLevels(path) > limits.topicLevels) return ReasonCode.topicFilterInvalid
  const isNew = !session.subscriptions.has(filter)
  if (isNew && session.subscriptions.size >= limits.subscriptionsPerClient) return ReasonCode.quotaExceeded
  return session.identity?.maySubscribe(path) ? undefined : ReasonCode.notAuthorized
}

function subscriptionOf(
  core: Core,
  session: Session,
  request: SubscriptionRequest,
  subscriptionIdentifier: number | undefined,
): Subscription {
  const { filter, qos, noLocal, retainAsPublished, retainHandling } = request
  const { group, filter: path } = splitShared(filter)
  return {
    session,
    filter,
    path,
    qos,
    noLocal,
    retainAsPublished,
    retainHandling,
    subscriptionIdentifier,
    group: group === undefined ? undefined : core.router.tree.group(path, filter),
  }
}

/** Section 3.8.3.1: by Retain Handling; never for a shared subscription. [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11] */
function sendRetained(core: Core, subscription: Subscription, isNew: boolean): void {
  const { session, path, retainHandling, subscriptionIdentifier } = subscription
  if (retainHandling === 2 || (retainHandling === 1 && !isNew)) return
  const identifiers = subscriptionIdentifier === undefined ? undefined : [subscriptionIdentifier]
  for (const message of core.retained.match(path)) {
    if (message.expiresAtMs <= core.clock.now()) {
      core.counters.droppedExpired++
      core.forgetRetained(message.topic)
      continue
    }
    if (!session.mayReceive(message.topic)) continue
    const qos = subscription.qos < message.qos ? subscription.qos : message.qos
    // It is sent because of the subscription, so RETAIN is set whatever Retain As Published says. [MQTT-3.3.1-8]
    if (qos === 0) session.connection?.sendAtMostOnce(message, true, identifiers, -1)
    else session.outgoing.offer(message, qos, true, identifiers, undefined, -1)
  }
}
