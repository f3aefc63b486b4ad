/** Upper bounds in milliseconds. */
const BOUNDS_MS = [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000]

/** A bucket as Prometheus counts it: everything up to its bound. */
export interface LatencyBucket {
  /** Seconds; infinite for the last one. */
  readonly upTo: number
  readonly count: number
}

/** Durations by length, in fixed buckets from a quarter of a millisecond to half a minute; to observe one costs some nanoseconds. */
export class LatencyHistogram {
  readonly #counts = new Float64Array(BOUNDS_MS.length + 1)
  #sumMs = 0
  #count = 0

  get count(): number {
    return this.#count
  }

  get sumSeconds(): number {
    return this.#sumMs / 1000
  }

  observe(ms: number): void {
    let bucket = 0
    while (bucket < BOUNDS_MS.length && ms > (BOUNDS_MS[bucket] as number)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#sumMs += ms
    this.#count++
  }

  buckets(): LatencyBucket[] {
    let count = 0
    return [...this.#counts].map((own, i) => {
      count += own
      const bound = BOUNDS_MS[i]
      return { upTo: bound === undefined ? Number.POSITIVE_INFINITY : bound / 1000, count }
    })
  }
}
