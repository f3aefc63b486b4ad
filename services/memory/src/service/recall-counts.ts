/** Memories whose recalls are kept between two sweeps; of more than these the recalls go uncounted. */
const MOST = 10_000

/** How often memories were found since it was last asked; what a crash loses of it is no memory. */
export class RecallCounts {
  #counts = new Map<string, number>()

  note(ids: readonly string[]): void {
    for (const id of ids) {
      const counted = this.#counts.get(id)
      if (counted !== undefined || this.#counts.size < MOST) this.#counts.set(id, (counted ?? 0) + 1)
    }
  }

  take(): ReadonlyMap<string, number> | undefined {
    if (this.#counts.size === 0) return undefined
    const counts = this.#counts
    this.#counts = new Map()
    return counts
  }
}
