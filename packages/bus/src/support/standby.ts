import type { Clock } from './clock.js'

/** Time between two looks of a process that stands by. */
const LOOK_MS = 500

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

export interface TakeWhenFreeOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Told true, once, where another process has it, and false when the wait is over. */
  readonly onStandby: (isStandby: boolean) => void
}

/**
 * What one process alone can have at a time, once no other one has it, which `take` says by undefined. Undefined where
 * `signal` came before; what it was given after that is the caller's, too. Rejects where `take` does.
 */
export async function takeWhenFree<Taken>(
  take: () => Taken | undefined | Promise<Taken | undefined>,
  { clock, signal, onStandby }: TakeWhenFreeOptions,
): Promise<Taken | undefined> {
  let isStandby = false
  try {
    while (!signal.aborted) {
      const taken = await take()
      if (taken !== undefined) return taken
      if (!isStandby) onStandby(true)
      isStandby = true
      await pause(clock, LOOK_MS, signal)
    }
    return undefined
  } finally {
    if (isStandby) onStandby(false)
  }
}
