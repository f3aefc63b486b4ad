/** ISO 8601 times, formatted once per millisecond: `toISOString` costs more than the rest of an envelope's head. */
export class IsoClock {
  readonly #now: () => number
  #lastMs = Number.NaN
  #last = ''

  constructor(now: () => number) {
    this.#now = now
  }

  /** The present as `2024-11-14T20:00:00.000Z`. */
  now(): string {
    const ms = this.#now()
    if (ms === this.#lastMs) return this.#last
    this.#lastMs = ms
    this.#last = new Date(ms).toISOString()
    return this.#last
  }
}
