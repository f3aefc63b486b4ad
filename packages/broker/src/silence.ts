import type { Clock } from './clock.js'
import { Deadline } from './deadline.js'

/** Notices that a peer says nothing for too long. Hearing it costs a look at the clock, not a timer. */
export class Silence {
  readonly #clock: Clock
  readonly #end: Deadline
  /** Undefined: the peer is given a time, whatever it says until then. */
  #limitMs: number | undefined
  #heardAtMs = 0

  /** At first the peer has `firstMs`, which is not prolonged by hearing something. */
  constructor(clock: Clock, firstMs: number, onSilence: () => void) {
    this.#clock = clock
    this.#end = new Deadline(clock, () => {
      const dueAtMs = this.#heardAtMs + (this.#limitMs ?? 0)
      if (clock.now() < dueAtMs) this.#end.set(dueAtMs)
      else onSilence()
    })
    this.#end.set(clock.now() + firstMs)
  }

  /** From now on so much silence is too much; 0 allows any. */
  limit(limitMs: number): void {
    this.#limitMs = limitMs
    this.heard()
    if (limitMs > 0) this.#end.set(this.#heardAtMs + limitMs)
    else this.#end.clear()
  }

  heard(): void {
    this.#heardAtMs = this.#clock.now()
  }

  stop(): void {
    this.#end.clear()
  }
}
