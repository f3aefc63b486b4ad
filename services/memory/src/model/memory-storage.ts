import type {
  Memory,
  MemoryForget,
  MemoryForgotten,
  MemoryQueryInput,
  MemoryRecalled,
  MemoryStored,
  MemoryStoreInput,
} from '@jamey/contracts'
import type { Announcement } from './announcement.js'
import type { Origin } from './memory-record.js'

export interface MemoryStoreStats {
  /** Memories in the file, with those that expired and were not swept yet. */
  readonly memories: number
  /** Writes that wait for their commit. */
  readonly pendingWrites: number
  readonly pendingAnnouncements: number
}

/** The memories that a call reaches: those of this owner, and those that are shared; without one, all. */
export interface Reach {
  /** A client identifier. */
  readonly owner: string
  /** True where memories that others share are left out, too. */
  readonly isOwnOnly?: boolean | undefined
}

/** Waits for its turn no longer than the signal lets it; what has begun is finished. */
export interface MemoryCallOptions {
  readonly reach?: Reach | undefined
  readonly signal?: AbortSignal | undefined
}

type Awaitable<T> = T | Promise<T>

/**
 * What the service needs of whatever keeps the memories: `MemoryStore` itself, or one in threads of its own
 * (`openMemoryThreads`). Everything rejects with `MemoryInputError`, `MemoryConflictError` or `StorageError`.
 */
export interface MemoryStorage {
  store(input: MemoryStoreInput, origin: Origin): Promise<MemoryStored>
  get(id: string, reach?: Reach): Promise<Memory | undefined>
  query(input: MemoryQueryInput, options?: MemoryCallOptions): Promise<MemoryRecalled>
  /** Forgets memories; one that is shared can be forgotten by its owner alone. */
  forget(input: MemoryForget, requestId?: string, reach?: Reach): Promise<MemoryForgotten>
  sweep(): Promise<number>
  pendingAnnouncements(limit: number, afterSeq?: number): Awaitable<Announcement[]>
  announced(seqs: readonly number[]): Promise<void>
  stats(): Awaitable<MemoryStoreStats>
  close(): Promise<void>
}
