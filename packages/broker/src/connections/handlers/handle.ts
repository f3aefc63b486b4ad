import { type Packet, ReasonCode } from '@jamey/protocol'
import { ConnectionFault } from '../../support/errors.js'
import type { Connection } from '../connection.js'
import { handleAuth, handleBeforeConnack } from './auth.js'
import { handleConnect } from './connect.js'
import { handleDisconnect } from './disconnect.js'
import { handlePublish } from './publish.js'
import { handlePuback, handlePubcomp, handlePubrec, handlePubrel } from './publish-acknowledgements.js'
import { handleSubscribe } from './subscribe.js'
import { handleUnsubscribe } from './unsubscribe.js'

/** Passes a packet to its handler. Throws what ends the connection. */
export function handle(connection: Connection, packet: Packet): void {
  const { session } = connection
  if (session === undefined) {
    if (connection.state === 'authenticating') return handleBeforeConnack(connection, packet)
    // [MQTT-3.1.0-1]
    if (packet.type !== 'connect')
      throw new ConnectionFault(ReasonCode.protocolError, 'expected CONNECT first')
    return handleConnect(connection, packet)
  }
  switch (packet.type) {
    case 'publish':
      return handlePublish(connection, session, packet)
    case 'puback':
      return handlePuback(session, packet)
    case 'pubrec':
      return handlePubrec(connection, session, packet)
    case 'pubrel':
      return handlePubrel(connection, session, packet)
    case 'pubcomp':
      return handlePubcomp(session, packet)
    case 'subscribe':
      return handleSubscribe(connection, session, packet)
    case 'unsubscribe':
      return handleUnsubscribe(connection, session, packet)
    case 'pingreq':
      return connection.sender.write({ type: 'pingresp' })
    case 'disconnect':
      return handleDisconnect(connection, session, packet)
    case 'auth':
      return handleAuth(connection, session, packet)
    case 'connect':
      throw new ConnectionFault(ReasonCode.protocolError, 'a second CONNECT') // [MQTT-3.1.0-2]
    default:
      throw new ConnectionFault(ReasonCode.protocolError, `a client never sends ${packet.type}`)
  }
}
