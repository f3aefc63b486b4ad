import type { Clock } from '../support/clock.js'

/** Time until refused subscriptions that are still wanted are asked for again; doubled each time. */
const FIRST_DELAY_MS = 1000
const MAXIMUM_DELAY_MS = 60_000

/**
 * A server whose own authorization is away refuses like one that means it, and says no word when it is back. So what
 * is still wanted is asked for again within a connection, ever more seldom.
 */
export class RefusalRetry {
  readonly #clock: Clock
  readonly #ask: () => void
  #timer: unknown
  #retries = 0

  constructor(clock: Clock, ask: () => void) {
    this.#clock = clock
    this.#ask = ask
  }

  schedule(): void {
    if (this.#timer !== undefined) return
    const delayMs = Math.min(MAXIMUM_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#retries++)
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      this.#ask()
    }, delayMs)
  }

  /** Everything is asked for with the next connection. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#retries = 0
  }
}
