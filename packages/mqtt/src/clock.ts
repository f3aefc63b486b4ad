/** The only source of time in this package, so that tests own it. `now` counts milliseconds from anywhere. */
export interface Clock {
  now(): number
  setTimeout(callback: () => void, delayMs: number): unknown
  /** `undefined` stands for no timer. */
  clearTimeout(handle: unknown): void
}

/** Monotonic: a corrected wall clock neither ages nor rejuvenates anything. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
}
