import type { Logger } from 'pino'
import { MAXIMUM_LINES_PER_SECOND } from './limits.js'

/** A line for each refusal, so many in a second at most: whoever is refused decides how often. */
export class RefusalLog {
  readonly #log: Pick<Logger, 'info'>
  readonly #now: () => number
  #second = Number.NEGATIVE_INFINITY
  #lines = 0
  #left = 0

  /** `now`: milliseconds, of any beginning. */
  constructor(log: Pick<Logger, 'info'>, now: () => number = () => performance.now()) {
    this.#log = log
    this.#now = now
  }

  /** `fields` has nothing secret in it. */
  info(fields: { readonly event: string; readonly [field: string]: unknown }, message: string): void {
    if (this.#now() - this.#second >= 1_000) {
      this.#second = this.#now()
      this.#lines = 0
    }
    if (this.#lines >= MAXIMUM_LINES_PER_SECOND) {
      this.#left++
      return
    }
    this.#lines++
    this.#log.info({ ...fields, ...(this.#left === 0 ? {} : { left_out: this.#left }) }, message)
    this.#left = 0
  }
}
