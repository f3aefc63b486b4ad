import { type Publish, REASON_CODES_OF, ReasonCode } from '@jamey/protocol'
import { Message } from '../../messages/message.js'
import { expiryOf } from '../../messages/message-expiry.js'
import { forwardable } from '../../messages/publish-properties.js'
import { besideStamp, type Stamp } from '../../messages/stamping.js'
import type { HookRunner } from '../../ports/hook-runner.js'
import type { ClientInfo, PublishOffer, Refusal } from '../../ports/hooks.js'
import type { QueueCapacity } from '../../sessions/queue-capacity.js'
import type { Session } from '../../sessions/session.js'
import { NO_TURN } from '../../storage/group-commit.js'
import type { StoreHealth } from '../../storage/store-health.js'
import { ConnectionFault } from '../../support/errors.js'
import type { Connection } from '../connection.js'
import { hold } from './hold.js'

export function handlePublish(connection: Connection, session: Session, packet: Publish): void {
  const { context } = connection
  const { qos, packetIdentifier, properties } = packet
  context.counters.countReceived(qos, packet.payload.length)
  connection.publishesReceived++
  connection.share.rateLimiter.take(packet.payload.length)
  const topic = properties === undefined ? packet.topic : connection.aliases.resolve(packet)
  if (qos === 2 && session.incoming.has(packetIdentifier)) {
    // The message was taken before, and only its PUBREC was lost. [MQTT-4.3.3-10]
    return connection.acknowledgements.acknowledge('pubrec', packetIdentifier, ReasonCode.success)
  }
  if (qos > 0) admit(connection, session)
  const permission = connection.publishPermission.allows(topic)
  if (permission === false) return refuse(connection, packet, topic)
  const responseTopic = properties?.responseTopic
  if (responseTopic !== undefined && !connection.answerPermission.allows(responseTopic)) {
    return refuse(connection, packet, responseTopic)
  }
  const stamp = permission === true ? undefined : session.stampOf(permission, properties)
  // It relays for nobody of the name that it says.
  if (stamp === undefined && permission !== true) return refuse(connection, packet, topic)
  if (context.hooks?.judgesPublish) return judge(context.hooks, connection, session, packet, topic, stamp)
  const { payload, retain } = packet
  const forwarded = properties === undefined ? undefined : session.permitted(forwardable(properties))
  const kept = besideStamp(forwarded, stamp)
  const expiresAtMs = kept === undefined ? Number.POSITIVE_INFINITY : expiryOf(kept, context.clock)
  const message = new Message(
    topic,
    payload,
    qos,
    retain,
    kept,
    expiresAtMs,
    stamp?.sender ?? session.clientId,
    stamp,
  )
  take(connection, session, packet, message)
}

function take(connection: Connection, session: Session, packet: Publish, message: Message): void {
  const { context } = connection
  const { qos } = packet
  const health = context.groupCommit?.health
  if (qos > 0 && health?.isFailing) {
    return waitForStore(health, connection, packet, () => take(connection, session, packet, message))
  }
  if (qos > 0 && context.overflow === 'refuse' && !context.router.canBeKept(message, session)) {
    return refuseOverflow(connection, packet)
  }
  const retained = packet.retain ? context.retained.retain(message) : ReasonCode.success
  // A publisher that is told of a failure may send the message again: then nobody may have it yet. [MQTT-4.3.3-9]
  if (retained !== ReasonCode.success && qos > 0 && connection.version === 5) {
    return accept(connection, session, packet, retained, undefined)
  }
  const reasonCode = context.router.publish(message, session)
  if (reasonCode === ReasonCode.noMatchingSubscribers) context.counters.publishesUnmatched++
  if (qos === 0) return
  if (reasonCode === ReasonCode.quotaExceeded) return refuseFull(connection, session, packet)
  const { fullest } = context.backpressure
  if (qos === 1 && !packet.retain && fullest === undefined) {
    return acceptOnce(connection, packet.packetIdentifier, message, reasonCode)
  }
  accept(connection, session, packet, reasonCode, fullest)
}

/** QoS 1, and nothing of it is retained. */
function acceptOnce(
  { context: { groupCommit }, acknowledgements }: Connection,
  packetIdentifier: number,
  message: Message,
  reasonCode: number,
): void {
  const isStored = message.unsettled > 0
  if (isStored && groupCommit !== undefined && message.isExchange) {
    acknowledgements.acknowledgeEarly(message, groupCommit, packetIdentifier, reasonCode)
  } else acknowledgements.acknowledge('puback', packetIdentifier, reasonCode, isStored ? undefined : NO_TURN)
}

/**
 * Nobody got it, nor will. Before MQTT 5.0 that cannot be told: to end the connection would punish who answers for one
 * that does not read. What is retained somebody may still get.
 */
function refuseFull(connection: Connection, session: Session, packet: Publish): void {
  connection.context.counters.refusedOverflow++
  const isTold = connection.version === 5 && !packet.retain
  const reasonCode = isTold ? ReasonCode.quotaExceeded : ReasonCode.success
  accept(connection, session, packet, reasonCode, undefined)
}

/** Our Receive Maximum is a promise of the client's. [MQTT-3.3.4-7] [MQTT-3.3.4-8] */
function admit(connection: Connection, session: Session): void {
  if (connection.version < 5) return
  const { receiveMaximum } = connection.terms
  const open = session.incoming.size - (session.takenBefore?.size ?? 0) + connection.sender.heldPubacks
  if (open < receiveMaximum) return
  throw new ConnectionFault(
    ReasonCode.receiveMaximumExceeded,
    `more than ${receiveMaximum} publishes of QoS 1 and 2 at a time`,
  )
}

/** Nothing is taken that the store could not keep: it waits for some seconds, and then it is refused. */
function waitForStore(
  health: StoreHealth,
  connection: Connection,
  packet: Publish,
  takeIt: () => void,
): void {
  if (health.refusal === undefined) return hold(connection, health.decided, takeIt)
  connection.context.counters.refusedByStore++
  const { publishCode, disconnectCode, reasonString } = health.refusal
  // Earlier versions have no reason codes, so the connection ends.
  if (connection.version < 5) return connection.end(disconnectCode, reasonString)
  // A refusal promises nothing, so it need not wait for a commit.
  connection.sender.writeAcknowledgement(
    packet.qos === 1 ? 'puback' : 'pubrec',
    packet.packetIdentifier,
    publishCode,
  )
}

/** `crowded`: the queue that the answer has to wait for. */
function accept(
  connection: Connection,
  session: Session,
  packet: Publish,
  reasonCode: number,
  crowded: QueueCapacity | undefined,
): void {
  const { qos, packetIdentifier } = packet
  // A failed PUBREC ends the exchange, so the identifier is free again. Section 4.3.3.
  if (qos === 2 && reasonCode < 0x80) {
    session.incoming.add(packetIdentifier)
    connection.context.persistence.putIncoming(session, packetIdentifier)
  }
  const type = qos === 1 ? 'puback' : 'pubrec'
  if (crowded === undefined) connection.acknowledgements.acknowledge(type, packetIdentifier, reasonCode)
  else connection.acknowledgements.acknowledgeWhenRoomier(crowded, type, packetIdentifier, reasonCode)
}

/** Nobody has it yet, so the publisher may send it again. [MQTT-4.3.3-9] */
function refuseOverflow(connection: Connection, packet: Publish): void {
  connection.context.counters.refusedOverflow++
  const type = packet.qos === 1 ? 'puback' : 'pubrec'
  if (connection.version === 5) {
    return connection.acknowledgements.acknowledge(type, packet.packetIdentifier, ReasonCode.quotaExceeded)
  }
  // An ordinary acknowledgement would be a lie, and there is no other.
  connection.end(ReasonCode.quotaExceeded, `the queue of a subscriber of '${packet.topic}' is full`)
}

/** The hooks have their say, at once or while the client's next packets wait. */
function judge(
  hooks: HookRunner,
  connection: Connection,
  session: Session,
  packet: Publish,
  topic: string,
  stamp: Stamp | undefined,
): void {
  const client = connection.client as ClientInfo
  const { payload, qos, retain } = packet
  const properties = besideStamp(session.permitted(forwardable(packet.properties)), stamp)
  const offer = { topic, payload, qos, retain, properties, isWill: false }
  const next = (verdict: PublishOffer | Refusal): void => {
    if ('refuse' in verdict) refuse(connection, packet, topic, verdict.refuse)
    else take(connection, session, packet, judged(connection, session, verdict, stamp))
  }
  const verdict = hooks.judge(client, offer)
  if (verdict instanceof Promise) hold(connection, verdict, next)
  else next(verdict)
}

/** A hook may have given it another topic, and properties. */
function judged(
  connection: Connection,
  session: Session,
  verdict: PublishOffer,
  offered: Stamp | undefined,
): Message {
  const { topic, payload, qos, retain } = verdict
  const own = session.stampFor(topic)
  const stamp = own && (offered ?? own)
  const properties = besideStamp(session.permitted(verdict.properties), stamp)
  const expiresAtMs = expiryOf(properties, connection.context.clock)
  return new Message(
    topic,
    payload,
    qos,
    retain,
    properties,
    expiresAtMs,
    stamp?.sender ?? session.clientId,
    stamp,
  )
}

/**
 * MQTT 5.0 clients are told, where the QoS has an answer. Earlier versions have no way to say no: they get the
 * ordinary acknowledgement and the message is dropped, as Mosquitto does, since closing would only have the client
 * send it again after it reconnects.
 */
function refuse(
  connection: Connection,
  packet: Publish,
  topic: string,
  code: number = ReasonCode.notAuthorized,
): void {
  const { context, version } = connection
  const { qos, packetIdentifier } = packet
  if (code === ReasonCode.notAuthorized) context.counters.publishesDenied++
  else context.counters.publishesRefused++
  context.log.debug(
    { event: 'broker.publish.denied', clientId: connection.session?.clientId, topic, reasonCode: code },
    'publish denied',
  )
  if (qos === 0) return
  const known = REASON_CODES_OF.puback.has(code) ? code : ReasonCode.unspecifiedError
  const reasonCode = version === 5 ? known : ReasonCode.success
  connection.acknowledgements.acknowledge(qos === 1 ? 'puback' : 'pubrec', packetIdentifier, reasonCode)
}
