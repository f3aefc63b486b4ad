import type { Clock } from './clock.js'
import { Deadline } from './deadline.js'

/** How long a peer may say nothing: first until one moment, however much it says; then from the last it said. */
export class Silence {
  /** Set by the owner whenever something was heard. */
  heardAtMs: number
  readonly #clock: Clock
  readonly #deadline: Deadline
  readonly #isListening: () => boolean
  readonly #onReached: () => void
  #limitMs = Number.POSITIVE_INFINITY

  /** While `isListening` is false, the silence is ours and does not count. */
  constructor(clock: Clock, firstMs: number, isListening: () => boolean, onReached: () => void) {
    this.#clock = clock
    this.#isListening = isListening
    this.#onReached = onReached
    this.#deadline = new Deadline(clock, () => this.#onDue())
    this.heardAtMs = clock.now()
    this.#deadline.set(this.heardAtMs + firstMs)
  }

  /** Counts from now on from the last that was heard; infinity: never mind. */
  allow(limitMs: number): void {
    this.#limitMs = limitMs
    this.heardAtMs = this.#clock.now()
    this.#deadline.set(this.heardAtMs + limitMs)
  }

  clear(): void {
    this.#deadline.clear()
  }

  #onDue(): void {
    if (this.#limitMs === Number.POSITIVE_INFINITY) return this.#onReached()
    const nowMs = this.#clock.now()
    if (!this.#isListening()) this.heardAtMs = nowMs
    const dueAtMs = this.heardAtMs + this.#limitMs
    if (nowMs < dueAtMs) return this.#deadline.set(dueAtMs)
    this.#onReached()
  }
}
