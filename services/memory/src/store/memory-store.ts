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
import { type Claim, claim } from '../file/claim.js'
import { Database } from '../file/database.js'
import { GroupCommit } from '../file/group-commit.js'
import { migrate } from '../file/schema.js'
import type { Announcement, MemoryChange } from '../model/announcement.js'
import { MemoryConflictError, MemoryInputError } from '../model/errors.js'
import { DEFAULT_LIFETIMES, type LayerLifetimes } from '../model/memory-layers.js'
import {
  checkId,
  isSameRequest,
  isSameRow,
  MEMORY_LIMITS,
  type MemoryLimits,
  type MemoryRow,
  memoryFromRow,
  type Origin,
  parsed,
  recordFrom,
  rowFromArchive,
  storable,
} from '../model/memory-record.js'
import type { MemoryCallOptions, MemoryStorage, MemoryStoreStats, Reach } from '../model/memory-storage.js'
import { Recall } from '../search/recall.js'
import { AnnouncementTable } from './announcement-table.js'
import { Removal } from './removal.js'
import { type GoneRow, statementsFor } from './store-statements.js'

export interface MemoryStoreOptions {
  /** Path of the one file; it and missing folders are created, readable by their owner alone. */
  readonly file: string
  readonly lifetimes?: LayerLifetimes | undefined
  readonly limits?: Partial<MemoryLimits> | undefined
  /** The file never grows beyond this; storing then fails with 'storage-full'. */
  readonly maximumFileBytes?: number | undefined
  /** Time that a write waits for another process that shares the file. */
  readonly busyTimeoutMs?: number | undefined
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined
  /**
   * Who publishes announcements; the client identifier, so that the next run of the same client finds what the
   * last one left. Without it none are recorded.
   */
  readonly announcer?: string | undefined
  /** The process that alone may write from now on; without it whoever opens the file may, beside others. */
  readonly claim?: Claim | undefined
}

/** `known`: it was here already. `expired`: its time has passed, so it was left out. */
export type Restored = 'restored' | 'known' | 'expired'

/**
 * Five layers of memories in one file, usable without any messaging. Everything a promise resolved for is on the
 * disk; several processes may share the file. Rejects with `MemoryInputError`, `MemoryConflictError` or
 * `StorageError`.
 */
export class MemoryStore implements MemoryStorage {
  readonly #database: Database
  readonly #writes: GroupCommit
  readonly #recall: Recall
  readonly #removal: Removal
  readonly #announcements: AnnouncementTable | undefined
  readonly #now: () => number
  readonly #lifetimes: LayerLifetimes
  readonly #limits: MemoryLimits
  readonly #statements

  private constructor(database: Database, options: MemoryStoreOptions) {
    this.#database = database
    this.#now = options.now ?? Date.now
    this.#lifetimes = options.lifetimes ?? DEFAULT_LIFETIMES
    this.#limits = { ...MEMORY_LIMITS, ...options.limits }
    this.#writes = new GroupCommit(database)
    this.#recall = new Recall(database)
    this.#announcements =
      options.announcer === undefined ? undefined : new AnnouncementTable(database, options.announcer)
    this.#removal = new Removal(database, (change, ids, nowMs) => this.#announce(change, ids, nowMs))
    this.#statements = statementsFor(database)
  }

  /** Opens the file, creating or migrating it. Throws `StorageError`. */
  static open(options: MemoryStoreOptions): MemoryStore {
    const { file, maximumFileBytes, busyTimeoutMs = 2000 } = options
    const database = new Database({ file, maximumFileBytes, busyTimeoutMs })
    try {
      migrate(database)
      if (options.claim !== undefined) claim(database, options.claim, options.announcer)
      return new MemoryStore(database, options)
    } catch (error) {
      database.close()
      throw error
    }
  }

  /**
   * Stores one memory under `origin.id`. A repeat resolves with what is stored and `created: false`. Rejects with
   * `MemoryConflictError` for an id under which something else is stored, and for a message that was sent before
   * its memory was forgotten or expired.
   */
  async store(input: MemoryStoreInput, origin: Origin): Promise<MemoryStored> {
    const nowMs = this.#now()
    const record = recordFrom(input, origin, { nowMs, lifetimes: this.#lifetimes, limits: this.#limits })
    const outcome = await this.#writes.submit(() => this.#insert(record))
    if (outcome instanceof MemoryConflictError) throw outcome
    return outcome
  }

  /**
   * Takes a memory of an archive as it was, its id and times included, also where it was forgotten here. Nothing is
   * announced. Rejects with `MemoryInputError`, and with `MemoryConflictError` for an id under which something else
   * is stored.
   */
  async restore(archived: unknown): Promise<Restored> {
    const row = rowFromArchive(archived, this.#limits)
    const outcome = await this.#writes.submit(() => this.#restore(row))
    if (outcome instanceof MemoryConflictError) throw outcome
    return outcome
  }

  /** One memory by its id; undefined where there is none, or none any more. */
  async get(id: string, reach?: Reach): Promise<Memory | undefined> {
    const [row] = this.#statements.byId.all(id)
    if (row === undefined || hasExpired(row, this.#now()) || !mayRead(row, reach)) return undefined
    return memoryFromRow(row)
  }

  /** The newest first without words, else the best first; see `score.ts` for what best means. */
  async query(input: MemoryQueryInput, { reach }: MemoryCallOptions = {}): Promise<MemoryRecalled> {
    return this.#recall.query(input, this.#now(), reach)
  }

  /**
   * Forgets one memory by id, or all that fit every condition and were stored before this call. With the same
   * `requestId` a repeat forgets nothing more and resolves with the same count.
   */
  async forget(
    input: MemoryForget,
    requestId: string = randomUUID(),
    reach?: Reach,
  ): Promise<MemoryForgotten> {
    const request = parsed(forgetOthersSchema, input)
    checkId('message_id', requestId)
    for (;;) {
      const step = await this.#writes.submit(() =>
        this.#removal.forgetSome(request, requestId, this.#now(), reach),
      )
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

  /** Removes what has expired and old notes about what is gone; resolves with the number of expired memories. */
  async sweep(): Promise<number> {
    let expired = 0
    for (;;) {
      const step = await this.#writes.submit(() => this.#removal.sweepSome(this.#now()))
      expired += step.expired
      if (step.isFinished) return expired
    }
  }

  /** The oldest updates after `afterSeq` that still have to be published; none for a store without an announcer. */
  pendingAnnouncements(limit: number, afterSeq = 0): Announcement[] {
    return this.#announcements?.pending(afterSeq, limit, this.#now()) ?? []
  }

  /** Notes that these announcements reached the server. */
  async announced(seqs: readonly number[]): Promise<void> {
    if (seqs.length > 0) await this.#writes.submit(() => this.#announcements?.remove(seqs))
  }

  stats(): MemoryStoreStats {
    const [row] = this.#statements.counts.all()
    return {
      memories: row?.memories ?? 0,
      pendingAnnouncements: row?.announcements ?? 0,
      pendingWrites: this.#writes.pending,
    }
  }

  /** Finishes the writes already asked for, moves the log into the file and closes it. */
  async close(): Promise<void> {
    await this.#writes.idle()
    this.#database.close()
  }

  #insert(record: MemoryRow): MemoryStored | MemoryConflictError {
    // An expired memory is gone, swept or not; only the note about it counts from here on.
    this.#removal.sweepOne(record.id, record.created_at)
    const [stored] = this.#statements.byId.all(record.id)
    if (stored !== undefined) return repeated(stored, record)
    const [gone] = this.#statements.goneById.all(record.id)
    if (gone !== undefined && wasSentBefore(record, gone)) return goneError(record.id, gone.change)
    const memory = this.#write(record)
    this.#announce('stored', [record.id], record.created_at)
    return { memory, created: true }
  }

  #restore(row: MemoryRow): Restored | MemoryConflictError {
    const nowMs = this.#now()
    if (hasExpired(row, nowMs)) return 'expired'
    this.#removal.sweepOne(row.id, nowMs)
    const [stored] = this.#statements.byId.all(row.id)
    if (stored !== undefined)
      return isSameRow(stored, row) ? 'known' : conflictError('id', row.id, 'that one stays')
    this.#statements.dropGone.run(row.id)
    this.#write(row)
    return 'restored'
  }

  #write(record: MemoryRow): Memory {
    const { tags, metadata, content } = record
    this.#statements.insert.run(
      record.id,
      record.layer,
      record.importance,
      record.sent_at,
      record.created_at,
      record.occurred_at,
      record.expires_at,
      record.source,
      record.owner,
      record.scope,
      tags,
      metadata,
      content,
    )
    const memory = memoryFromRow(record)
    this.#statements.insertTags(memory)
    return memory
  }

  #announce(change: MemoryChange, ids: readonly string[], nowMs: number): void {
    this.#announcements?.add(change, ids, nowMs)
  }
}

function repeated(stored: MemoryRow, record: MemoryRow): MemoryStored | MemoryConflictError {
  if (isSameRequest(stored, record)) return { memory: memoryFromRow(stored), created: false }
  return conflictError('message_id', record.id, 'send this one in a message of its own')
}

function conflictError(field: string, id: string, way: string): MemoryConflictError {
  return new MemoryConflictError('memory-conflict', `${field}: another memory is stored under ${id}; ${way}`)
}

/** The very message again has the same time in its envelope, however wrong the sender's clock is. */
function wasSentBefore(record: MemoryRow, gone: GoneRow): boolean {
  return record.sent_at === gone.sent_at || record.sent_at < gone.at
}

function mayRead({ owner, scope }: MemoryRow, reach: Reach | undefined): boolean {
  return (
    reach === undefined || owner === storable(reach.owner) || (scope === 'shared' && reach.isOwnOnly !== true)
  )
}

function hasExpired(row: MemoryRow, nowMs: number): boolean {
  return row.expires_at !== null && row.expires_at <= nowMs
}

function goneError(id: string, change: string): MemoryConflictError {
  return new MemoryConflictError(
    'memory-gone',
    `message_id: ${id} was stored before and is ${change} since; send it in a new message to store it again`,
  )
}

/** No contract of these is served yet. */
function notServed(): never {
  throw new MemoryInputError('action', 'is not served by this service yet')
}
