import { type Clock as MonotonicClock, systemClock as monotonicClock } from '@jamey/mqtt'

/** A port: time comes from here, as for client and broker; tests put a clock of their own in its place. */
export interface Clock extends MonotonicClock {
  /** Milliseconds from anywhere, for durations: whatever becomes of the time of day, it goes on evenly. */
  now(): number
  /** Milliseconds since 1970. It may be corrected, so a difference of two of them is no duration. */
  timeOfDay(): number
  /** However long `delayMs` is. */
  setTimeout(callback: () => void, delayMs: number): unknown
  clearTimeout(timer: unknown): void
}

/** The time of the machine. Whoever starts a timer clears it: a closed bus leaves none. */
export const systemClock: Clock = { ...monotonicClock, timeOfDay: () => Date.now() }
