import { type Disconnect, ReasonCode } from '@jamey/protocol'
import type { Session } from '../../sessions/session.js'
import { ConnectionFault } from '../../support/errors.js'
import type { Connection } from '../connection.js'

export function handleDisconnect(connection: Connection, session: Session, packet: Disconnect): void {
  const expirySeconds = packet.properties?.sessionExpiryInterval
  if (expirySeconds !== undefined) {
    // A session that was to end with its connection cannot be prolonged. [MQTT-3.14.2-2]
    if (session.expirySeconds === 0 && expirySeconds > 0) {
      throw new ConnectionFault(
        ReasonCode.protocolError,
        'DISCONNECT prolongs a session that was not to expire later',
      )
    }
    session.expirySeconds = Math.min(expirySeconds, connection.context.limits.sessionExpirySeconds)
  }
  const { reasonCode, properties } = packet
  const ending = reasonCode === ReasonCode.normalDisconnection ? 'normal' : 'abnormal'
  connection.onDisconnect(ending, reasonCode, properties?.reasonString)
}
