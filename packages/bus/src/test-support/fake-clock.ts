import type { Clock } from '../support/clock.js'

interface Timer {
  readonly atMs: number
  readonly callback: () => void
}

/** Time that stands still until a test moves it. Used by tests only. */
export class FakeClock implements Clock {
  readonly #timers = new Set<Timer>()
  /** Both clocks: the time of day is the monotonic one, moved by what it was corrected by. */
  #nowMs: number
  #correctedByMs = 0

  constructor(nowMs = Date.UTC(2024, 10, 14, 20)) {
    this.#nowMs = nowMs
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#timers.size
  }

  readonly now = (): number => this.#nowMs + this.#correctedByMs

  monotonicNow(): number {
    return this.#nowMs
  }

  /** Sets the time of day forward or back; timers do not notice. */
  correct(byMs: number): void {
    this.#correctedByMs += byMs
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const timer = { atMs: this.#nowMs + delayMs, callback }
    this.#timers.add(timer)
    return timer
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as Timer)
  }

  /** Moves time on, timer by timer, and lets what each has caused come to rest. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= endMs)
      const next = due.reduce<Timer | undefined>(
        (a, b) => (a === undefined || b.atMs < a.atMs ? b : a),
        undefined,
      )
      if (next === undefined) break
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.callback()
      await settled()
    }
    this.#nowMs = endMs
    await settled()
  }
}

/** Resolves when every promise that could settle by itself has done so. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
