import type { ServerInformation } from '../model/server-information.js'
import type { SessionFate, StateChange } from '../model/state.js'
import type { Endpoint, TlsMaterial } from '../model/transport.js'
import type { Connection } from './connection.js'
import type { PacketCredentials } from './credentials.js'

export interface Connecting {
  readonly state: 'connecting'
  readonly attempt: number
  readonly cause: Error | undefined
  endpoint: Endpoint
  protocolVersion: 4 | 5
  timer: unknown
  connection: Connection | undefined
  tls: TlsMaterial | undefined
  credentials: PacketCredentials | undefined
  cleanStart: boolean
  /** Clean Session of MQTT 3.1.1, in the place of the rule for `cleanStart`. */
  cleanSession: boolean | undefined
  /** CONNECT was sent, and CONNACK has not come. */
  isAsked: boolean
  /** The server asked on, with AUTH. */
  isChallenged: boolean
}

export interface Connected {
  readonly state: 'connected'
  readonly attempt: number
  readonly connection: Connection
  readonly server: ServerInformation
  readonly session: SessionFate
  /** The method of enhanced authentication in use on this connection. */
  readonly authenticationMethod: string | undefined
  readonly sinceMs: number
  /** Bounds a re-authentication. */
  timer: unknown
  /** AUTH 0x19 was sent, and the server has not said that it is content. */
  isRenewing: boolean
}

export interface Reconnecting {
  readonly state: 'reconnecting'
  readonly attempt: number
  readonly delayMs: number
  readonly dueAtMs: number
  readonly cause: Error | undefined
  timer: unknown
}

/** One state with all that it knows, which goes with it. */
export type Now =
  | { readonly state: 'disconnected'; readonly cause: Error | undefined }
  | Connecting
  | Connected
  | Reconnecting
  | { readonly state: 'error'; readonly cause: Error }

/** The form in which observers are told of a state. */
export function statusOf(now: Now): StateChange {
  switch (now.state) {
    case 'connected':
      return { state: now.state, attempt: now.attempt, server: now.server, session: now.session }
    case 'connecting':
      return { state: now.state, cause: now.cause, attempt: now.attempt }
    case 'reconnecting':
      return { state: now.state, cause: now.cause, attempt: now.attempt, delayMs: now.delayMs }
    default:
      return { state: now.state, cause: now.cause }
  }
}

/** An attempt that has not begun. */
export function connectingTo(endpoint: Endpoint, attempt: number, cause: Error | undefined): Connecting {
  return {
    state: 'connecting',
    attempt,
    cause,
    endpoint,
    protocolVersion: 5,
    timer: undefined,
    connection: undefined,
    tls: undefined,
    credentials: undefined,
    isAsked: false,
    isChallenged: false,
    cleanStart: false,
    cleanSession: undefined,
  }
}

/** The server has accepted `attempt`. */
export function connectedBy(
  { attempt }: Connecting,
  connection: Connection,
  server: ServerInformation,
  session: SessionFate,
  authenticationMethod: string | undefined,
  sinceMs: number,
): Connected {
  return {
    state: 'connected',
    attempt,
    connection,
    server,
    session,
    authenticationMethod,
    sinceMs,
    timer: undefined,
    isRenewing: false,
  }
}

/** The next attempt is due in `delayMs`. */
export function waitingFor(
  attempt: number,
  delayMs: number,
  nowMs: number,
  cause: Error | undefined,
): Reconnecting {
  return { state: 'reconnecting', attempt, delayMs, dueAtMs: nowMs + delayMs, cause, timer: undefined }
}
