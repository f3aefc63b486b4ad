/** A port: the broker takes its time from here. Tests pass one that they move by hand. */
export interface Clock {
  /** Milliseconds from anywhere, for whatever lasts. Monotonic: a corrected time of day neither ages nor rejuvenates. */
  now(): number
  /** Milliseconds since 1970, for what outlives the process or comes from others. It may be corrected at any moment. */
  timeOfDay(): number
  /** Milliseconds of what `now` tells in which the event loop had nothing to do. */
  idle(): number
  setTimeout(callback: () => void, delayMs: number): unknown
  clearTimeout(handle: unknown): void
  /** Calls back when everything that has arrived by now was read. */
  afterInput(callback: () => void): void
}

/** Bun has no such times. Where nothing is ever idle, what passes between two readings counts as work. */
const nodeTiming: { readonly idleTime: number } | undefined = performance.nodeTiming

export const systemClock: Clock = {
  now: () => performance.now(),
  timeOfDay: () => Date.now(),
  idle: () => nodeTiming?.idleTime ?? 0,
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
  // The event loop reads every socket that has something between timers and immediates.
  afterInput: (callback) => void setImmediate(callback),
}
