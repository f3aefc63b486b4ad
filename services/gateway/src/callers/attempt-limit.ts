/** Names that are remembered at once; beyond, the one that began first is forgotten. */
const MAXIMUM_NAMES = 10_000

interface Window {
  readonly beganAtMs: number
  count: number
}

/** Allows so many attempts within a window of time for each name. */
export class AttemptLimit {
  readonly #most: number
  readonly #windowMs: number
  readonly #now: () => number
  readonly #windows = new Map<string, Window>()

  constructor(most: number, windowMs: number, now: () => number = () => performance.now()) {
    this.#most = most
    this.#windowMs = windowMs
    this.#now = now
  }

  /**
   * Counts so many, one by default. Milliseconds to wait where that is too many, and then they are not counted;
   * undefined otherwise.
   */
  take(name: string, count = 1): number | undefined {
    const nowMs = this.#now()
    const present = this.#windows.get(name)
    const isOver = present === undefined || nowMs - present.beganAtMs >= this.#windowMs
    const window = isOver ? { beganAtMs: nowMs, count: 0 } : present
    if (window.count + count > this.#most) return window.beganAtMs + this.#windowMs - nowMs
    window.count += count
    if (isOver) {
      this.#windows.delete(name)
      this.#windows.set(name, window)
      if (this.#windows.size > MAXIMUM_NAMES) this.#windows.delete(this.#windows.keys().next().value ?? '')
    }
    return undefined
  }

  /** It does not count after all. */
  giveBack(name: string): void {
    const window = this.#windows.get(name)
    if (window !== undefined && window.count > 0) window.count--
  }
}
