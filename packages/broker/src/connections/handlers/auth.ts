import { type Auth, type Packet, ReasonCode } from '@jamey/protocol'
import type { Session } from '../../sessions/session.js'
import { ConnectionFault } from '../../support/errors.js'
import type { AuthenticationExchange } from '../authentication-exchange.js'
import type { Connection } from '../connection.js'
import { authenticate } from './authenticate.js'

/** Re-authentication: the client renews its identity while everything else goes on. Section 4.12.1. */
export function handleAuth(connection: Connection, session: Session, packet: Auth): void {
  const exchange = exchangeOf(connection, packet)
  if (packet.reasonCode !== ReasonCode.reAuthenticate) return exchange.answer(packet)
  exchange.renew()
  if (!exchange.renewals.take()) {
    const { renewalsPerMinute } = connection.context.limits
    throw new ConnectionFault(
      ReasonCode.messageRateTooHigh,
      `more than ${renewalsPerMinute} AUTH in a minute`,
    )
  }
  const authenticationData = packet.properties?.authenticationData
  // [MQTT-4.12.1-2]
  renew(connection, session, exchange, authenticationData && Buffer.from(authenticationData)).catch((error) =>
    connection.fail(error),
  )
}

/** Handles packets between the AUTH that asked and CONNACK. [MQTT-3.1.2-30] */
export function handleBeforeConnack(connection: Connection, packet: Packet): void {
  if (packet.type === 'auth') return exchangeOf(connection, packet).answer(packet)
  if (packet.type !== 'disconnect') {
    throw new ConnectionFault(ReasonCode.protocolError, `${packet.type} while authentication is going on`)
  }
  connection.onDisconnect('normal', packet.reasonCode, packet.properties?.reasonString)
}

/** Throws where AUTH has no place, or another method than CONNECT. */
function exchangeOf({ exchange }: Connection, { properties }: Auth): AuthenticationExchange {
  // [MQTT-4.12.0-7]
  if (exchange === undefined) {
    throw new ConnectionFault(
      ReasonCode.protocolError,
      'AUTH on a connection made without an authentication method',
    )
  }
  // [MQTT-4.12.0-5] [MQTT-4.12.1-1]
  if (properties?.authenticationMethod !== exchange.authenticationMethod) {
    throw new ConnectionFault(
      ReasonCode.protocolError,
      'AUTH with another authentication method than CONNECT',
    )
  }
  return exchange
}

async function renew(
  connection: Connection,
  session: Session,
  exchange: AuthenticationExchange,
  authenticationData: Uint8Array | undefined,
): Promise<void> {
  const { authenticationMethod } = exchange
  const authenticated = await authenticate(connection, {
    clientId: session.clientId,
    authenticationMethod,
    authenticationData,
    isRenewal: true,
  })
  exchange.end()
  if (connection.state !== 'open') return
  const identity = connection.context.revised(authenticated, session.clientId)
  if (identity.username !== session.username) {
    throw new ConnectionFault(ReasonCode.notAuthorized, 'the renewed credentials belong to another user')
  }
  connection.useIdentity(identity)
  connection.context.sessions.renew(session, identity)
  const properties = { authenticationMethod, authenticationData: identity.authenticationData }
  connection.sender.write({ type: 'auth', reasonCode: ReasonCode.success, properties })
}
