/** The lowest of what is offered, so many of them, in memory for no more. */
export class Lowest<T> {
  readonly #most: number
  readonly #compare: (one: T, other: T) => number
  /** Sorted up to `most`, and behind it what came since and may be among them. */
  #kept: T[] = []
  /** The highest of those that are in, once there are as many as may be. */
  #bound: T | undefined

  /** `most` is at least 1. */
  constructor(most: number, compare: (one: T, other: T) => number) {
    this.#most = most
    this.#compare = compare
  }

  offer(one: T): void {
    if (this.#bound !== undefined && this.#compare(one, this.#bound) >= 0) return
    this.#kept.push(one)
    // Sorting now and then costs less than finding the place of each.
    if (this.#kept.length >= 2 * this.#most) this.#cut()
  }

  sorted(): readonly T[] {
    this.#cut()
    return this.#kept
  }

  #cut(): void {
    this.#kept.sort(this.#compare)
    this.#kept.length = Math.min(this.#kept.length, this.#most)
    if (this.#kept.length === this.#most) this.#bound = this.#kept.at(-1)
  }
}
