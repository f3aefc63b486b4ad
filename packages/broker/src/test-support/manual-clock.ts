import type { Clock } from '../clock.js'

interface Timer {
  dueAtMs: number
  callback: () => void
}

/** Time that passes when a test says so. */
export class ManualClock implements Clock {
  #nowMs = 1_700_000_000_000
  readonly #timers = new Set<Timer>()

  now(): number {
    return this.#nowMs
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const timer = { dueAtMs: this.#nowMs + delayMs, callback }
    this.#timers.add(timer)
    return timer
  }

  clearTimeout(handle: unknown): void {
    this.#timers.delete(handle as Timer)
  }

  /** Moves on, running what falls due on the way in its order. */
  advance(ms: number): void {
    const end = this.#nowMs + ms
    for (;;) {
      const due = [...this.#timers]
        .filter(({ dueAtMs }) => dueAtMs <= end)
        .sort((a, b) => a.dueAtMs - b.dueAtMs)[0]
      if (due === undefined) break
      this.#timers.delete(due)
      this.#nowMs = due.dueAtMs
      due.callback()
    }
    this.#nowMs = end
  }
}
