import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { Heartbeat } from '@jamey/contracts'

/** Milliseconds between two looks at the event loop; Node counts them into every delay. */
const RESOLUTION_MS = 20

/** The figures of this process for a heartbeat. */
export class ProcessMetrics {
  readonly #delay: IntervalHistogram
  #rssBytes = 0

  constructor() {
    this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    this.#delay.enable()
  }

  /** The resources that the process uses now, and how late the event loop was since the last call. */
  read(): Heartbeat['process'] {
    const cpu = process.cpuUsage()
    const p99 = this.#delay.percentile(99) / 1e6 - RESOLUTION_MS
    this.#delay.reset()
    return {
      pid: process.pid,
      rss_bytes: this.#rss(),
      heap_used_bytes: getHeapStatistics().used_heap_size,
      cpu_user_seconds: cpu.user / 1e6,
      cpu_system_seconds: cpu.system / 1e6,
      event_loop_delay_p99_ms: Math.max(0, Math.round(p99 * 1000) / 1000),
    }
  }

  /** The system tells it through a file, which takes a descriptor; where none is free, what it told last. */
  #rss(): number {
    try {
      this.#rssBytes = process.memoryUsage.rss()
    } catch {
      // The heartbeat matters more than this figure.
    }
    return this.#rssBytes
  }

  stop(): void {
    this.#delay.disable()
  }
}
