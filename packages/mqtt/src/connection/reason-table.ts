import { describeReasonCode } from '@jamey/protocol'
import { AuthenticationError, type AuthenticationErrorCode, ConnectionError } from '../model/errors.js'

/**
 * What to do after the server refused or ended a connection.
 *
 * `retry`: again, after a delay. `refresh`: once more at once with fresh credentials, then `retry`. `fallback`: once
 * more at once in another way, where there is one, then `retry`. `move`: to the server it names, else the next one.
 * `suspect`: `retry`. `stop`: it cannot pass without a change here. `suspect` and `refresh` after DISCONNECT may mean
 * one packet, which is looked for where it happens again.
 */
export type Action = 'retry' | 'refresh' | 'fallback' | 'move' | 'suspect' | 'stop'

type Sender = 'connack' | 'disconnect'

/**
 * By action, the codes of CONNACK and of DISCONNECT. Of CONNACK what is not listed is a `retry`, of DISCONNECT a
 * `suspect`. Nobody here can tell a refusal from a server that could not ask whom it asks, or was not ready, so nearly
 * all of them may pass. docs/errors.md has the table in full, with names. Section 2.4.
 */
const TABLE: Readonly<Record<Sender, { readonly [action in Action]?: readonly number[] }>> = {
  connack: {
    refresh: [0x86, 0x87],
    fallback: [0x84, 0x8c],
    move: [0x9c, 0x9d],
    // The server would refuse the same CONNECT, or the same will, again for the same reason.
    stop: [0x81, 0x82, 0x90, 0x99, 0x9a, 0x9b],
  },
  disconnect: {
    // The reason is the server's own, or concerns everything that was sent.
    retry: [0x04, 0x89, 0x8b, 0x8d, 0x93, 0x94, 0x96, 0x97, 0x98, 0x9f, 0xa0],
    refresh: [0x87, 0x8c],
    move: [0x9c, 0x9d],
    // The client that connected with our identifier would be thrown out in turn, and so on for ever.
    stop: [0x8e],
  },
}

const AUTHENTICATION_CODES: Readonly<Record<number, AuthenticationErrorCode>> = {
  134: 'bad-credentials',
  135: 'not-authorized',
  138: 'banned',
  140: 'bad-authentication-method',
}

export function actionFor(packet: Sender, reasonCode: number): Action {
  const found = Object.entries(TABLE[packet]).find(([, codes]) => codes.includes(reasonCode))
  return (found?.[0] as Action | undefined) ?? (packet === 'connack' ? 'retry' : 'suspect')
}

/** The change that a user has to make after a `stop`. */
function changeFor(packet: Sender, reasonCode: number): string {
  if (packet === 'disconnect') return 'give one of the two another clientId'
  return reasonCode < 0x90 ? 'change the options' : 'change the will'
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
  const change = isFinal ? `; ${changeFor(packet, reasonCode)}` : ''
  const message = `${where} ${what}: ${said}${change}`
  const details = { reasonCode, retryable: !isFinal }
  const code = AUTHENTICATION_CODES[reasonCode]
  if (code !== undefined) return new AuthenticationError(code, message, details)
  return new ConnectionError(packet === 'connack' ? 'refused' : 'server-disconnected', message, details)
}
