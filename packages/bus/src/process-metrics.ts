import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { Heartbeat } from '@jamey/contracts'

/** How often the event loop is looked at, milliseconds; Node counts it into every delay. */
const RESOLUTION_MS = 20

/** The figures of this process for a heartbeat. */
export class ProcessMetrics {
  readonly #delay: IntervalHistogram

  constructor() {
    this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    this.#delay.enable()
  }

  /** What the process uses now, and how late the event loop was since the last call. */
  read(): Heartbeat['process'] {
    const memory = process.memoryUsage()
    const cpu = process.cpuUsage()
    const p99 = this.#delay.percentile(99) / 1e6 - RESOLUTION_MS
    this.#delay.reset()
    return {
      pid: process.pid,
      rss_bytes: memory.rss,
      heap_used_bytes: memory.heapUsed,
      cpu_user_seconds: cpu.user / 1e6,
      cpu_system_seconds: cpu.system / 1e6,
      event_loop_delay_p99_ms: Math.max(0, Math.round(p99 * 1000) / 1000),
    }
  }

  stop(): void {
    this.#delay.disable()
  }
}
