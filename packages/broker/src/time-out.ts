import { ReasonCode } from '@jamey/protocol'
import type { Connection } from './connection.js'

/** Nothing came for too long. */
export function endSilent(connection: Connection): void {
  if (connection.state !== 'open') {
    return connection.end(ReasonCode.unspecifiedError, 'no CONNECT, or no answer to it, in time')
  }
  connection.core.counters.keepAliveTimeouts++
  connection.end(ReasonCode.keepAliveTimeout, 'nothing was heard for one and a half keep alive intervals')
}

export function endUnrenewed(connection: Connection): void {
  connection.core.counters.identitiesExpired++
  connection.end(ReasonCode.notAuthorized, 'the credentials expired and were not renewed')
}
