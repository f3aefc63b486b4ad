import { type Clock, MAXIMUM_TIMER_MS } from './clock.js'

/** A delay that no timer holds, waited for in pieces. */
class LongTimer {
  #handle: NodeJS.Timeout | undefined

  constructor(callback: () => void, delayMs: number) {
    this.#wait(callback, delayMs)
  }

  clear(): void {
    clearTimeout(this.#handle)
  }

  #wait(callback: () => void, leftMs: number): void {
    const pieceMs = Math.min(leftMs, MAXIMUM_TIMER_MS)
    const next = (): void => (leftMs > pieceMs ? this.#wait(callback, leftMs - pieceMs) : callback())
    this.#handle = setTimeout(next, pieceMs)
  }
}

/** The monotonic clock, and timers that wait as long as they are told. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, delayMs) =>
    delayMs > MAXIMUM_TIMER_MS ? new LongTimer(callback, delayMs) : setTimeout(callback, delayMs),
  clearTimeout: (handle) => {
    if (handle instanceof LongTimer) handle.clear()
    else clearTimeout(handle as NodeJS.Timeout)
  },
}
