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
import type { Announcement } from '../model/announcement.js'
import type { EmbeddingSettings, QueryVector } from '../model/embeddings.js'
import type { Origin } from '../model/memory-record.js'
import type {
  MemoryBatchItem,
  MemoryCallOptions,
  MemoryStorage,
  MemoryStoreStats,
  Reach,
} from '../model/memory-storage.js'
import type { MemoryStoreOptions } from '../store/memory-store.js'
import { senderOf } from '../store/reach.js'
import { MemoryThread } from './memory-thread.js'

/** Enough to keep the thread at work while an answer travels; what waits beyond them can still be given up. */
const RUNNING_READS = 2
/** Number of reads of one sender with a thread, so that nobody waits for more than one of another's. */
const READS_OF_ONE = 1
const WAITING_READS = 10_000
/** The writer groups what it has into commits. */
const RUNNING_WRITES = 500
const WAITING_WRITES = 10_000
/** Weight of calls with the writer, which stand before everybody's next write: some tens of milliseconds. */
const RUNNING_WEIGHT = 524_288
/** Cost of a write beside its text, as if it were characters. */
const WRITE_WEIGHT = 2048

export interface ThreadedMemoryOptions extends MemoryStoreOptions {
  /** Where texts and questions are sent for their vectors; nowhere without it. */
  readonly embeddings?: EmbeddingSettings | undefined
}

/** The worker lies above this module; where the sources themselves run, as in tests, the built one is used. */
const VECTOR_WORKER = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/vector-worker.js' : '../vector-worker.js',
  import.meta.url,
)
/** Number of questions whose vectors are asked for at once, and of those that wait for that. */
const RUNNING_QUESTIONS = 64
const WAITING_QUESTIONS = 1000

/**
 * Opens a memory file in two threads, one that writes and one that reads beside it: a slow search holds up neither
 * the caller's event loop nor a write. What a write acknowledged is seen by the next read. With an endpoint of
 * embeddings a third thread asks it. Rejects with `StorageError`.
 */
export async function openThreadedMemory({
  now = Date.now,
  onProgress,
  embeddings,
  onSalvaged,
  ...store
}: ThreadedMemoryOptions): Promise<MemoryStorage> {
  // The writer brings the file to the newest version, so it is the first.
  const writer = await MemoryThread.open({
    store,
    now,
    onProgress,
    onSalvaged,
    maximumRunning: RUNNING_WRITES,
    maximumRunningWeight: RUNNING_WEIGHT,
    maximumWaiting: WAITING_WRITES,
  })
  try {
    const reader = await MemoryThread.open({
      store: { ...store, claim: undefined, isSearched: true },
      now,
      maximumRunning: RUNNING_READS,
      maximumRunningPerSender: READS_OF_ONE,
      maximumWaiting: WAITING_READS,
    })
    try {
      const vectors = embeddings && (await openVectors(store, embeddings, now))
      return new ThreadedMemory(writer, reader, vectors)
    } catch (error) {
      await reader.close()
      throw error
    }
  } catch (error) {
    await writer.close()
    throw error
  }
}

function openVectors(
  { file, claim, busyTimeoutMs = 2000 }: MemoryStoreOptions,
  embeddings: EmbeddingSettings,
  now: () => number,
): Promise<MemoryThread> {
  return MemoryThread.open({
    store: { file, claim, busyTimeoutMs, embeddings },
    now,
    worker: VECTOR_WORKER,
    maximumRunning: RUNNING_QUESTIONS,
    maximumWaiting: WAITING_QUESTIONS,
  })
}

/** Calls of the service for itself cost nobody anything. */
const OWN = { sender: '', weight: 0 } as const

class ThreadedMemory implements MemoryStorage {
  readonly #writer: MemoryThread
  readonly #reader: MemoryThread
  readonly #vectors: MemoryThread | undefined

  constructor(writer: MemoryThread, reader: MemoryThread, vectors: MemoryThread | undefined) {
    this.#writer = writer
    this.#reader = reader
    this.#vectors = vectors
  }

  store(input: MemoryStoreInput, origin: Origin): Promise<MemoryStored> {
    return this.#writer.call('store', [input, origin], { sender: origin.source, weight: weightOf(input) })
  }

  storeBatch(inputs: readonly MemoryBatchItem[], origin: Origin): Promise<MemoryBatchStored> {
    const weight = inputs.reduce((sum, input) => sum + weightOf(input), 0)
    return this.#writer.call('storeBatch', [inputs, origin], { sender: origin.source, weight })
  }

  get(id: string, reach?: Reach): Promise<Memory | undefined> {
    return this.#reader.call('get', [id, reach], { sender: senderOf(reach) })
  }

  async query(input: MemoryQueryInput, options: MemoryCallOptions = {}): Promise<MemoryRecalled> {
    const { signal, reach } = options
    const asked = await this.#meaningOf(input, options)
    return this.#reader.call('query', [input, { reach, asked }], { signal, sender: senderOf(reach) })
  }

  /** A question goes on without its vector, whatever keeps it from having one. */
  async #meaningOf(
    { query = '' }: MemoryQueryInput,
    { signal, reach }: MemoryCallOptions,
  ): Promise<QueryVector | undefined> {
    if (this.#vectors === undefined || query.trim() === '') return undefined
    try {
      return await this.#vectors.call<QueryVector>('embed', [query.trim()], {
        signal,
        sender: senderOf(reach),
      })
    } catch (error) {
      signal?.throwIfAborted()
      return { model: '', missing: error instanceof Error ? error.message : String(error) }
    }
  }

  history(input: MemoryHistoryInput, reach?: Reach): Promise<MemoryHistory> {
    return this.#reader.call('history', [input, reach], { sender: senderOf(reach) })
  }

  update(input: MemoryUpdateInput, requestId?: string, reach?: Reach): Promise<MemoryUpdated> {
    const weight = weightOf({ content: input.content ?? '', tags: input.tags })
    return this.#writer.call('update', [input, requestId, reach], { sender: senderOf(reach), weight })
  }

  consolidate(input: MemoryConsolidate, reach?: Reach): Promise<MemoryConsolidated> {
    return this.#writer.call('consolidate', [input, reach], { sender: senderOf(reach), weight: WRITE_WEIGHT })
  }

  async statsOf(reach?: Reach): Promise<MemoryStats> {
    const sender = senderOf(reach)
    const stats = await this.#reader.call<MemoryStats>('statsOf', [reach], { sender })
    if (this.#vectors === undefined) return stats
    // What others have is counted for those alone who may read it.
    const vectors = await this.#vectors.call('vectorStats', [reach === undefined], { sender })
    return { ...stats, index: { ...stats.index, vectors } }
  }

  exportPage(input: MemoryExportInput, reach?: Reach): Promise<MemoryExported> {
    return this.#reader.call('exportPage', [input, reach], { sender: senderOf(reach) })
  }

  importPage(memories: readonly unknown[], origin: Origin): Promise<MemoryImported> {
    const weight = memories.length * WRITE_WEIGHT
    return this.#writer.call('importPage', [memories, origin], { sender: origin.source, weight })
  }

  forget(input: MemoryForget, requestId?: string, reach?: Reach): Promise<MemoryForgotten> {
    const weight = WRITE_WEIGHT
    return this.#writer.call('forget', [input, requestId, reach], { sender: senderOf(reach), weight })
  }

  recalled(counts: ReadonlyMap<string, number>): Promise<void> {
    return this.#writer.call('recalled', [counts], OWN)
  }

  sweep(): Promise<number> {
    return this.#writer.call('sweep', [], OWN)
  }

  pendingAnnouncements(limit: number, afterSeq = 0): Promise<Announcement[]> {
    return this.#writer.call('pendingAnnouncements', [limit, afterSeq], OWN)
  }

  announced(seqs: readonly number[]): Promise<void> {
    return this.#writer.call('announced', [seqs], OWN)
  }

  stats(): Promise<MemoryStoreStats> {
    return this.#writer.call('stats', [], OWN)
  }

  /** The reader first: the last connection that closes moves the log into the file. */
  async close(): Promise<void> {
    try {
      await Promise.all([this.#reader.close(), this.#vectors?.close()])
    } finally {
      await this.#writer.close()
    }
  }
}

/** The text of a memory is what storing takes its time for; metadata are within 64 KiB, and are not indexed. */
function weightOf({ content, tags = [] }: { content: string; tags?: readonly string[] | undefined }): number {
  return tags.reduce((weight, tag) => weight + tag.length, WRITE_WEIGHT + content.length)
}
