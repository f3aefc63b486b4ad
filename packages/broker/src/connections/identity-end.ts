import type { Identity } from '../ports/authenticator.js'
import type { Clock } from '../support/clock.js'
import { Deadline } from '../support/deadline.js'

/** Ends a connection when its credentials run out, unless they are renewed before. */
export class IdentityEnd {
  readonly #clock: Clock
  readonly #deadline: Deadline
  /** Milliseconds since 1970, by the time of day. */
  #expiresAtMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock, onEnd: () => void) {
    this.#clock = clock
    this.#deadline = new Deadline(clock, onEnd)
  }

  use({ expiresAtMs = Number.POSITIVE_INFINITY }: Identity): void {
    // The deadline of an end that was told before stays: the time of day may have been corrected since.
    if (expiresAtMs === this.#expiresAtMs) return
    this.#expiresAtMs = expiresAtMs
    this.#deadline.set(this.#clock.now() + expiresAtMs - this.#clock.timeOfDay())
  }

  clear(): void {
    this.#deadline.clear()
  }
}
