import type { Clock } from '../support/clock.js'

/** One who publishes. */
export interface Publishing {
  /** More waits to be read from it than is read at once. */
  readonly isFlooding: boolean
  /** What was written until now is its work, too, for so long. */
  charge(ms: number, nowMs: number): void
}

/** Reading one chunk takes less; what took longer before it was something else. */
const LONGEST_READING_MS = 0.5

/**
 * Whose the time of the event loop is: reading what a publisher sent, handling it, and the writes at the end of the turn,
 * which belong to those who published in it. Time in which there was nothing to do is nobody's.
 */
export class PublishingTime {
  /** What all publishers have taken, in milliseconds. */
  ms = 0
  /** And those of them who do not flood. */
  modestMs = 0
  readonly #clock: Clock
  /** How long there was nothing to do, as of the last look. */
  idleMs = 0
  /** Up to when, of the time that was worked, everything has its owner. */
  #reckonedMs = 0
  /** Who published in this turn, and for how long each. */
  readonly #publishing: Publishing[] = []
  readonly #turnMs: number[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something came: how long it took to read. */
  reading(nowMs: number): number {
    this.idleMs = this.#clock.idle()
    return Math.min(this.workedMs(nowMs) - this.#reckonedMs, LONGEST_READING_MS)
  }

  /** What came was handled until now. */
  handled(nowMs: number): void {
    this.#reckonedMs = this.workedMs(nowMs)
  }

  /** It was a publisher's, and took so long. */
  took(publishing: Publishing, ms: number): void {
    this.#add(publishing, ms)
    const index = this.#publishing.indexOf(publishing)
    if (index === -1) {
      this.#publishing.push(publishing)
      this.#turnMs.push(ms)
    } else this.#turnMs[index] = (this.#turnMs[index] ?? 0) + ms
  }

  /** What is written in this turn is written from now on; what was done since the last packet is no publisher's. */
  beforeFlush(): void {
    if (this.#publishing.length > 0) this.handled(this.#clock.now())
  }

  /** What they caused to be written in this turn is with the system now. */
  afterFlush(): void {
    const count = this.#publishing.length
    if (count === 0) return
    const nowMs = this.#clock.now()
    const writingMs = this.workedMs(nowMs) - this.#reckonedMs
    this.handled(nowMs)
    let turnMs = 0
    for (const ms of this.#turnMs) turnMs += ms
    for (let i = 0; i < count; i++) {
      const part = turnMs === 0 ? 1 / count : (this.#turnMs[i] as number) / turnMs
      const publishing = this.#publishing[i] as Publishing
      this.#add(publishing, writingMs * part)
      publishing.charge(writingMs * part, nowMs)
    }
    this.#publishing.length = 0
    this.#turnMs.length = 0
  }

  #add({ isFlooding }: Publishing, ms: number): void {
    this.ms += ms
    if (!isFlooding) this.modestMs += ms
  }

  /** How long the event loop has worked, as of the last look at what it did. */
  workedMs(nowMs: number): number {
    return nowMs - this.idleMs
  }
}
