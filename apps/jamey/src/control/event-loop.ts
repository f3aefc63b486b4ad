import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { rounded } from './quantiles.js'

/** Milliseconds between two looks at the event loop; Node counts them into every delay. */
const RESOLUTION_MS = 20
/** What is told is at least of so long, and of twice that at the most where it is asked for often. */
const WINDOW_MS = 10_000

interface Delay {
  readonly p50: number
  readonly p99: number
}

/** How late the event loop of this process is. */
export class EventLoop {
  readonly #histogram: IntervalHistogram
  #sinceMs = performance.now()
  /** The window before, while the present one is young. */
  #former: Delay | undefined

  constructor() {
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    this.#histogram.enable()
  }

  read(): Delay {
    const present = { p50: this.#at(50), p99: this.#at(99) }
    const ageMs = performance.now() - this.#sinceMs
    const { p50, p99 } = this.#former ?? present
    if (ageMs >= WINDOW_MS) {
      this.#former = present
      this.#histogram.reset()
      this.#sinceMs = performance.now()
      return present
    }
    return { p50: Math.max(p50, present.p50), p99: Math.max(p99, present.p99) }
  }

  stop(): void {
    this.#histogram.disable()
  }

  #at(percentile: number): number {
    if (this.#histogram.count === 0) return 0
    return Math.max(0, rounded(this.#histogram.percentile(percentile) / 1e6 - RESOLUTION_MS))
  }
}
