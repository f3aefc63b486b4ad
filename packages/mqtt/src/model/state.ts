import type { ServerInformation } from './server-information.js'

/**
 * ```
 * disconnected -> connecting -> connected
 *                  ^    |          |
 *                  |    v          v
 *                 reconnecting <---+      error: from anywhere but disconnected; reset() leads back to connecting
 * ```
 * `reconnecting` waits for its delay; the attempt itself is `connecting`. `error` stays until `reset()` or `close()`.
 */
export type StateName = 'disconnected' | 'connecting' | 'connected' | 'reconnecting' | 'error'

export const TRANSITIONS: Readonly<Record<StateName, readonly StateName[]>> = {
  disconnected: ['connecting'],
  connecting: ['connected', 'reconnecting', 'error', 'disconnected'],
  connected: ['reconnecting', 'error', 'disconnected'],
  reconnecting: ['connecting', 'error', 'disconnected'],
  error: ['connecting', 'disconnected'],
}

/**
 * What became of the session. `new`: this client's first. `resumed`: the server had kept it. `lost`: the server had
 * not, so what it held for us is gone; subscriptions are made again, and what was unacknowledged is published once more.
 */
export type SessionFate = 'new' | 'resumed' | 'lost'

/** A move from one state to another, as observers are told of it. */
export interface StateChange {
  readonly state: StateName
  /** The reason for which the connection ended or the attempt failed. */
  readonly cause?: Error | undefined
  /** Counts attempts since the connection last held; 1 is the first. */
  readonly attempt?: number | undefined
  /** Wait before the next attempt, milliseconds; `reconnecting` only. */
  readonly delayMs?: number | undefined
  /** `connected` only. */
  readonly server?: ServerInformation | undefined
  /** `connected` only. */
  readonly session?: SessionFate | undefined
}
