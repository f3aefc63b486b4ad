/** What is told is over so long at least, and at most since it was asked for the last time but one. */
const WINDOW_MS = 1_000

/** How fast a total grows, found out only by looking at it: nothing is done where nobody asks. */
export class RecentRate {
  #totalThen = 0
  #thenMs: number
  #totalLast = 0
  #lastMs: number

  /** The total was 0 at `beganMs`. */
  constructor(beganMs: number) {
    this.#thenMs = this.#lastMs = beganMs
  }

  /** Per second, since it was asked before; the first time since the beginning. */
  read(total: number, nowMs: number): number {
    if (nowMs - this.#lastMs >= WINDOW_MS) {
      this.#totalThen = this.#totalLast
      this.#thenMs = this.#lastMs
      this.#totalLast = total
      this.#lastMs = nowMs
    }
    const elapsedMs = nowMs - this.#thenMs
    return elapsedMs <= 0 ? 0 : ((total - this.#totalThen) * 1000) / elapsedMs
  }
}
