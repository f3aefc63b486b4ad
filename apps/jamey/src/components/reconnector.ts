import type { Clock } from '@jamey/bus'
import type { Logger } from 'pino'

const FIRST_DELAY_MS = 1_000
const MAXIMUM_DELAY_MS = 60_000
const TAKEN_OVER = 0x8e

/**
 * Takes a connection up again that was given up for good. Two that take one session from each other would do so for
 * ever, so each attempt waits twice as long as the one before, up to a minute, until a connection has lasted as long.
 */
export class Reconnector {
  readonly #connection: { reset(): void }
  readonly #clock: Clock
  readonly #log: Pick<Logger, 'error'>
  #delayMs = FIRST_DELAY_MS
  #connectedAtMs: number | undefined
  #timer: unknown
  #isStopped = false

  constructor(connection: { reset(): void }, clock: Clock, log: Pick<Logger, 'error'>) {
    this.#connection = connection
    this.#clock = clock
    this.#log = log
  }

  onConnected(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#connectedAtMs = this.#clock.now()
  }

  onGivenUp(cause: unknown): void {
    if (this.#isStopped) return
    const lastedMs = this.#clock.now() - (this.#connectedAtMs ?? this.#clock.now())
    this.#connectedAtMs = undefined
    if (lastedMs >= MAXIMUM_DELAY_MS) this.#delayMs = FIRST_DELAY_MS
    const delayMs = this.#delayMs
    this.#delayMs = Math.min(2 * delayMs, MAXIMUM_DELAY_MS)
    const { reasonCode, message } = (cause ?? {}) as { reasonCode?: unknown; message?: unknown }
    const what =
      reasonCode === TAKEN_OVER
        ? 'another client has connected as this part, with its certificate: find it, or remove its .key and .crt and start again'
        : 'the connection was given up'
    this.#log.error(
      { event: 'connection.given_up', cause: message, delay_ms: delayMs },
      `${what}; the part takes its place again`,
    )
    this.#clock.clearTimeout(this.#timer)
    this.#timer = this.#clock.setTimeout(() => this.#connection.reset(), delayMs)
  }

  stop(): void {
    this.#isStopped = true
    this.#clock.clearTimeout(this.#timer)
  }
}
