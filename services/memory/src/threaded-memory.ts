import type {
  Memory,
  MemoryForget,
  MemoryForgotten,
  MemoryQueryInput,
  MemoryRecalled,
  MemoryStored,
  MemoryStoreInput,
} from '@jamey/contracts'
import type { Origin } from './memory-record.js'
import type { MemoryCallOptions, MemoryStorage, MemoryStoreStats, Reach } from './memory-storage.js'
import type { MemoryStoreOptions } from './memory-store.js'
import { MemoryThread } from './memory-thread.js'
import type { Announcement } from './outbox.js'

/** Enough to keep the thread at work while an answer travels; what waits beyond them can still be given up. */
const RUNNING_READS = 2
const WAITING_READS = 1000
/** The writer groups what it has into commits, and refuses what is too much by itself. */
const RUNNING_WRITES = 10_000

/**
 * Opens a memory file in two threads, one that writes and one that reads beside it: a slow search holds up neither
 * the caller's event loop nor a write. What a write acknowledged is seen by the next read. Rejects with
 * `StorageError`.
 */
export async function openThreadedMemory({
  now = Date.now,
  ...store
}: MemoryStoreOptions): Promise<MemoryStorage> {
  // The writer brings the file to the newest version, so it is the first.
  const writer = await MemoryThread.open({
    store,
    now,
    maximumRunning: RUNNING_WRITES,
    maximumWaiting: RUNNING_WRITES,
  })
  try {
    const reader = await MemoryThread.open({
      store,
      now,
      maximumRunning: RUNNING_READS,
      maximumWaiting: WAITING_READS,
    })
    return new ThreadedMemory(writer, reader)
  } catch (error) {
    await writer.close()
    throw error
  }
}

class ThreadedMemory implements MemoryStorage {
  readonly #writer: MemoryThread
  readonly #reader: MemoryThread

  constructor(writer: MemoryThread, reader: MemoryThread) {
    this.#writer = writer
    this.#reader = reader
  }

  store(input: MemoryStoreInput, origin: Origin): Promise<MemoryStored> {
    return this.#writer.call('store', [input, origin])
  }

  get(id: string, reach?: Reach): Promise<Memory | undefined> {
    return this.#reader.call('get', [id, reach])
  }

  query(input: MemoryQueryInput, { signal, reach }: MemoryCallOptions = {}): Promise<MemoryRecalled> {
    return this.#reader.call('query', [input, { reach }], signal)
  }

  forget(input: MemoryForget, requestId?: string, reach?: Reach): Promise<MemoryForgotten> {
    return this.#writer.call('forget', [input, requestId, reach])
  }

  sweep(): Promise<number> {
    return this.#writer.call('sweep', [])
  }

  pendingAnnouncements(limit: number, afterSeq = 0): Promise<Announcement[]> {
    return this.#writer.call('pendingAnnouncements', [limit, afterSeq])
  }

  announced(seqs: readonly number[]): Promise<void> {
    return this.#writer.call('announced', [seqs])
  }

  stats(): Promise<MemoryStoreStats> {
    return this.#writer.call('stats', [])
  }

  /** The reader first: the last connection that closes moves the log into the file. */
  async close(): Promise<void> {
    try {
      await this.#reader.close()
    } finally {
      await this.#writer.close()
    }
  }
}
