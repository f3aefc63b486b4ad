import type { Clock } from '../support/clock.js'

export interface KeepAliveListener {
  /** Says whether something was sent, and whether something came in, since the last call. */
  takeActivity(): { hasSent: boolean; hasReceived: boolean }
  /** True where something came in since the last call. */
  readonly hasReceived: boolean
  ping(): void
  /** PINGREQ was answered by nothing at all. */
  onTimeout(): void
}

/**
 * Looks twice per keep-alive interval whether both directions were used; where one was not, sends PINGREQ and then
 * expects something, anything, within the ping time-out. So the server hears from us within its interval
 * [MQTT-3.1.2-20], and a half-open connection is noticed although we keep sending.
 */
export class KeepAlive {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #pingTimeoutMs: number
  readonly #listener: KeepAliveListener
  #timer: unknown

  constructor(clock: Clock, keepAliveSeconds: number, pingTimeoutMs: number, listener: KeepAliveListener) {
    this.#clock = clock
    this.#intervalMs = (keepAliveSeconds * 1000) / 2
    // Waiting longer than the interval for the answer would keep us silent for longer than we may be.
    this.#pingTimeoutMs = Math.min(pingTimeoutMs, this.#intervalMs)
    this.#listener = listener
  }

  /** Does nothing where the keep-alive time is 0. */
  start(): void {
    if (this.#intervalMs > 0) this.#timer = this.#clock.setTimeout(this.#look, this.#intervalMs)
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer)
  }

  readonly #look = (): void => {
    const { hasSent, hasReceived } = this.#listener.takeActivity()
    if (hasSent && hasReceived) return this.start()
    this.#listener.ping()
    this.#timer = this.#clock.setTimeout(this.#expectAnswer, this.#pingTimeoutMs)
  }

  readonly #expectAnswer = (): void => {
    if (this.#listener.hasReceived) this.start()
    else this.#listener.onTimeout()
  }
}
