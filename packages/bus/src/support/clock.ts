import { systemClock as monotonicClock } from '@jamey/mqtt'

/** Where time comes from; tests put a clock of their own in its place. */
export interface Clock {
  /** The time of day: milliseconds since 1970. It may be corrected, so a difference of two of them is no duration. */
  now(): number
  /** Milliseconds from anywhere, for durations: whatever becomes of the time of day, it goes on evenly. */
  monotonicNow(): number
  /** However long `delayMs` is. */
  setTimeout(callback: () => void, delayMs: number): unknown
  clearTimeout(timer: unknown): void
}

/** The time of the machine. Whoever starts a timer clears it: a closed bus leaves none. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicNow: monotonicClock.now,
  setTimeout: monotonicClock.setTimeout,
  clearTimeout: monotonicClock.clearTimeout,
}
