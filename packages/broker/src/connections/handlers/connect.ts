import { randomUUID } from 'node:crypto'
import {
  type Connack,
  type ConnackProperties,
  type Connect,
  OutgoingAliases,
  ReasonCode,
  type Will,
} from '@jamey/protocol'
import { mayPublishWill } from '../../messages/topic-permission.js'
import type { Identity } from '../../ports/authenticator.js'
import type { HookRunner } from '../../ports/hook-runner.js'
import { CONNECTION_LOST } from '../../ports/hooks.js'
import { NEVER_EXPIRES } from '../../sessions/session.js'
import { ConnectionFault } from '../../support/errors.js'
import { AuthenticationExchange } from '../authentication-exchange.js'
import type { Connection } from '../connection.js'
import { isWithin } from '../disconnect-writer.js'
import { authenticate } from './authenticate.js'

/** Section 3.1.4. What follows CONNECT on the connection waits until this is done. */
export function handleConnect(connection: Connection, packet: Connect): void {
  connection.beginAuthentication(packet.protocolVersion)
  const { maximumPacketSize, authenticationMethod, topicAliasMaximum = 0 } = packet.properties ?? {}
  connection.sender.maximumPacketBytes = maximumPacketSize ?? Number.POSITIVE_INFINITY
  const aliases = Math.min(topicAliasMaximum, connection.terms.outboundTopicAliases)
  if (aliases > 0) connection.sender.outgoingAliases = new OutgoingAliases(aliases)
  if (authenticationMethod !== undefined) {
    connection.exchange = new AuthenticationExchange(connection, authenticationMethod)
  }
  establish(connection, packet).catch((error) => connection.fail(error))
}

async function establish(connection: Connection, packet: Connect): Promise<void> {
  const { context } = connection
  if (context.shutdown !== undefined) return context.shutdown.refuse(connection)
  if (context.sessions.connected >= context.limits.connections) {
    throw new ConnectionFault(ReasonCode.serverBusy, 'the server has as many connections as it may')
  }
  const refusal = context.groupCommit?.health.refusal
  // Earlier versions have no word for a refused publish: a client that was thrown out for it would come and publish
  // again.
  if (refusal !== undefined && connection.version !== 5) {
    throw new ConnectionFault(ReasonCode.serverUnavailable, refusal.reasonString)
  }
  const clientId = clientIdOf(packet)
  const authenticated = await authenticate(connection, {
    clientId,
    username: packet.username,
    password: packet.password,
    authenticationMethod: packet.properties?.authenticationMethod,
    authenticationData: packet.properties?.authenticationData,
  })
  if (connection.state !== 'authenticating') return
  assertWill(connection, packet, authenticated)
  if (context.hooks !== undefined) await introduce(context.hooks, connection, packet, clientId, authenticated)
  if (connection.state !== 'authenticating') return
  const identity = context.revised(authenticated, clientId)
  if (identity !== authenticated) assertWill(connection, packet, identity)
  const expirySeconds = expiryOf(connection, packet)
  const keepAlive = keepAliveOf(connection, packet)
  const { authenticationData } = identity
  const announced = announcement(connection, packet, clientId, expirySeconds, keepAlive, authenticationData)
  const connack = connackWithin(connection, announced)
  const { session, isPresent } = context.sessions.attach(
    connection.sender,
    packet,
    clientId,
    identity,
    expirySeconds,
  )
  session.client = connection.client
  connection.exchange?.end()
  connection.open(session, identity, keepAlive)
  // A reserved bit before 3.1.1.
  connection.sender.write({ ...connack, sessionPresent: isPresent && connection.version !== 3 })
  context.log.info(
    {
      event: 'broker.client.connected',
      clientId,
      remoteAddress: connection.remoteAddress,
      sessionPresent: isPresent,
    },
    'client connected',
  )
  session.outgoing.resume(connection.sender)
  context.router.enterGroups(session)
  if (session.unsentRetained !== undefined) connection.retainedDelivery.takeUp(session.unsentRetained)
  session.unsentRetained = undefined
  connection.resumeReading()
}

/** Throws where the client takes none: who cannot be answered cannot be served. [MQTT-3.1.2-24] */
function connackWithin(connection: Connection, properties: ConnackProperties | undefined): Connack {
  const { context, version } = connection
  const { maximumPacketBytes } = connection.sender
  const bare: Connack = { type: 'connack', sessionPresent: false, reasonCode: ReasonCode.success, properties }
  if (version === 5 && context.stamping !== undefined) {
    const { announcement: userProperties } = context.stamping
    const full = { ...bare, properties: { ...properties, userProperties } }
    // A CONNACK that is too large goes without the announcement, and the client takes nobody's word for who a sender
    // is. [MQTT-3.2.2-20]
    if (isWithin(full, version, maximumPacketBytes)) return full
  }
  if (isWithin(bare, version, maximumPacketBytes)) return bare
  throw new ConnectionFault(ReasonCode.packetTooLarge, 'CONNACK is larger than the client takes')
}

/** Shows the client to the hooks; rejects when they do not let it in. */
async function introduce(
  hooks: HookRunner,
  connection: Connection,
  { will }: Connect,
  clientId: string,
  { username }: Identity,
): Promise<void> {
  const { remoteAddress, certificate, version } = connection
  const client = { clientId, username, remoteAddress, protocolVersion: version, certificate }
  if (
    will !== undefined &&
    !(await hooks.allowsMessage(client, will.topic, will.properties?.responseTopic))
  ) {
    throw willDenied(connection, will)
  }
  await hooks.connect(client)
  if (connection.state === 'authenticating') connection.client = client
  else hooks.disconnect(client, CONNECTION_LOST)
}

/** The client's, or one made for it where the version lets it send none. [MQTT-3.1.3-6] [MQTT-3.1.3-8 of 3.1.1] */
function clientIdOf({ clientId, protocolVersion, cleanStart }: Connect): string {
  if (clientId !== '') return clientId
  if (protocolVersion === 3 || (protocolVersion === 4 && !cleanStart)) {
    throw new ConnectionFault(
      ReasonCode.clientIdentifierNotValid,
      'an empty client identifier needs a clean session',
    )
  }
  return `auto-${randomUUID()}`
}

function assertWill(connection: Connection, { will }: Connect, identity: Identity): void {
  const { context } = connection
  if (will === undefined) return
  if (!mayPublishWill(identity, will, context.limits.topicLevels)) throw willDenied(connection, will)
}

function willDenied({ context }: Connection, will: Will): ConnectionFault {
  context.counters.publishesDenied++
  return new ConnectionFault(
    ReasonCode.notAuthorized,
    `not allowed to publish the will to ${JSON.stringify(will.topic)}, or to be answered where it asks to`,
  )
}

/** Seconds. Before MQTT 5.0, a session that is not clean never expires; we keep it as long as any. */
function expiryOf({ context }: Connection, { protocolVersion, cleanStart, properties }: Connect): number {
  const before5 = cleanStart ? 0 : NEVER_EXPIRES
  const wanted = protocolVersion === 5 ? (properties?.sessionExpiryInterval ?? 0) : before5
  return Math.min(wanted, context.limits.sessionExpirySeconds)
}

/** Seconds; what we impose where the client wants a longer one, or none, and can be told. [MQTT-3.2.2-21] */
function keepAliveOf({ terms, version }: Connection, { keepAlive }: Connect): number {
  const { keepAliveSeconds } = terms
  if (keepAliveSeconds === 0 || version < 5) return keepAlive
  return keepAlive === 0 ? keepAliveSeconds : Math.min(keepAlive, keepAliveSeconds)
}

/** The server's side of the contract; only what differs from the standard's defaults. Section 3.2.2.3. */
function announcement(
  { context, version, exchange, terms }: Connection,
  { clientId: wantedClientId, keepAlive: wantedKeepAlive, properties }: Connect,
  clientId: string,
  expirySeconds: number,
  keepAlive: number,
  authenticationData: Uint8Array | undefined,
): ConnackProperties | undefined {
  if (version !== 5) return undefined
  const { responseInformation, capabilities } = context
  const { maximumQos, retainAvailable, sharedSubscriptionAvailable } = capabilities
  return {
    sessionExpiryInterval:
      (properties?.sessionExpiryInterval ?? 0) === expirySeconds ? undefined : expirySeconds,
    receiveMaximum: terms.receiveMaximum === 65_535 ? undefined : terms.receiveMaximum,
    // [MQTT-3.2.2-9]
    maximumQoS: maximumQos === 2 ? undefined : maximumQos,
    retainAvailable: retainAvailable ? undefined : 0,
    sharedSubscriptionAvailable: sharedSubscriptionAvailable ? undefined : 0,
    maximumPacketSize: terms.packetBytes,
    assignedClientIdentifier: wantedClientId === '' ? clientId : undefined,
    topicAliasMaximum: terms.topicAliases === 0 ? undefined : terms.topicAliases,
    serverKeepAlive: keepAlive === wantedKeepAlive ? undefined : keepAlive,
    responseInformation:
      properties?.requestResponseInformation === 1 ? responseInformation?.(clientId) : undefined,
    // [MQTT-4.12.0-5] [MQTT-4.12.0-6]
    authenticationMethod: exchange?.authenticationMethod,
    authenticationData: exchange && authenticationData,
  }
}
