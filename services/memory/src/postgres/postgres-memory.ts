import { randomUUID } from 'node:crypto'
import {
  consolidateSchema,
  forgetOthersSchema,
  type Memory,
  type MemoryConsolidate,
  type MemoryConsolidated,
  type MemoryExported,
  type MemoryExportInput,
  type MemoryForget,
  type MemoryForgotten,
  type MemoryHistory,
  type MemoryHistoryInput,
  type MemoryQueryInput,
  type MemoryRecalled,
  type MemoryStats,
} from '@jamey/contracts'
import type { Announcement } from '../model/announcement.js'
import type { EmbeddingSettings } from '../model/embeddings.js'
import { DEFAULT_LIFETIMES, type LayerBudgets, type LayerLifetimes } from '../model/memory-layers.js'
import {
  checkId,
  MEMORY_LIMITS,
  type MemoryLimits,
  parsed,
  type RecordContext,
} from '../model/memory-record.js'
import type { MemoryCallOptions, MemoryStorage, MemoryStoreStats, Reach } from '../model/memory-storage.js'
import { senderOf } from '../store/reach.js'
import { RecordStorage, type RecordWork } from '../store/record-storage.js'
import { pendingAnnouncements } from './announcements.js'
import { exportPageOf, historyOf, memoryOf, statsOf } from './archive.js'
import type { Question } from './candidates.js'
import { consolidate } from './consolidating.js'
import type { DatabaseAddress } from './database-address.js'
import { queryErrorFrom } from './database-errors.js'
import { DatabasePool, type Session } from './database-pool.js'
import { FairTurns } from './fair-turns.js'
import { GroupedWrites } from './grouped-writes.js'
import {
  BEGIN_CONSOLIDATING,
  BEGIN_WRITING,
  END_CONSOLIDATING,
  MIGRATIONS,
  migrate,
  SCHEMA,
  versionOf,
} from './migrations.js'
import { BEGIN_READING, recallAsOf } from './past/as-of.js'
import { recall } from './recall.js'
import { countFitting, forgetSome, sweepSome } from './removing.js'
import { carryOut, type WorkOutcome } from './storing.js'
import type { Turn } from './turn.js'
import { Meaning } from './vectors/meaning.js'
import { NEAR_SETTINGS } from './vectors/near-index.js'

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
  /** As in `MemoryStoreOptions`. */
  readonly budgets?: LayerBudgets | undefined
  /** Where texts and questions are sent for their vectors; nowhere without it. */
  readonly embeddings?: EmbeddingSettings | undefined
  /** So many vectors are compared with a question one by one; of more an index is made. */
  readonly exactUpTo?: number | undefined
  /** Told why vectors are not made, although there is an endpoint for them. */
  readonly onWithoutVectors?: ((why: string) => void) | undefined
  /** Time that a query may take; the server ends it then. */
  readonly queryMs?: number | undefined
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined
  /** As in `MemoryStoreOptions`. */
  readonly announcer?: string | undefined
}

const READERS = 4
/** One stores, one removes or notes, one publishes, one keeps others from consolidating. */
const WRITERS = 4
const WAITING_READS = 10_000
const WAITING_CHANGES = 1000
const CLOCK = () => performance.now()
const WITHOUT_VECTORS = 'the memory database has no pgvector: CREATE EXTENSION vector there'
const WAITING_CONSOLIDATIONS = 100
/** Of the service itself; no client has such an identifier. */
const OWN = ''
const QUERY_MS = 5000
const WRITE_MS = 30_000

const NOTE_RECALLS = `INSERT INTO ${SCHEMA}.memory_recalls (seq, recalls, recalled_at)
  SELECT m.seq, given.recalls, $2 FROM json_to_recordset($1) AS given (id text, recalls integer)
    JOIN ${SCHEMA}.memories m ON m.id = given.id
  ON CONFLICT (seq) DO UPDATE SET recalls = memory_recalls.recalls + excluded.recalls, recalled_at = excluded.recalled_at`

/**
 * Memories in a PostgreSQL database, which any number of instances may use at once. What a promise resolved for is on the
 * server's disk, and seen by every instance. Rejects with `MemoryInputError`, `MemoryConflictError`,
 * `MemoryRefusedError` or `StorageError`.
 */
export class PostgresMemory extends RecordStorage implements MemoryStorage {
  readonly #readers: DatabasePool
  readonly #writers: DatabasePool
  readonly #options: PostgresMemoryOptions
  readonly #limits: MemoryLimits
  readonly #works: GroupedWrites<RecordWork<unknown>, WorkOutcome>
  readonly #turns: FairTurns
  /** What changes memories and is not stored together with others'. */
  readonly #changes: FairTurns
  readonly #consolidations: FairTurns
  #vectors: DatabasePool | undefined
  #meaning: Meaning | undefined

  private constructor(options: PostgresMemoryOptions) {
    super()
    const { readers = READERS, queryMs = QUERY_MS, ownerBytes } = options
    const clock = CLOCK
    this.#options = options
    this.#limits = { ...MEMORY_LIMITS, ...options.limits }
    this.#readers = this.#pool(readers, queryMs, options.embeddings && NEAR_SETTINGS)
    this.#writers = this.#pool(WRITERS, WRITE_MS)
    const writing = { limits: this.#limits, ownerBytes }
    this.#turns = new FairTurns({
      running: readers,
      runningOfOne: Math.max(1, Math.floor(readers / 2)),
      waiting: WAITING_READS,
      clock,
    })
    const oneByOne = { running: 1, runningOfOne: 1, clock }
    this.#changes = new FairTurns({ ...oneByOne, waiting: WAITING_CHANGES })
    this.#consolidations = new FairTurns({ ...oneByOne, waiting: WAITING_CONSOLIDATIONS })
    this.#works = new GroupedWrites({
      sizeOf: ({ size }) => size,
      senderOf: ({ sender }) => sender,
      write: (works) => this.#transaction((turn) => carryOut(turn, works, writing)),
    })
  }

  /** Connects, and brings the schema to the newest version. Rejects with `StorageError`. */
  static async open(options: PostgresMemoryOptions): Promise<PostgresMemory> {
    const memory = new PostgresMemory(options)
    try {
      await migrate(memory.#writers)
      await memory.#openMeaning()
      return memory
    } catch (error) {
      await memory.close()
      throw error
    }
  }

  async #openMeaning(): Promise<void> {
    const { embeddings, onWithoutVectors, exactUpTo } = this.#options
    if (embeddings === undefined) return
    const pool = this.#pool(1, WRITE_MS)
    this.#vectors = pool
    const parts = { embeddings, pool, indexPool: this.#pool(1, 0), exactUpTo }
    this.#meaning = await Meaning.open({ ...parts, turn: (work) => this.#turn(work) })
    if (this.#meaning === undefined) onWithoutVectors?.(WITHOUT_VECTORS)
  }

  #pool(connections: number, statementMs: number, settings?: string): DatabasePool {
    const { address, passwordFile } = this.#options
    return new DatabasePool({ address, passwordFile, connections, statementMs, settings, clock: CLOCK })
  }

  /** Connects, changes nothing, and tells how many memories there are. Rejects with `StorageError`. */
  static async look(settings: DatabaseSettings): Promise<{ readonly memories: number }> {
    const { address, passwordFile } = settings
    const pool = new DatabasePool({
      address,
      passwordFile,
      connections: 1,
      statementMs: QUERY_MS,
      clock: CLOCK,
    })
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
    const { embeddings } = this.#options
    return this.#read(async (session, reading) => {
      const stats = await statsOf(session, reading)
      if (embeddings === undefined) return stats
      const vectors =
        this.#meaning === undefined
          ? { model: embeddings.model, fault: WITHOUT_VECTORS }
          : await this.#meaning.stats(session, reach === undefined)
      return { ...stats, index: { ...stats.index, vectors } }
    }, reach)
  }

  async query(input: MemoryQueryInput, { reach, signal }: MemoryCallOptions = {}): Promise<MemoryRecalled> {
    if (input.as_of !== undefined) return this.#queryAsOf(input, reach, signal)
    const nearest = await this.#nearestTo(input.query?.trim() ?? '')
    return this.#read((session, reading) => recall(session, input, { ...reading, nearest }), reach, signal)
  }

  /** Waits for the vector of a question before there is a connection for it. */
  async #nearestTo(text: string) {
    const { embeddings } = this.#options
    if (embeddings === undefined || text === '') return undefined
    const meaning = this.#meaning
    if (meaning === undefined) return async () => ({ missing: WITHOUT_VECTORS })
    const asked = await meaning.asked(text)
    return (session: Session, question: Question, depth: number) =>
      meaning.nearest(session, asked, { ...question, depth })
  }

  #queryAsOf(input: MemoryQueryInput, reach?: Reach, signal?: AbortSignal): Promise<MemoryRecalled> {
    const work = (session: Session) => recallAsOf(session, input, { nowMs: this.#now(), reach })
    return this.#ask(() => this.#readers.transaction(BEGIN_READING, work, signal), reach, signal)
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
      const step = await this.#turn((turn) => forgetSome(turn, request, requestId, reach), senderOf(reach))
      if (step.isFinished) return { forgotten: step.forgotten }
    }
  }

  /** One instance at a time; the others wait for it. */
  async consolidate(input: MemoryConsolidate, reach?: Reach): Promise<MemoryConsolidated> {
    const request = parsed(consolidateSchema, input)
    const { lifetimes = DEFAULT_LIFETIMES, budgets } = this.#options
    const parts = {
      lifetimes,
      budgets,
      now: () => this.#now(),
      carryOut: <T>(work: RecordWork<T>) => this.carryOut(work),
      turn: <T>(work: (turn: Turn) => Promise<T>) => this.#turn(work),
    }
    const work = async (session: Session): Promise<MemoryConsolidated> => {
      await session.rows(BEGIN_CONSOLIDATING)
      try {
        return await consolidate({ ...parts, read: (own) => own(session) }, request, reach)
      } finally {
        await session.rows(END_CONSOLIDATING)
      }
    }
    return this.#consolidations.run(senderOf(reach), () => this.#writers.use(work))
  }

  /** Notes how often memories were found, by their ids. */
  async recalled(counts: ReadonlyMap<string, number>): Promise<void> {
    const given = JSON.stringify([...counts].map(([id, recalls]) => ({ id, recalls })))
    await this.#turn(({ session, nowMs }) => session.run(NOTE_RECALLS, [given, nowMs]))
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
    const [row] = await this.#turns.run(OWN, () =>
      this.#readers.use((session) => session.rows<{ memories: number; announcements: number }>(sql)),
    )
    return {
      memories: row?.memories ?? 0,
      pendingAnnouncements: row?.announcements ?? 0,
      pendingWrites: this.#works.waiting,
    }
  }

  /** Finishes the writes already asked for, and lets go of the connections. */
  async close(): Promise<void> {
    await this.#meaning?.close()
    await this.#works.idle()
    await Promise.all([this.#readers.close(), this.#writers.close(), this.#vectors?.close()])
  }

  #now(): number {
    return (this.#options.now ?? Date.now)()
  }

  protected context(): RecordContext {
    const { lifetimes = DEFAULT_LIFETIMES } = this.#options
    return { nowMs: this.#now(), lifetimes, limits: this.#limits }
  }

  #read<T>(
    work: (session: Session, reading: { nowMs: number; reach: Reach | undefined }) => Promise<T>,
    reach?: Reach,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#ask(
      () => this.#readers.use((session) => work(session, { nowMs: this.#now(), reach }), signal),
      reach,
      signal,
    )
  }

  /** When its sender has a turn. */
  async #ask<T>(work: () => Promise<T>, reach: Reach | undefined, signal?: AbortSignal): Promise<T> {
    try {
      return await this.#turns.run(senderOf(reach), work, signal)
    } catch (error) {
      throw queryErrorFrom(error)
    }
  }

  /** In the next turn, together with what others ask for. */
  protected async carryOut<T>(work: RecordWork<T>): Promise<T> {
    const outcome = await this.#works.submit(work)
    if ('error' in outcome) throw outcome.error
    return outcome.value as T
  }

  /** When its sender has a turn: whoever waits here has no connection yet, of which there are few. */
  #turn<T>(work: (turn: Turn) => Promise<T>, sender = OWN): Promise<T> {
    return this.#changes.run(sender, () => this.#transaction(work))
  }

  /** One transaction of the one who writes, over all instances. */
  #transaction<T>(work: (turn: Turn) => Promise<T>): Promise<T> {
    const { announcer } = this.#options
    return this.#writers.transaction(BEGIN_WRITING, (session) =>
      work({ session, nowMs: this.#now(), announcer }),
    )
  }
}
