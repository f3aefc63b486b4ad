import { type Auth, ReasonCode } from '@jamey/protocol'
import type { Connection } from '../connection.js'
import { ConnectionFault } from '../errors.js'
import type { Session } from '../session.js'
import { authenticate } from './authenticate.js'

/** Re-authentication: the client renews its identity while everything else goes on. Section 4.12.1. */
export function handleAuth(connection: Connection, session: Session, packet: Auth): void {
  const authenticationMethod = packet.properties?.authenticationMethod
  // [MQTT-4.12.0-7] [MQTT-4.12.1-1]
  if (connection.authenticationMethod === undefined) {
    throw new ConnectionFault(
      ReasonCode.protocolError,
      'AUTH on a connection made without an authentication method',
    )
  }
  if (authenticationMethod !== connection.authenticationMethod) {
    throw new ConnectionFault(
      ReasonCode.protocolError,
      'AUTH with another authentication method than CONNECT',
    )
  }
  if (packet.reasonCode !== ReasonCode.reAuthenticate || connection.isRenewing) {
    throw new ConnectionFault(
      ReasonCode.protocolError,
      'AUTH that continues nothing; expected 0x19 to begin anew',
    )
  }
  if (!connection.renewals.take()) {
    const { renewalsPerMinute } = connection.core.limits
    throw new ConnectionFault(
      ReasonCode.messageRateTooHigh,
      `more than ${renewalsPerMinute} AUTH in a minute`,
    )
  }
  connection.isRenewing = true
  const authenticationData = packet.properties?.authenticationData
  renew(
    connection,
    session,
    authenticationMethod,
    authenticationData && Buffer.from(authenticationData),
  ).catch((error) => connection.fail(error))
}

async function renew(
  connection: Connection,
  session: Session,
  authenticationMethod: string,
  authenticationData: Uint8Array | undefined,
): Promise<void> {
  const identity = await authenticate(connection, {
    clientId: session.clientId,
    authenticationMethod,
    authenticationData,
    isRenewal: true,
  })
  connection.isRenewing = false
  if (connection.state !== 'open') return
  if (identity.username !== session.username) {
    throw new ConnectionFault(ReasonCode.notAuthorized, 'the renewed credentials belong to another user')
  }
  connection.useIdentity(identity)
  connection.core.sessions.renew(session, identity)
  connection.write({ type: 'auth', reasonCode: ReasonCode.success, properties: { authenticationMethod } })
}
