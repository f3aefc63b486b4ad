import { describeReasonCode, ReasonCode } from '@jamey/protocol'
import { AuthenticationError, type AuthenticationErrorCode, ConnectionError } from './errors.js'

/**
 * What to do after the server refused or ended a connection.
 *
 * `retry`: again, after a delay. `refresh`: once more at once with fresh credentials, then `retry`. `fallback`: once
 * more at once in another way, where there is one, then `retry`. `move`: to the server it names, else the next one.
 * `suspect`: `retry`. `stop`: it can not pass without a change here. `suspect` and `refresh` after DISCONNECT may mean
 * one packet, which is looked for where it happens again.
 */
export type Action = 'retry' | 'refresh' | 'fallback' | 'move' | 'suspect' | 'stop'

type Sender = 'connack' | 'disconnect'

type Row = readonly [reasonCode: number, connack: Action, disconnect: Action, change?: string]

const CONNECT = 'compare the options with what the server allows'
const WILL = 'change the option will'

/**
 * By reason code: what CONNACK leads to, what DISCONNECT leads to, and what has to be changed where that is to stop.
 * Codes that are not listed are retried. Nobody here can tell a refusal from a server that could not ask whom it asks,
 * or was not ready, so nearly all of them may pass. docs/errors.md says it in full. Section 2.4.
 */
const TABLE: readonly Row[] = [
  [ReasonCode.normalDisconnection, 'retry', 'suspect'],
  [ReasonCode.unspecifiedError, 'retry', 'suspect'],
  // The same CONNECT is refused for the same reason; within a connection it may have been one packet.
  [ReasonCode.malformedPacket, 'stop', 'suspect', CONNECT],
  [ReasonCode.protocolError, 'stop', 'suspect', CONNECT],
  [ReasonCode.implementationSpecificError, 'retry', 'suspect'],
  [ReasonCode.unsupportedProtocolVersion, 'fallback', 'retry'],
  [ReasonCode.badUserNameOrPassword, 'refresh', 'refresh'],
  [ReasonCode.notAuthorized, 'refresh', 'refresh'],
  [ReasonCode.badAuthenticationMethod, 'fallback', 'refresh'],
  // Whoever connected with our identifier would be thrown out in turn, and so on for ever.
  [ReasonCode.sessionTakenOver, 'retry', 'stop', 'give one of the two another clientId, then call reset()'],
  [ReasonCode.topicFilterInvalid, 'retry', 'suspect'],
  [ReasonCode.topicNameInvalid, 'stop', 'suspect', WILL],
  [ReasonCode.packetTooLarge, 'retry', 'suspect'],
  [ReasonCode.payloadFormatInvalid, 'stop', 'suspect', WILL],
  [ReasonCode.retainNotSupported, 'stop', 'suspect', WILL],
  [ReasonCode.qosNotSupported, 'stop', 'suspect', WILL],
  [ReasonCode.useAnotherServer, 'move', 'move'],
  [ReasonCode.serverMoved, 'move', 'move'],
  [ReasonCode.sharedSubscriptionsNotSupported, 'retry', 'suspect'],
  [ReasonCode.subscriptionIdentifiersNotSupported, 'retry', 'suspect'],
  [ReasonCode.wildcardSubscriptionsNotSupported, 'retry', 'suspect'],
]

const AUTHENTICATION_CODES = new Map<number, AuthenticationErrorCode>([
  [ReasonCode.badUserNameOrPassword, 'bad-credentials'],
  [ReasonCode.notAuthorized, 'not-authorized'],
  [ReasonCode.badAuthenticationMethod, 'bad-authentication-method'],
  [ReasonCode.banned, 'banned'],
])

export function actionFor(packet: Sender, reasonCode: number): Action {
  const [, connack, disconnect] = rowOf(reasonCode)
  return packet === 'connack' ? connack : disconnect
}

/** The typed error for a CONNACK or DISCONNECT of the server at `where`. */
export function errorFor(
  packet: Sender,
  reasonCode: number,
  reasonString: string | undefined,
  where: string,
): ConnectionError | AuthenticationError {
  const isFinal = actionFor(packet, reasonCode) === 'stop'
  const said = describeReasonCode(reasonCode, reasonString)
  const what = packet === 'connack' ? 'refused the connection' : 'ended the connection'
  const change = isFinal ? `; ${rowOf(reasonCode)[3]}` : ''
  const message = `${where} ${what}: ${said}${change}`
  const details = { reasonCode, retryable: !isFinal }
  const code = AUTHENTICATION_CODES.get(reasonCode)
  if (code !== undefined) return new AuthenticationError(code, message, details)
  return new ConnectionError(packet === 'connack' ? 'refused' : 'server-disconnected', message, details)
}

function rowOf(reasonCode: number): Row {
  return TABLE.find(([code]) => code === reasonCode) ?? [reasonCode, 'retry', 'retry']
}
