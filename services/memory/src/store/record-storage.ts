import { randomUUID } from 'node:crypto'
import type {
  MemoryBatchStored,
  MemoryImported,
  MemoryStored,
  MemoryStoreInput,
  MemoryUpdated,
  MemoryUpdateInput,
} from '@jamey/contracts'
import { type ArchivedRows, rowsFromArchive } from '../model/archived-memory.js'
import { type MemoryRow, type Origin, type RecordContext, recordFrom } from '../model/memory-record.js'
import type { MemoryBatchItem, Reach } from '../model/memory-storage.js'
import { batchImported, batchStored, importedRowsOf, recordsOf, storeRecords, takeRows } from './batches.js'
import { senderOf } from './reach.js'
import { parsedUpdate, update } from './record-updates.js'
import type { RecordWriter, Restored } from './record-writer.js'

/** No client has such an identifier. */
const IMPORTER = ''

/** A request that changes memories, with what has to be known for it where not everything is at hand. */
export interface RecordWork<T> {
  /** Ids of memories, and of messages. */
  readonly ids: readonly string[]
  /** Rows that may be merged into one with the same text, or that have an idempotency key. */
  readonly rows: readonly MemoryRow[]
  /** Identifiers of requests to update. */
  readonly requests: readonly string[]
  /** Whose request it is: senders take turns. */
  readonly sender: string
  /** Bytes that are written. */
  readonly size: number
  readonly run: (writer: RecordWriter) => T
}

/** What storing and changing memories means, wherever these are: each request becomes work of a `RecordWriter`. */
export abstract class RecordStorage {
  /** Does it in a transaction, and resolves once that is on the disk. */
  protected abstract carryOut<T>(work: RecordWork<T>): Promise<T>
  protected abstract context(): RecordContext

  /**
   * Stores one memory under `origin.id`. A repeat resolves with what is stored and `created: false`. Rejects with
   * `MemoryConflictError` for an id under which something else is stored, and for a message that was sent before
   * its memory was forgotten or expired.
   */
  async store(input: MemoryStoreInput, origin: Origin): Promise<MemoryStored> {
    const record = recordFrom(input, origin, this.context())
    const run = (writer: RecordWriter) => writer.store(record, input.duplicates)
    return this.carryOut({ ...aboutRows([record], origin.source), run })
  }

  async storeBatch(inputs: readonly MemoryBatchItem[], origin: Origin): Promise<MemoryBatchStored> {
    const records = recordsOf(inputs, origin, this.context())
    const rows = records.flatMap((one) => ('error' in one ? [] : [one.record]))
    const run = (writer: RecordWriter) => storeRecords(writer, records)
    return batchStored(await this.carryOut({ ...aboutRows(rows, origin.source), run }))
  }

  /**
   * Takes a memory of an archive as it was, its id and times included, also where it was forgotten here. Nothing is
   * announced. Rejects with `MemoryInputError`, and with `MemoryConflictError` for an id under which something else
   * is stored.
   */
  async restore(archived: unknown): Promise<Restored> {
    const { limits, nowMs } = this.context()
    const rows = rowsFromArchive(archived, limits)
    return this.carryOut({
      // Whoever stored them, they have one turn, so that they come in the order of the archive.
      ...aboutArchived([rows], IMPORTER),
      run: (writer) => writer.take(rows, nowMs),
    })
  }

  /** What is taken is the importer's from then on, as if it had stored it then. */
  async importPage(memories: readonly unknown[], origin: Origin): Promise<MemoryImported> {
    const { limits, nowMs } = this.context()
    const rows = importedRowsOf(memories, origin, limits)
    const taken = rows.flatMap((one) => ('error' in one ? [] : [one]))
    const run = (writer: RecordWriter) => takeRows(writer, rows, nowMs)
    return batchImported(memories, await this.carryOut({ ...aboutArchived(taken, origin.source), run }))
  }

  async update(
    input: MemoryUpdateInput,
    requestId: string = randomUUID(),
    reach?: Reach,
  ): Promise<MemoryUpdated> {
    const request = parsedUpdate(input, requestId)
    return this.carryOut({
      ids: [request.id],
      rows: [],
      requests: [requestId],
      sender: senderOf(reach),
      size: request.content?.length ?? 0,
      run: (writer) => update(writer, request, requestId, { ...this.context(), reach }),
    })
  }
}

/** What has to be known for memories of an archive to be taken. */
function aboutArchived(taken: readonly ArchivedRows[], sender: string): Omit<RecordWork<unknown>, 'run'> {
  const about = aboutRows(
    taken.map(({ row }) => row),
    sender,
  )
  const messages = taken.flatMap((one) => one.messages.map(({ id }) => id))
  const requests = taken.flatMap((one) => one.updates.map(({ id }) => id))
  return { ...about, ids: [...about.ids, ...messages], requests }
}

/** What has to be known for these rows to be stored. */
function aboutRows(rows: readonly MemoryRow[], sender: string): Omit<RecordWork<unknown>, 'run'> {
  return {
    ids: rows.flatMap(({ id, supersedes }) => (supersedes === null ? [id] : [id, supersedes])),
    rows,
    requests: [],
    sender,
    size: rows.reduce((size, { bytes }) => size + bytes, 0),
  }
}
