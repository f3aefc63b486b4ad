import type { Clock } from '@jamey/bus'
import type { Logger } from 'pino'
import type { ConscienceBus } from './conscience-bus.js'

/** The same kind of failure is reported at most once in this time. */
const REPORT_INTERVAL_MS = 60_000

export interface FailureReportsOptions {
  readonly bus: Pick<ConscienceBus, 'reportError'>
  readonly clock: Pick<Clock, 'now'>
  readonly log?: Logger | undefined
}

/** Tells of failures on the bus and in the log, and of none too often. */
export class FailureReports {
  readonly #options: FailureReportsOptions
  readonly #reportedAtMs = new Map<string, number>()

  constructor(options: FailureReportsOptions) {
    this.#options = options
  }

  report(kind: string, error: unknown): void {
    const { bus, clock, log } = this.#options
    const nowMs = clock.now()
    if (nowMs - (this.#reportedAtMs.get(kind) ?? Number.NEGATIVE_INFINITY) < REPORT_INTERVAL_MS) return
    this.#reportedAtMs.set(kind, nowMs)
    log?.error({ event: 'conscience.failed', err: error, kind }, 'conscience failed')
    void bus.reportError(error, { kind })
  }
}
