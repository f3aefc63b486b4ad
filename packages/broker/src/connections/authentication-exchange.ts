import { type Auth, type Packet, ReasonCode } from '@jamey/protocol'
import type { Challenge } from '../ports/authenticator.js'
import type { Context } from '../support/context.js'
import { Deadline } from '../support/deadline.js'
import { ConnectionFault } from '../support/errors.js'
import { WindowLimiter } from '../support/window-limiter.js'
import type { ConnectionState } from './connection-state.js'

/**
 *     idle --CONNECT, or AUTH 0x19--> deciding --challenge: AUTH 0x18--> asking
 *       ^                               |  ^                               |
 *       +---identity: CONNACK, AUTH 0---+  +-----------AUTH 0x18-----------+
 */
type ExchangeState =
  | { readonly is: 'idle' | 'deciding' }
  | { readonly is: 'asking'; readonly answered: (data: Uint8Array | undefined) => void }

/** The connection on which it goes on. */
interface Exchanging {
  readonly context: Context
  readonly state: ConnectionState
  readonly sender: { write(packet: Packet): void }
  pauseReading(): void
  resumeReading(): void
  end(reasonCode: number, reasonString: string): void
}

/** Enhanced authentication on a connection whose CONNECT named a method. Section 4.12. */
export class AuthenticationExchange {
  readonly authenticationMethod: string
  readonly renewals: WindowLimiter
  readonly #connection: Exchanging
  readonly #timeout: Deadline
  #state: ExchangeState = { is: 'deciding' }
  #steps = 0

  constructor(connection: Exchanging, authenticationMethod: string) {
    this.authenticationMethod = authenticationMethod
    this.#connection = connection
    const { context } = connection
    this.renewals = new WindowLimiter(() => context.limits.renewalsPerMinute, 60_000, context.clock)
    this.#timeout = new Deadline(context.clock, () => {
      connection.end(ReasonCode.notAuthorized, 'authentication did not end in time')
    })
  }

  /** A renewal begins; a CONNECT has its own time to end. Throws `ConnectionFault`. */
  renew(): void {
    if (this.#state.is !== 'idle') throw unexpected('AUTH that begins anew before the last has ended')
    const { clock, limits } = this.#connection.context
    this.#state = { is: 'deciding' }
    this.#steps = 0
    this.#timeout.set(clock.now() + limits.connectTimeoutMs)
  }

  /** Resolves with the client's data; never, when the connection ends before. Throws `ConnectionFault`. */
  ask({ authenticationData }: Challenge): Promise<Uint8Array | undefined> {
    const { authenticationMethod } = this
    const connection = this.#connection
    const { authenticationSteps } = connection.context.limits
    if (++this.#steps > authenticationSteps) {
      const message = `authentication takes more than ${authenticationSteps} steps`
      throw new ConnectionFault(ReasonCode.notAuthorized, message)
    }
    return new Promise((answered) => {
      this.#state = { is: 'asking', answered }
      // [MQTT-4.12.0-2] [MQTT-4.12.0-5]
      const properties = { authenticationMethod, authenticationData }
      connection.sender.write({ type: 'auth', reasonCode: ReasonCode.continueAuthentication, properties })
      if (connection.state === 'authenticating') connection.resumeReading()
    })
  }

  /** Throws `ConnectionFault` for what is no answer. */
  answer({ reasonCode, properties }: Auth): void {
    // [MQTT-4.12.0-3]
    if (this.#state.is !== 'asking' || reasonCode !== ReasonCode.continueAuthentication) {
      throw unexpected('AUTH that continues nothing; expected 0x18 after 0x18, or 0x19 to begin anew')
    }
    const { answered } = this.#state
    this.#state = { is: 'deciding' }
    if (this.#connection.state === 'authenticating') this.#connection.pauseReading()
    const { authenticationData } = properties ?? {}
    answered(authenticationData && Buffer.from(authenticationData))
  }

  /** It succeeded, or the connection has ended. */
  end(): void {
    this.#state = { is: 'idle' }
    this.#timeout.clear()
  }
}

function unexpected(message: string): ConnectionFault {
  return new ConnectionFault(ReasonCode.protocolError, message)
}
