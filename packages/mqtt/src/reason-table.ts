import { describeReasonCode, ReasonCode } from '@jamey/protocol'
import { AuthenticationError, type AuthenticationErrorCode, ConnectionError } from './errors.js'

/**
 * What to do after the server refused or ended a connection.
 *
 * `retry`: again, after a delay. `refresh`: once more at once with fresh credentials, then stop. `fallback`: once more
 * at once without the authentication method. `move`: to the server it names, else the next one. `stop`: nothing will
 * change without a person.
 */
export type Action = 'retry' | 'refresh' | 'fallback' | 'move' | 'stop'

const AUTHENTICATION_CODES = new Map<number, AuthenticationErrorCode>([
  [ReasonCode.badUserNameOrPassword, 'bad-credentials'],
  [ReasonCode.notAuthorized, 'not-authorized'],
  [ReasonCode.badAuthenticationMethod, 'bad-authentication-method'],
  [ReasonCode.banned, 'banned'],
])

/** By reason code; codes that are not listed are retried. Section 2.4. */
export function actionFor(packet: 'connack' | 'disconnect', reasonCode: number): Action {
  switch (reasonCode) {
    // What CONNECT itself was refused for will be refused again; within a connection it may have been one packet.
    case ReasonCode.malformedPacket:
    case ReasonCode.protocolError:
      return packet === 'connack' ? 'stop' : 'retry'
    case ReasonCode.badUserNameOrPassword:
    case ReasonCode.notAuthorized:
      return 'refresh'
    case ReasonCode.badAuthenticationMethod:
      return packet === 'connack' ? 'fallback' : 'stop'
    case ReasonCode.useAnotherServer:
    case ReasonCode.serverMoved:
      return 'move'
    case ReasonCode.unsupportedProtocolVersion:
    case ReasonCode.clientIdentifierNotValid:
    case ReasonCode.banned:
    // Whoever connected with our identifier would be thrown out in turn, and so on for ever.
    case ReasonCode.sessionTakenOver:
    case ReasonCode.topicNameInvalid:
    case ReasonCode.packetTooLarge:
    case ReasonCode.payloadFormatInvalid:
    case ReasonCode.retainNotSupported:
    case ReasonCode.qosNotSupported:
    case ReasonCode.sharedSubscriptionsNotSupported:
    case ReasonCode.subscriptionIdentifiersNotSupported:
    case ReasonCode.wildcardSubscriptionsNotSupported:
      return 'stop'
    default:
      return 'retry'
  }
}

/** The typed error for a CONNACK or DISCONNECT of the server at `where`. */
export function errorFor(
  packet: 'connack' | 'disconnect',
  reasonCode: number,
  reasonString: string | undefined,
  where: string,
): ConnectionError | AuthenticationError {
  const action = actionFor(packet, reasonCode)
  const said = describeReasonCode(reasonCode, reasonString)
  const what = packet === 'connack' ? 'refused the connection' : 'ended the connection'
  const details = { reasonCode, retryable: action === 'retry' || action === 'move' }
  const message = `${where} ${what}: ${said}`
  const code = AUTHENTICATION_CODES.get(reasonCode)
  if (code !== undefined) return new AuthenticationError(code, message, details)
  return new ConnectionError(packet === 'connack' ? 'refused' : 'server-disconnected', message, details)
}
