import type { Identity } from '../ports/authenticator.js'
import type { Clock } from '../support/clock.js'
import { Deadline } from '../support/deadline.js'

/** Ends a connection when its credentials run out, unless they are renewed before. */
export class IdentityEnd {
  readonly #clock: Clock
  readonly #deadline: Deadline
  /** By the time of day. */
  #expiresAtMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock, onEnd: () => void) {
    this.#clock = clock
    this.#deadline = new Deadline(clock, onEnd)
  }

  use({ expiresAtMs = Number.POSITIVE_INFINITY }: Identity): void {
    // What is left of it was settled when it came: the time of day may have been corrected since.
    if (expiresAtMs === this.#expiresAtMs) return
    this.#expiresAtMs = expiresAtMs
    this.#deadline.set(this.#clock.now() + expiresAtMs - this.#clock.timeOfDay())
  }

  clear(): void {
    this.#deadline.clear()
  }
}
