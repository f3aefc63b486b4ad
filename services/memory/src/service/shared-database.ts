import { type Clock, pause } from '@jamey/bus'
import type { Logger } from 'pino'
import { StorageError } from '../model/errors.js'
import type { MemoryStorage } from '../model/memory-storage.js'

const FIRST_RETRY_MS = 100
const MAXIMUM_RETRY_MS = 2000

export interface SharedDatabaseParts {
  readonly clock: Clock
  readonly log: Logger | undefined
  /** Connects to the database, which other instances use, too. */
  readonly open: () => Promise<MemoryStorage>
  /** Told why it cannot be used yet, and undefined once it can, or nobody tries any more. */
  readonly onAway: (error: StorageError | undefined) => void
}

/**
 * Opens the database, again and again where that may help. Undefined where `signal` came before it was open. Rejects with
 * `StorageError` where it never can be.
 */
export async function openShared(
  { clock, log, open, onAway }: SharedDatabaseParts,
  signal: AbortSignal,
): Promise<MemoryStorage | undefined> {
  try {
    for (let delayMs = FIRST_RETRY_MS; !signal.aborted; delayMs = Math.min(delayMs * 2, MAXIMUM_RETRY_MS)) {
      try {
        const store = await open()
        if (!signal.aborted) return store
        await store.close()
      } catch (error) {
        if (!(error instanceof StorageError && error.retryable)) throw error
        onAway(error)
        log?.warn(
          { event: 'memory.database.unavailable', err: error, delay_ms: delayMs },
          'the memory database cannot be used yet',
        )
        await pause(clock, delayMs, signal)
      }
    }
    return undefined
  } finally {
    onAway(undefined)
  }
}
