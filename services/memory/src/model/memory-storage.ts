import type {
  Memory,
  MemoryBatchStored,
  MemoryConsolidate,
  MemoryConsolidated,
  MemoryExported,
  MemoryExportInput,
  MemoryForget,
  MemoryForgotten,
  MemoryHistory,
  MemoryHistoryInput,
  MemoryImported,
  MemoryQueryInput,
  MemoryRecalled,
  MemoryStats,
  MemoryStored,
  MemoryStoreInput,
  MemoryUpdated,
  MemoryUpdateInput,
} from '@jamey/contracts'
import type { Announcement } from './announcement.js'
import type { QueryVector } from './embeddings.js'
import type { Origin } from './memory-record.js'

export interface MemoryStoreStats {
  /** Memories in the file, with those that expired and were not swept yet. */
  readonly memories: number
  /** Writes that wait for their commit. */
  readonly pendingWrites: number
  readonly pendingAnnouncements: number
}

/** The memories that a call reaches: those of this owner, of its groups, and those that are shared; without one, all. */
export interface Reach {
  /** A client identifier. */
  readonly owner: string
  /** Names of the groups that the owner is in, whose memories it may read. */
  readonly groups?: readonly string[] | undefined
  /** True where memories that others share, or gave to a group, are left out, too. */
  readonly isOwnOnly?: boolean | undefined
}

/** Waits for its turn no longer than the signal lets it; what has begun is finished. */
export interface MemoryCallOptions {
  readonly reach?: Reach | undefined
  readonly signal?: AbortSignal | undefined
  /** What the words of the question mean, where there is an endpoint of embeddings. */
  readonly asked?: QueryVector | undefined
}

/** One of a batch; its owner, and the groups that one is in, are those of the whole batch by default. */
export type MemoryBatchItem = MemoryStoreInput & Pick<Origin, 'owner' | 'groups'>

type Awaitable<T> = T | Promise<T>

/**
 * What the service needs of whatever keeps the memories: `MemoryStore` itself, or one in threads of its own
 * (`openThreadedMemory`). Everything rejects with `MemoryInputError`, `MemoryConflictError`, `MemoryRefusedError` or
 * `StorageError`. What changes memories reaches those of the owner alone, whatever the reach says.
 */
export interface MemoryStorage {
  store(input: MemoryStoreInput, origin: Origin): Promise<MemoryStored>
  /** All in one commit, where each one stands for itself; its id is that of the origin and `/` and its place, from 0. */
  storeBatch(inputs: readonly MemoryBatchItem[], origin: Origin): Promise<MemoryBatchStored>
  get(id: string, reach?: Reach): Promise<Memory | undefined>
  history(input: MemoryHistoryInput, reach?: Reach): Promise<MemoryHistory>
  query(input: MemoryQueryInput, options?: MemoryCallOptions): Promise<MemoryRecalled>
  /** A repeat of the request is answered as it was, and changes nothing more. */
  update(input: MemoryUpdateInput, requestId?: string, reach?: Reach): Promise<MemoryUpdated>
  /** Forgets memories; one that is shared can be forgotten by its owner alone. */
  forget(input: MemoryForget, requestId?: string, reach?: Reach): Promise<MemoryForgotten>
  consolidate(input: MemoryConsolidate, reach?: Reach): Promise<MemoryConsolidated>
  /** What the reach may read, counted. */
  statsOf(reach?: Reach): Promise<MemoryStats>
  exportPage(input: MemoryExportInput, reach?: Reach): Promise<MemoryExported>
  /** Takes memories of an archive, which become those of the origin's owner. */
  importPage(memories: readonly unknown[], origin: Origin): Promise<MemoryImported>
  /** Notes how often memories were found, by their ids, where the storage counts it. */
  recalled?(counts: ReadonlyMap<string, number>): Promise<void>
  sweep(): Promise<number>
  pendingAnnouncements(limit: number, afterSeq?: number): Awaitable<Announcement[]>
  announced(seqs: readonly number[]): Promise<void>
  /** Of the store as a whole, for whoever runs it. */
  stats(): Awaitable<MemoryStoreStats>
  close(): Promise<void>
}
