/**
 * The only source of time in this package, so that tests own it. `now` counts milliseconds from anywhere and is
 * monotonic: a corrected wall clock neither ages nor rejuvenates anything.
 */
export interface Clock {
  now(): number
  setTimeout(callback: () => void, delayMs: number): unknown
  /** `undefined` stands for no timer. */
  clearTimeout(handle: unknown): void
}

/** The longest delay that timers hold, 24.8 days: a longer one is over at once, here as in browsers. */
export const MAXIMUM_TIMER_MS = 0x7fff_ffff
