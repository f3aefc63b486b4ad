import type { Clock } from './clock.js'

/** The longest delay that timers of Node can wait; session expiry may be fifty times that. */
const MAXIMUM_DELAY_MS = 2_147_483_647

/**
 * One moment that something waits for: set again it moves, cleared it never comes. It comes after what had arrived by
 * then, so a process that was stopped for a while hears what was said meanwhile before it calls anybody late.
 */
export class Deadline {
  readonly #clock: Clock
  readonly #onReached: () => void
  #handle: unknown
  #dueAtMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock, onReached: () => void) {
    this.#clock = clock
    this.#onReached = onReached
  }

  /** Waits until `dueAtMs` (by the monotonic clock); infinity waits for nothing. */
  set(dueAtMs: number): void {
    this.clear()
    this.#dueAtMs = dueAtMs
    if (dueAtMs !== Number.POSITIVE_INFINITY) this.#arm()
  }

  get isSet(): boolean {
    return this.#dueAtMs !== Number.POSITIVE_INFINITY
  }

  clear(): void {
    if (this.#handle !== undefined) this.#clock.clearTimeout(this.#handle)
    this.#handle = undefined
    this.#dueAtMs = Number.POSITIVE_INFINITY
  }

  #arm(): void {
    const dueAtMs = this.#dueAtMs
    const delayMs = Math.min(Math.max(dueAtMs - this.#clock.now(), 0), MAXIMUM_DELAY_MS)
    this.#handle = this.#clock.setTimeout(() => {
      this.#handle = undefined
      if (this.#clock.now() < dueAtMs) return this.#arm()
      this.#clock.afterInput(() => {
        // A packet that arrived meanwhile may have moved it.
        if (this.#dueAtMs !== dueAtMs || this.#handle !== undefined) return
        this.#dueAtMs = Number.POSITIVE_INFINITY
        this.#onReached()
      })
    }, delayMs)
  }
}
