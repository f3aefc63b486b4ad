import type { Clock } from '../support/clock.js'

/** The time of day and the monotonic clock drift by less than this between two records; more is a correction. */
const CORRECTION_MS = 1000

interface Correction {
  /** Messages with this number, and higher ones, were stored by it. */
  readonly fromMessageId: number
  /** Milliseconds by which the time of day was ahead of the monotonic clock. */
  readonly aheadMs: number
}

/**
 * Moments as they are stored, by the time of day, and as they are in memory, by the monotonic clock. A message that is
 * read in the life it was stored in expires when it was to, whatever the time of day was set to meanwhile.
 */
export class StoredTime {
  readonly #clock: Clock
  /** Corrections in order, the first for everything that was stored before. */
  readonly #corrections: Correction[]

  constructor(clock: Clock) {
    this.#clock = clock
    this.#corrections = [{ fromMessageId: 0, aheadMs: this.#aheadMs }]
  }

  /** The form in which a moment in memory is stored with the message of that number, the highest so far. */
  ofMessage(atMs: number, messageId: number): number {
    if (atMs === Number.POSITIVE_INFINITY) return atMs
    const aheadMs = this.#aheadMs
    const last = this.#corrections.at(-1) as Correction
    if (Math.abs(aheadMs - last.aheadMs) < CORRECTION_MS) return atMs + last.aheadMs
    this.#corrections.push({ fromMessageId: messageId, aheadMs })
    return atMs + aheadMs
  }

  /** The form in which a moment in memory is stored, for the next life of the broker. */
  of(atMs: number): number {
    return atMs + this.#aheadMs
  }

  /** The moment in memory of one that was stored with a message. */
  messageMoment(storedAtMs: number, messageId: number): number {
    let n = this.#corrections.length - 1
    while (n > 0 && (this.#corrections[n] as Correction).fromMessageId > messageId) n--
    return storedAtMs - (this.#corrections[n] as Correction).aheadMs
  }

  /** The moment in memory of one that an earlier life stored. */
  moment(storedAtMs: number): number {
    return storedAtMs - this.#aheadMs
  }

  get #aheadMs(): number {
    return this.#clock.timeOfDay() - this.#clock.now()
  }
}
