import { randomUUID } from 'node:crypto'
import {
  forgetOthersSchema,
  type Memory,
  type MemoryForget,
  type MemoryForgotten,
  type MemoryQueryInput,
  type MemoryRecalled,
  type MemoryStored,
  type MemoryStoreInput,
} from '@jamey/contracts'
import type { Announcement } from '../model/announcement.js'
import { MemoryConflictError, MemoryInputError } from '../model/errors.js'
import { DEFAULT_LIFETIMES, type LayerLifetimes } from '../model/memory-layers.js'
import {
  checkId,
  completed,
  MEMORY_LIMITS,
  type MemoryLimits,
  type MemoryRow,
  memoryFromRow,
  type Origin,
  parsed,
  recordFrom,
  rowsFromArchive,
} from '../model/memory-record.js'
import type { MemoryCallOptions, MemoryStorage, MemoryStoreStats, Reach } from '../model/memory-storage.js'
import { pendingAnnouncements } from './announcements.js'
import type { DatabaseAddress } from './database-address.js'
import { DatabasePool, type Session } from './database-pool.js'
import { filterSql } from './filter.js'
import { GroupedWrites } from './grouped-writes.js'
import { rowOf } from './memory-columns.js'
import { BEGIN_WRITING, migrate, SCHEMA } from './migrations.js'
import { Parameters } from './parameters.js'
import { ownedBy, recall } from './recall.js'
import { forgetSome, sweepSome } from './removing.js'
import { type RestoreOutcome, restoreAll, type StoreOutcome, storeAll } from './storing.js'
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
 * server's disk, and seen by every instance. Rejects with `MemoryInputError`, `MemoryConflictError` or `StorageError`.
 */
export class PostgresMemory implements MemoryStorage {
  readonly #readers: DatabasePool
  readonly #writers: DatabasePool
  readonly #options: PostgresMemoryOptions
  readonly #limits: MemoryLimits
  readonly #stores: GroupedWrites<MemoryRow, StoreOutcome>
  readonly #restores: GroupedWrites<MemoryRow, RestoreOutcome>

  private constructor(options: PostgresMemoryOptions) {
    const { address, passwordFile, readers = READERS, queryMs = QUERY_MS } = options
    const clock = () => performance.now()
    const common = { address, passwordFile, clock }
    this.#options = options
    this.#limits = { ...MEMORY_LIMITS, ...options.limits }
    this.#readers = new DatabasePool({ ...common, connections: readers, statementMs: queryMs })
    this.#writers = new DatabasePool({ ...common, connections: WRITERS, statementMs: WRITE_MS })
    const sizeOf = ({ content, metadata }: MemoryRow) => content.length + metadata.length
    this.#stores = new GroupedWrites({ sizeOf, write: (rows) => this.#turn((turn) => storeAll(turn, rows)) })
    this.#restores = new GroupedWrites({
      sizeOf,
      write: (rows) => this.#turn((turn) => restoreAll(turn, rows)),
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

  async store(input: MemoryStoreInput, origin: Origin): Promise<MemoryStored> {
    const { lifetimes = DEFAULT_LIFETIMES } = this.#options
    const record = kept(recordFrom(input, origin, { nowMs: this.#now(), lifetimes, limits: this.#limits }))
    return resultOf(await this.#stores.submit(record))
  }

  /** Takes a memory of an archive as it was, its id and times included; nothing is announced. */
  async restore(archived: unknown): Promise<'restored' | 'known' | 'expired'> {
    return resultOf(await this.#restores.submit(kept(rowsFromArchive(archived, this.#limits).row)))
  }

  async get(id: string, reach?: Reach): Promise<Memory | undefined> {
    const parameters = new Parameters()
    const condition = filterSql({ reach }, this.#now(), parameters)
    const sql = `SELECT ${rowOf('m')} FROM ${SCHEMA}.memories m WHERE m.id = ${parameters.add(id)} AND ${condition}`
    const [row] = await this.#readers.use((session) => session.rows<MemoryRow>(sql, parameters.values))
    return row === undefined ? undefined : memoryFromRow(completed(row))
  }

  query(input: MemoryQueryInput, { reach, signal }: MemoryCallOptions = {}): Promise<MemoryRecalled> {
    return this.#readers.use((session) => recall(session, input, { nowMs: this.#now(), reach }), signal)
  }

  async forget(
    input: MemoryForget,
    requestId: string = randomUUID(),
    reach?: Reach,
  ): Promise<MemoryForgotten> {
    const { id, owner, ...conditions } = parsed(forgetOthersSchema, input) as MemoryForget & {
      owner?: string
    }
    checkId('message_id', requestId)
    const own = reach === undefined ? ownedBy(owner) : { ...reach, isOwnOnly: true }
    const { layer, tags, before } = conditions
    const filter = { layers: layer === undefined ? [] : [layer], tags, before, reach: own }
    for (;;) {
      const step = await this.#turn((turn) => forgetSome(turn, { id, filter }, requestId))
      if (step.isFinished) return { forgotten: step.forgotten }
    }
  }

  async storeBatch(): Promise<never> {
    return notServed()
  }

  async history(): Promise<never> {
    return notServed()
  }

  async update(): Promise<never> {
    return notServed()
  }

  async consolidate(): Promise<never> {
    return notServed()
  }

  async statsOf(): Promise<never> {
    return notServed()
  }

  async exportPage(): Promise<never> {
    return notServed()
  }

  async importPage(): Promise<never> {
    return notServed()
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
      pendingWrites: this.#stores.waiting + this.#restores.waiting,
    }
  }

  /** Finishes the writes already asked for, and lets go of the connections. */
  async close(): Promise<void> {
    await Promise.all([this.#stores.idle(), this.#restores.idle()])
    await Promise.all([this.#readers.close(), this.#writers.close()])
  }

  #now(): number {
    return (this.#options.now ?? Date.now)()
  }

  /** One transaction of the one who writes, over all instances. */
  #turn<T>(work: (turn: Turn) => Promise<T>): Promise<T> {
    const { announcer } = this.#options
    return this.#writers.transaction(BEGIN_WRITING, (session: Session) =>
      work({ session, nowMs: this.#now(), announcer }),
    )
  }
}

function resultOf<T>(outcome: T | MemoryConflictError): T {
  if (outcome instanceof MemoryConflictError) throw outcome
  return outcome
}

function notServed(): never {
  throw new MemoryInputError('action', 'is not served by this service yet')
}

const NOT_KEPT = [
  'session_id',
  'turn',
  'origin',
  'valid_from',
  'valid_to',
  'supersedes',
  'idempotency_key',
] as const

/** What the database has no column for is refused rather than lost. */
function kept(row: MemoryRow): MemoryRow {
  const unknown = NOT_KEPT.find((name) => row[name] !== null) ?? (row.trusted === 0 ? 'trusted' : undefined)
  if (unknown === undefined) return row
  throw new MemoryInputError(unknown, 'is not kept in PostgreSQL yet')
}
