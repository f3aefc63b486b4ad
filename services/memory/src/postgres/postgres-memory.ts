import { randomUUID } from 'node:crypto'
import {
  forgetOthersSchema,
  type Memory,
  type MemoryBatchStored,
  type MemoryExported,
  type MemoryExportInput,
  type MemoryForget,
  type MemoryForgotten,
  type MemoryHistory,
  type MemoryHistoryInput,
  type MemoryImported,
  type MemoryQueryInput,
  type MemoryRecalled,
  type MemoryStats,
  type MemoryStored,
  type MemoryStoreInput,
  type MemoryUpdated,
  type MemoryUpdateInput,
} from '@jamey/contracts'
import type { Announcement } from '../model/announcement.js'
import { MemoryInputError } from '../model/errors.js'
import { DEFAULT_LIFETIMES, type LayerLifetimes } from '../model/memory-layers.js'
import {
  checkId,
  MEMORY_LIMITS,
  type MemoryLimits,
  type MemoryRow,
  type Origin,
  parsed,
  recordFrom,
  rowsFromArchive,
} from '../model/memory-record.js'
import type {
  MemoryBatchItem,
  MemoryCallOptions,
  MemoryStorage,
  MemoryStoreStats,
  Reach,
} from '../model/memory-storage.js'
import {
  batchImported,
  batchStored,
  importedRowsOf,
  recordsOf,
  storeRecords,
  takeRows,
} from '../store/batches.js'
import { parsedUpdate, update } from '../store/record-updates.js'
import type { RecordWriter, Restored } from '../store/record-writer.js'
import { pendingAnnouncements } from './announcements.js'
import { exportPageOf, historyOf, memoryOf, statsOf } from './archive.js'
import type { DatabaseAddress } from './database-address.js'
import { DatabasePool, type Session } from './database-pool.js'
import { GroupedWrites } from './grouped-writes.js'
import { BEGIN_WRITING, MIGRATIONS, migrate, SCHEMA, versionOf } from './migrations.js'
import { recall } from './recall.js'
import { countFitting, forgetSome, sweepSome } from './removing.js'
import { carryOut, type RecordWork, type WorkOutcome } from './storing.js'
import type { Turn } from './turn.js'

/** The database, and how it is used. */
export interface DatabaseSettings {
  readonly address: DatabaseAddress
  /** A file with the password, instead of one in the URL. */
  readonly passwordFile?: string | undefined
  /** Connections that read, beside those that write. */
  readonly readers?: number | undefined
}

export interface PostgresMemoryOptions extends DatabaseSettings {
  readonly lifetimes?: LayerLifetimes | undefined
  readonly limits?: Partial<MemoryLimits> | undefined
  /** As in `MemoryStoreOptions`. */
  readonly ownerBytes?: number | undefined
  /** Time that a query may take; the server ends it then. */
  readonly queryMs?: number | undefined
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined
  /** As in `MemoryStoreOptions`. */
  readonly announcer?: string | undefined
}

const READERS = 4
/** One writes, one publishes. */
const WRITERS = 2
const QUERY_MS = 5000
const WRITE_MS = 30_000

/**
 * Memories in a PostgreSQL database, which any number of instances may use at once. What a promise resolved for is on the
 * server's disk, and seen by every instance. Rejects with `MemoryInputError`, `MemoryConflictError`,
 * `MemoryRefusedError` or `StorageError`.
 */
export class PostgresMemory implements MemoryStorage {
  readonly #readers: DatabasePool
  readonly #writers: DatabasePool
  readonly #options: PostgresMemoryOptions
  readonly #limits: MemoryLimits
  readonly #works: GroupedWrites<RecordWork<unknown>, WorkOutcome>

  private constructor(options: PostgresMemoryOptions) {
    const { address, passwordFile, readers = READERS, queryMs = QUERY_MS, ownerBytes } = options
    const clock = () => performance.now()
    const common = { address, passwordFile, clock }
    this.#options = options
    this.#limits = { ...MEMORY_LIMITS, ...options.limits }
    this.#readers = new DatabasePool({ ...common, connections: readers, statementMs: queryMs })
    this.#writers = new DatabasePool({ ...common, connections: WRITERS, statementMs: WRITE_MS })
    const writing = { limits: this.#limits, ownerBytes }
    this.#works = new GroupedWrites({
      sizeOf: ({ size }) => size,
      write: (works) => this.#turn((turn) => carryOut(turn, works, writing)),
    })
  }

  /** Connects, and brings the schema to the newest version. Rejects with `StorageError`. */
  static async open(options: PostgresMemoryOptions): Promise<PostgresMemory> {
    const memory = new PostgresMemory(options)
    try {
      await migrate(memory.#writers)
      return memory
    } catch (error) {
      await memory.close()
      throw error
    }
  }

  /** Connects, changes nothing, and tells how many memories there are. Rejects with `StorageError`. */
  static async look(settings: DatabaseSettings): Promise<{ readonly memories: number }> {
    const { address, passwordFile } = settings
    const clock = () => performance.now()
    const pool = new DatabasePool({ address, passwordFile, connections: 1, statementMs: QUERY_MS, clock })
    try {
      return await pool.use(async (session) => {
        if ((await versionOf(session, pool.shown, MIGRATIONS.length)) === 0) return { memories: 0 }
        const [row] = await session.rows<{ memories: number }>(`SELECT memories FROM ${SCHEMA}.totals`)
        return { memories: row?.memories ?? 0 }
      })
    } finally {
      await pool.close()
    }
  }

  async store(input: MemoryStoreInput, origin: Origin): Promise<MemoryStored> {
    const record = recordFrom(input, origin, this.#context())
    return this.#carryOut({
      ...aboutRows([record]),
      run: (writer) => writer.store(record, input.duplicates),
    })
  }

  async storeBatch(inputs: readonly MemoryBatchItem[], origin: Origin): Promise<MemoryBatchStored> {
    const records = recordsOf(inputs, origin, this.#context())
    const rows = records.flatMap((one) => ('error' in one ? [] : [one.record]))
    const results = await this.#carryOut({
      ...aboutRows(rows),
      run: (writer) => storeRecords(writer, records),
    })
    return batchStored(results)
  }

  /** Takes a memory of an archive as it was, its id and times included; nothing is announced. */
  async restore(archived: unknown): Promise<Restored> {
    const { row, history } = rowsFromArchive(archived, this.#limits)
    return this.#carryOut({ ...aboutRows([row]), run: (writer) => writer.take(row, history, this.#now()) })
  }

  async importPage(memories: readonly unknown[], origin: Origin): Promise<MemoryImported> {
    const rows = importedRowsOf(memories, origin, this.#limits)
    const about = aboutRows(rows.flatMap((one) => ('error' in one ? [] : [one.row])))
    const run = (writer: RecordWriter) => takeRows(writer, rows, this.#now())
    return batchImported(memories, await this.#carryOut({ ...about, run }))
  }

  async update(
    input: MemoryUpdateInput,
    requestId: string = randomUUID(),
    reach?: Reach,
  ): Promise<MemoryUpdated> {
    const request = parsedUpdate(input, requestId)
    return this.#carryOut({
      ids: [request.id],
      rows: [],
      requests: [requestId],
      size: request.content?.length ?? 0,
      run: (writer) => update(writer, request, requestId, { ...this.#context(), reach }),
    })
  }

  get(id: string, reach?: Reach): Promise<Memory | undefined> {
    return this.#read((session, reading) => memoryOf(session, id, reading), reach)
  }

  history(input: MemoryHistoryInput, reach?: Reach): Promise<MemoryHistory> {
    return this.#read((session, reading) => historyOf(session, input, reading), reach)
  }

  exportPage(input: MemoryExportInput, reach?: Reach): Promise<MemoryExported> {
    return this.#read((session, reading) => exportPageOf(session, input, reading), reach)
  }

  statsOf(reach?: Reach): Promise<MemoryStats> {
    return this.#read(statsOf, reach)
  }

  query(input: MemoryQueryInput, { reach, signal }: MemoryCallOptions = {}): Promise<MemoryRecalled> {
    return this.#read((session, reading) => recall(session, input, reading), reach, signal)
  }

  async forget(
    input: MemoryForget,
    requestId: string = randomUUID(),
    reach?: Reach,
  ): Promise<MemoryForgotten> {
    const request = parsed(forgetOthersSchema, input)
    checkId('message_id', requestId)
    if (request.dry_run === true) {
      const fitting = await this.#read((session, { nowMs }) =>
        countFitting({ session, nowMs }, request, reach),
      )
      return { forgotten: 0, would_forget: fitting }
    }
    for (;;) {
      const step = await this.#turn((turn) => forgetSome(turn, request, requestId, reach))
      if (step.isFinished) return { forgotten: step.forgotten }
    }
  }

  async consolidate(): Promise<never> {
    throw new MemoryInputError('action', 'is not served with PostgreSQL yet')
  }

  async sweep(): Promise<number> {
    for (let expired = 0; ; ) {
      const step = await this.#turn(sweepSome)
      expired += step.expired
      if (step.isFinished) return expired
    }
  }

  async pendingAnnouncements(limit: number, afterSeq = 0): Promise<Announcement[]> {
    const { announcer: owner } = this.#options
    if (owner === undefined) return []
    const question = { owner, limit, afterSeq, nowMs: this.#now() }
    return this.#writers.use((session) => pendingAnnouncements(session, question))
  }

  async announced(seqs: readonly number[]): Promise<void> {
    if (seqs.length === 0) return
    const sql = `DELETE FROM ${SCHEMA}.announcements WHERE seq = ANY($1)`
    await this.#writers.use((session) => session.run(sql, [seqs]))
  }

  async stats(): Promise<MemoryStoreStats> {
    const sql = `SELECT memories, (SELECT count(*) FROM ${SCHEMA}.announcements) AS announcements FROM ${SCHEMA}.totals`
    const [row] = await this.#readers.use((session) =>
      session.rows<{ memories: number; announcements: number }>(sql),
    )
    return {
      memories: row?.memories ?? 0,
      pendingAnnouncements: row?.announcements ?? 0,
      pendingWrites: this.#works.waiting,
    }
  }

  /** Finishes the writes already asked for, and lets go of the connections. */
  async close(): Promise<void> {
    await this.#works.idle()
    await Promise.all([this.#readers.close(), this.#writers.close()])
  }

  #now(): number {
    return (this.#options.now ?? Date.now)()
  }

  #context() {
    const { lifetimes = DEFAULT_LIFETIMES } = this.#options
    return { nowMs: this.#now(), lifetimes, limits: this.#limits }
  }

  #read<T>(
    work: (session: Session, reading: { nowMs: number; reach: Reach | undefined }) => Promise<T>,
    reach?: Reach,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#readers.use((session) => work(session, { nowMs: this.#now(), reach }), signal)
  }

  /** In the next turn, together with what others ask for. */
  async #carryOut<T>(work: RecordWork<T>): Promise<T> {
    const outcome = await this.#works.submit(work)
    if ('error' in outcome) throw outcome.error
    return outcome.value as T
  }

  /** One transaction of the one who writes, over all instances. */
  #turn<T>(work: (turn: Turn) => Promise<T>): Promise<T> {
    const { announcer } = this.#options
    return this.#writers.transaction(BEGIN_WRITING, (session) =>
      work({ session, nowMs: this.#now(), announcer }),
    )
  }
}

/** What has to be known for these rows to be stored. */
function aboutRows(rows: readonly MemoryRow[]): Omit<RecordWork<unknown>, 'run'> {
  return {
    ids: rows.flatMap(({ id, supersedes }) => (supersedes === null ? [id] : [id, supersedes])),
    rows,
    requests: [],
    size: rows.reduce((size, { bytes }) => size + bytes, 0),
  }
}
