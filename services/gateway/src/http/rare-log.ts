import type { Logger } from 'pino'

const RARELY_MS = 60_000

/** Passes on one line a minute, which tells how many it stands for. */
export class RareLog {
  readonly #log: Pick<Logger, 'error'>
  #toldAtMs = Number.NEGATIVE_INFINITY
  #times = 0

  constructor(log: Pick<Logger, 'error'>) {
    this.#log = log
  }

  error(fields: { readonly event: string; readonly [field: string]: unknown }, message: string): void {
    this.#times++
    if (performance.now() - this.#toldAtMs < RARELY_MS) return
    this.#log.error({ ...fields, times: this.#times }, message)
    this.#toldAtMs = performance.now()
    this.#times = 0
  }
}
