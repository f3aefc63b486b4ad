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

interface Row {
  readonly onConnack: Action
  readonly onDisconnect: Action
}

const RETRY: Row = { onConnack: 'retry', onDisconnect: 'retry' }
const REFRESH: Row = { onConnack: 'refresh', onDisconnect: 'refresh' }
const MOVE: Row = { onConnack: 'move', onDisconnect: 'move' }
const STOP: Row = { onConnack: 'stop', onDisconnect: 'stop' }
/** What CONNECT itself was refused for will be refused again; within a connection it may have been one packet. */
const STOP_AT_CONNACK: Row = { onConnack: 'stop', onDisconnect: 'retry' }

/** By reason code; codes that are not listed are retried. Section 2.4. */
const ROWS = new Map<number, Row>([
  [ReasonCode.malformedPacket, STOP_AT_CONNACK],
  [ReasonCode.protocolError, STOP_AT_CONNACK],
  [ReasonCode.unsupportedProtocolVersion, STOP],
  [ReasonCode.clientIdentifierNotValid, STOP],
  [ReasonCode.badUserNameOrPassword, REFRESH],
  [ReasonCode.notAuthorized, REFRESH],
  [ReasonCode.banned, STOP],
  [ReasonCode.badAuthenticationMethod, { onConnack: 'fallback', onDisconnect: 'stop' }],
  // Whoever connected with our identifier would be thrown out in turn, and so on for ever.
  [ReasonCode.sessionTakenOver, STOP],
  [ReasonCode.topicNameInvalid, STOP],
  [ReasonCode.packetTooLarge, STOP],
  [ReasonCode.payloadFormatInvalid, STOP],
  [ReasonCode.retainNotSupported, STOP],
  [ReasonCode.qosNotSupported, STOP],
  [ReasonCode.useAnotherServer, MOVE],
  [ReasonCode.serverMoved, MOVE],
  [ReasonCode.sharedSubscriptionsNotSupported, STOP],
  [ReasonCode.subscriptionIdentifiersNotSupported, STOP],
  [ReasonCode.wildcardSubscriptionsNotSupported, STOP],
  [ReasonCode.continueAuthentication, RETRY],
])

const AUTHENTICATION_CODES = new Map<number, AuthenticationErrorCode>([
  [ReasonCode.badUserNameOrPassword, 'bad-credentials'],
  [ReasonCode.notAuthorized, 'not-authorized'],
  [ReasonCode.badAuthenticationMethod, 'bad-authentication-method'],
  [ReasonCode.banned, 'banned'],
])

export function actionFor(packet: 'connack' | 'disconnect', reasonCode: number): Action {
  const row = ROWS.get(reasonCode) ?? RETRY
  return packet === 'connack' ? row.onConnack : row.onDisconnect
}

/** The typed error for a CONNACK or DISCONNECT of the server at `where`. */
export function errorFor(
  packet: 'connack' | 'disconnect',
  reasonCode: number,
  reasonString: string | undefined,
  where: string,
): ConnectionError | AuthenticationError {
  const action = actionFor(packet, reasonCode)
  const said = `${describeReasonCode(reasonCode)}${reasonString === undefined ? '' : `: ${reasonString}`}`
  const what = packet === 'connack' ? 'refused the connection' : 'ended the connection'
  const details = { reasonCode, retryable: action === 'retry' || action === 'move' }
  const message = `${where} ${what}: ${said}`
  const code = AUTHENTICATION_CODES.get(reasonCode)
  if (code !== undefined) return new AuthenticationError(code, message, details)
  return new ConnectionError(packet === 'connack' ? 'refused' : 'server-disconnected', message, details)
}
