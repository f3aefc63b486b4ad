import type { TokenSource } from '@jamey/auth'
import { AUTHENTICATION_METHOD } from '@jamey/auth'
import type { Credentials, CredentialsRequest } from '@jamey/mqtt'
import type { Clock } from './clock.js'
import type { BusLog } from './config.js'
import type { MqttPort } from './mqtt-port.js'

/** After a renewal that failed; the old token still has most of its 30 seconds. */
const RETRY_MS = 5000
/** Timers may come a little early, in the same second as the last token: what they get is not new enough. */
const SHORTEST_MS = 100

/** Gives the client its tokens, and has each replaced in place before it ends. */
export class Renewal {
  readonly #source: TokenSource
  readonly #clock: Clock
  readonly #log: BusLog
  #port: MqttPort | undefined
  #timer: unknown
  /** When the present token is to be replaced, by the monotonic clock. */
  #dueAtMs = 0
  #isStopped = false

  constructor(source: TokenSource, clock: Clock, log: BusLog) {
    this.#source = source
    this.#clock = clock
    this.#log = log
  }

  /** From now on tokens are renewed over `port`. */
  watch(port: MqttPort): void {
    this.#port = port
  }

  /**
   * The token as password and as data of enhanced authentication: servers that know the method renew in place, others
   * look at the password. A token that was refused, or is to be renewed, is not handed out again.
   */
  async credentials(request: Pick<CredentialsRequest, 'reason'>): Promise<Credentials> {
    const { token } = await (request.reason === 'connect' ? this.#source.current() : this.#source.renew())
    // The time of day may be corrected before the token ends; the server's clock goes on.
    this.#dueAtMs = this.#clock.monotonicNow() + this.#source.refreshAtMs - this.#clock.now()
    this.#schedule(this.#untilRefreshMs)
    return {
      username: this.#source.subject,
      password: token,
      authenticationMethod: AUTHENTICATION_METHOD,
      authenticationData: token,
    }
  }

  stop(): void {
    this.#isStopped = true
    this.#clock.clearTimeout(this.#timer)
  }

  get #untilRefreshMs(): number {
    return Math.max(SHORTEST_MS, this.#dueAtMs - this.#clock.monotonicNow())
  }

  #schedule(delayMs: number): void {
    this.#clock.clearTimeout(this.#timer)
    if (this.#isStopped) return
    this.#timer = this.#clock.setTimeout(() => void this.#renew(), delayMs)
  }

  /** Without a connection there is nothing to renew: the next one asks for a token by itself. */
  async #renew(): Promise<void> {
    const port = this.#port
    if (port === undefined || port.state !== 'connected') return
    try {
      await port.reauthenticate()
      // A renewal that joined one under way has asked for no token, and so set no timer.
      this.#schedule(this.#untilRefreshMs)
    } catch (error) {
      this.#log.warn({ err: error }, 'could not renew the token; trying again')
      this.#schedule(RETRY_MS)
    }
  }
}
