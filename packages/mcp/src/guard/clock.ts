/** Where time comes from; tests put a clock of their own in its place. */
export interface Clock {
  setTimeout(callback: () => void, delayMs: number): unknown
  clearTimeout(timer: unknown): void
}

/** The longest that anything here waits, which a timer of the system holds. */
const LONGEST_WAIT_MS = 86_400_000

export const systemClock: Clock = {
  setTimeout: (callback, delayMs) => setTimeout(callback, Math.min(delayMs, LONGEST_WAIT_MS)),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
}

/** Resolves with true where something comes to pass within a time, and with false when that is over. */
export async function isWithin(clock: Clock, event: Promise<unknown>, delayMs: number): Promise<boolean> {
  let timer: unknown
  const late = new Promise<boolean>((resolve) => {
    timer = clock.setTimeout(() => resolve(false), delayMs)
  })
  const isInTime = await Promise.race([event.then(() => true), late])
  clock.clearTimeout(timer)
  return isInTime
}
