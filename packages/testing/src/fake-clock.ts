interface Timer {
  readonly dueMs: number
  /** Orders timers that are due at the same moment. */
  readonly order: number
  readonly callback: () => void
}

/**
 * Time that stands still until a test moves it. `advance` runs what is due in order, and lets promises and immediates
 * settle in between, so that code that awaits and then sets the next timer meets it in time.
 */
export class FakeClock {
  readonly #timers = new Set<Timer>()
  #nowMs: number
  /** Milliseconds by which the time of day was corrected; timers do not notice corrections. */
  #correctedByMs = 0
  #order = 0

  constructor(nowMs = Date.UTC(2024, 10, 14, 20)) {
    this.#nowMs = nowMs
  }

  /** Timers that are set and not due yet. */
  get pendingTimers(): number {
    return this.#timers.size
  }

  /** Milliseconds until the next timer; undefined without one. */
  get nextDelayMs(): number | undefined {
    const next = this.#next(Number.POSITIVE_INFINITY)
    return next === undefined ? undefined : next.dueMs - this.#nowMs
  }

  readonly now = (): number => this.#nowMs

  /** The time of day is that of `now` until a test corrects it. */
  readonly timeOfDay = (): number => this.#nowMs + this.#correctedByMs

  /** The event loop of a test counts as busy all the time. */
  readonly idle = (): number => 0

  /** Sets the time of day forward or back. */
  correct(byMs: number): void {
    this.#correctedByMs += byMs
  }

  /** Time that a process stood still in: its timers are due, and none was called. */
  jump(byMs: number): void {
    this.#nowMs += byMs
  }

  /** Nothing arrives between a timer and what it calls. */
  readonly afterInput = (callback: () => void): void => callback()

  readonly setTimeout = (callback: () => void, delayMs: number): unknown => {
    const timer: Timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback }
    this.#timers.add(timer)
    return timer
  }

  readonly clearTimeout = (handle: unknown): void => {
    this.#timers.delete(handle as Timer)
  }

  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs
    await settled()
    for (let timer = this.#next(untilMs); timer !== undefined; timer = this.#next(untilMs)) {
      this.#timers.delete(timer)
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs)
      timer.callback()
      await settled()
    }
    this.#nowMs = untilMs
    await settled()
  }

  #next(untilMs: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.dueMs > untilMs) continue
      const isEarlier =
        next === undefined ||
        timer.dueMs < next.dueMs ||
        (timer.dueMs === next.dueMs && timer.order < next.order)
      if (isEarlier) next = timer
    }
    return next
  }
}

/** One turn of the event loop: pending promises, immediates and what they start have had their chance. */
export async function settled(turns = 2): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}
