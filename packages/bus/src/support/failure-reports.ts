import type { Clock } from './clock.js'

/** The same kind of failure is reported at most once in this time: a full disk would otherwise flood the error topic. */
const REPORT_INTERVAL_MS = 60_000

export interface FailureReportsOptions {
  readonly bus: { reportError(error: unknown, options: { readonly kind: string }): Promise<void> }
  readonly clock: Pick<Clock, 'now'>
  /** Writes the line of the log. */
  readonly log: (error: unknown, kind: string) => void
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
    log(error, kind)
    void bus.reportError(error, { kind })
  }
}
