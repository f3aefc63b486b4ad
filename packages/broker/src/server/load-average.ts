const MINUTE_MS = 60_000

/** Growth of a counter in a minute, smoothed over the last so many minutes: Mosquitto's load averages. */
export class LoadAverage {
  readonly #minutes: number
  #perMinute = 0

  constructor(minutes: number) {
    this.#minutes = minutes
  }

  /** `growth`: of the counter in the last `intervalMs`. */
  take(growth: number, intervalMs: number): number {
    const kept = Math.exp(-intervalMs / (this.#minutes * MINUTE_MS))
    this.#perMinute = (growth / intervalMs) * MINUTE_MS * (1 - kept) + this.#perMinute * kept
    return this.#perMinute
  }
}
