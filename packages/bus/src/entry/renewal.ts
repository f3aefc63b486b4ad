import type { IssuedToken } from '@jamey/auth'
import { AUTHENTICATION_METHOD } from '@jamey/auth'
import type { Credentials, CredentialsRequest } from '@jamey/mqtt'
import type { BusLog } from '../model/config.js'
import type { Clock } from '../support/clock.js'
import type { MqttPort } from '../wire/mqtt-port.js'

/** Time until the next try after a renewal that failed; the old token still has most of its 30 seconds. */
const RETRY_MS = 5000
/** Timers may come a little early, in the same second as the last token: what they get is not new enough. */
const SHORTEST_MS = 100

export interface Login {
  /** The token's subject by default. */
  readonly username?: string | undefined
  /** True where tokens are offered by enhanced authentication, too; the default. */
  readonly hasMethod?: boolean | undefined
}

/** A source of tokens: they are signed here (`TokenSource`), or issued for a secret (`RemoteTokenSource`). */
export interface Tokens {
  readonly subject: string
  readonly lifetimeSeconds: number
  /** Moment at which `current` would ask for another one, in milliseconds since 1970. */
  readonly refreshAtMs: number
  current(): Promise<IssuedToken>
  renew(): Promise<IssuedToken>
}

/** Gives the client its tokens, and has each replaced in place before it ends. */
export class Renewal {
  readonly #source: Tokens
  readonly #clock: Clock
  readonly #log: BusLog
  readonly #username: string
  readonly #hasMethod: boolean
  #endsAtMs: number | undefined
  #port: MqttPort | undefined
  #timer: unknown
  /** Moment at which the present token is to be replaced, by the monotonic clock. */
  #dueAtMs = 0
  /** A renewal fell due while there was no connection to renew over. */
  #isOverdue = false
  #isStopped = false
  #hasToldOfReconnection = false

  constructor(source: Tokens, clock: Clock, log: BusLog, { username, hasMethod = true }: Login = {}) {
    this.#source = source
    this.#clock = clock
    this.#log = log
    this.#username = username ?? source.subject
    this.#hasMethod = hasMethod
  }

  /** End of the token that was handed out last, in milliseconds since 1970; undefined before the first. */
  get endsAtMs(): number | undefined {
    return this.#endsAtMs
  }

  /** Renews tokens over `port` from now on. */
  watch(port: MqttPort): void {
    this.#port = port
    port.onState(({ state, cause }) => {
      // A connection that nothing has ended is given up by the client itself, for a new token.
      if (state === 'reconnecting' && cause === undefined) this.#tellOfReconnection()
      // It was made with the token that was due while it was being made.
      if (state === 'connected' && this.#isOverdue) void this.#renew()
    })
  }

  /**
   * The token as password and as data of enhanced authentication: servers that know the method renew in place, others
   * look at the password. A token that was refused, or is to be renewed, is not handed out again.
   */
  async credentials(request: Pick<CredentialsRequest, 'reason'>): Promise<Credentials> {
    const issued = await (request.reason === 'connect' ? this.#source.current() : this.#source.renew())
    const { token } = issued
    this.#endsAtMs = issued.expiresAtMs
    // The time of day may be corrected before the token ends; the server's clock goes on.
    this.#dueAtMs = this.#clock.now() + this.#source.refreshAtMs - this.#clock.timeOfDay()
    this.#schedule(this.#untilRefreshMs)
    const login = { username: this.#username, password: token }
    if (!this.#hasMethod) return login
    return { ...login, authenticationMethod: AUTHENTICATION_METHOD, authenticationData: token }
  }

  stop(): void {
    this.#isStopped = true
    this.#clock.clearTimeout(this.#timer)
  }

  get #untilRefreshMs(): number {
    return Math.max(SHORTEST_MS, this.#dueAtMs - this.#clock.now())
  }

  #schedule(delayMs: number): void {
    this.#clock.clearTimeout(this.#timer)
    this.#isOverdue = false
    if (this.#isStopped) return
    this.#timer = this.#clock.setTimeout(() => void this.#renew(), delayMs)
  }

  /** Logs it once: this server is so, and it happens again with every token. */
  #tellOfReconnection(): void {
    if (this.#hasToldOfReconnection) return
    this.#hasToldOfReconnection = true
    const version = this.#port?.serverInformation?.protocolVersion
    this.#log.info(
      {
        event: 'bus.token.reconnects',
        protocolVersion: version,
        lifetimeSeconds: this.#source.lifetimeSeconds,
      },
      'the server does not renew a token within a connection (no authentication method JWT), so each renewal makes a new one; this is told once',
    )
  }

  /**
   * Without a connection there is nothing to renew: the next attempt asks for a token by itself. One that is under way
   * has its token already, which is renewed once it is through.
   */
  async #renew(): Promise<void> {
    const port = this.#port
    if (port === undefined || this.#isStopped) return
    if (port.state !== 'connected') {
      this.#isOverdue = true
      return
    }
    this.#isOverdue = false
    try {
      await port.reauthenticate()
      // A renewal that joined one under way has asked for no token, and so set no timer.
      this.#schedule(this.#untilRefreshMs)
    } catch (error) {
      this.#log.warn({ event: 'bus.token.unrenewed', err: error }, 'could not renew the token; trying again')
      this.#schedule(RETRY_MS)
    }
  }
}
