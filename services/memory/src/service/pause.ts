import type { Clock } from '@jamey/bus'

/** Waits for so long, or until `signal`. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clock.clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = clock.setTimeout(end, delayMs)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
  })
}
