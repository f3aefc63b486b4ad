import type { Clock } from './clock.js'

/** Allows so many of something in a period; the next period begins with the first one after this one's end. */
export class WindowLimiter {
  readonly #most: () => number
  readonly #periodMs: number
  readonly #clock: Clock
  #beganAtMs = Number.NEGATIVE_INFINITY
  #taken = 0

  constructor(most: () => number, periodMs: number, clock: Clock) {
    this.#most = most
    this.#periodMs = periodMs
    this.#clock = clock
  }

  /** Takes one; false where none was left. */
  take(): boolean {
    const nowMs = this.#clock.now()
    if (nowMs - this.#beganAtMs >= this.#periodMs) {
      this.#beganAtMs = nowMs
      this.#taken = 0
    }
    if (this.#taken >= this.#most()) return false
    this.#taken++
    return true
  }
}
