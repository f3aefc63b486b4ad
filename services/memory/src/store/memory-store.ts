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
import { type Claim, claim } from '../file/claim.js'
import { Database } from '../file/database.js'
import { DiskReserve } from '../file/disk-reserve.js'
import { GroupCommit } from '../file/group-commit.js'
import { type MigrationProgress, migrate } from '../file/migrate.js'
import { type Salvaged, salvage } from '../file/salvage.js'
import { MIGRATIONS } from '../file/schema.js'
import { TextTables } from '../file/text-tables.js'
import type { Announcement } from '../model/announcement.js'
import { StorageError } from '../model/errors.js'
import { DEFAULT_LIFETIMES, type LayerBudgets, type LayerLifetimes } from '../model/memory-layers.js'
import {
  checkId,
  MEMORY_LIMITS,
  type MemoryLimits,
  type MemoryRow,
  memoryFromRow,
  parsed,
  type RecordContext,
  storable,
} from '../model/memory-record.js'
import type { MemoryCallOptions, MemoryStorage, MemoryStoreStats, Reach } from '../model/memory-storage.js'
import { Recall } from '../search/recall.js'
import type { RankingSettings } from '../search/settings.js'
import { AnnouncementTable } from './announcement-table.js'
import { ArchivePages } from './archive-pages.js'
import { consolidate } from './consolidation.js'
import { outcomeOf } from './outcomes.js'
import { mayRead } from './reach.js'
import { RecordStorage, type RecordWork } from './record-storage.js'
import { isGone, RecordWriter } from './record-writer.js'
import { REMOVED_AT_ONCE, Removal } from './removal.js'
import { statementsFor } from './store-statements.js'

/** Memories that are removed in one transaction where the disk is full. */
const REMOVED_IN_NEED = 10
/** Time after which announcements that the server has are removed, where no commit came that did it. */
const TOLD_MS = 1000

export interface MemoryStoreOptions {
  /** Path of the one file; it and missing folders are created, readable by their owner alone. */
  readonly file: string
  readonly lifetimes?: LayerLifetimes | undefined
  readonly limits?: Partial<MemoryLimits> | undefined
  /** The file never grows beyond this; storing then fails with 'storage-full'. */
  readonly maximumFileBytes?: number | undefined
  /** Room that is kept on the disk to forget with where it is full, by whom `claim` names; 8 MiB by default. */
  readonly reserveBytes?: number | undefined
  /** Bytes that the memories of one owner may have, their versions counted; no bound by default. */
  readonly ownerBytes?: number | undefined
  /** Memories of each layer that one owner keeps when they are consolidated; any number by default. */
  readonly budgets?: LayerBudgets | undefined
  /** Time after which a question is given up, such as while the words of a large file are still being read. */
  readonly queryMs?: number | undefined
  /** Other weights of what is found than `RANKING`, for measuring. */
  readonly ranking?: Partial<RankingSettings> | undefined
  /** True where the words are read at once, and not when the first question comes. */
  readonly isSearched?: boolean | undefined
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
  /** Told how far a file of an older version has come on its way to the newest. */
  readonly onProgress?: ((progress: MigrationProgress) => void) | undefined
  /** Told what could be read of a damaged file, which was set aside; without a claim such a file is refused. */
  readonly onSalvaged?: ((salvaged: Salvaged) => void) | undefined
}

/**
 * Five layers of memories in one file, usable without any messaging. Everything a promise resolved for is on the
 * disk; several processes may share the file. Rejects with `MemoryInputError`, `MemoryConflictError`,
 * `MemoryRefusedError` or `StorageError`.
 */
export class MemoryStore extends RecordStorage implements MemoryStorage {
  readonly #database: Database
  readonly #writes: GroupCommit
  readonly #recall: Recall
  readonly #pages: ArchivePages
  readonly #writer: RecordWriter
  readonly #statements
  readonly #removal: Removal
  readonly #announcements: AnnouncementTable | undefined
  readonly #now: () => number
  readonly #lifetimes: LayerLifetimes
  readonly #limits: MemoryLimits
  readonly #budgets: LayerBudgets | undefined
  readonly #reserve: DiskReserve | undefined
  readonly #texts: TextTables
  #removingTold: NodeJS.Timeout | undefined
  /** Rows that the next transaction is to store. */
  readonly #expected: MemoryRow[] = []
  #isToErase = false

  private constructor(database: Database, options: MemoryStoreOptions) {
    super()
    const { announcer, ownerBytes } = options
    this.#database = database
    // Of one that several processes share, none knows what the others need.
    if (options.claim !== undefined) this.#reserve = new DiskReserve(options.file, options.reserveBytes)
    this.#now = options.now ?? Date.now
    this.#lifetimes = options.lifetimes ?? DEFAULT_LIFETIMES
    this.#limits = { ...MEMORY_LIMITS, ...options.limits }
    this.#budgets = options.budgets
    this.#recall = new Recall(database, options)
    // What fails here fails again, and is told, when somebody asks.
    if (options.isSearched === true) this.#recall.warm().catch(() => {})
    this.#pages = new ArchivePages(database)
    this.#announcements = announcer === undefined ? undefined : new AnnouncementTable(database, announcer)
    this.#writes = new GroupCommit({ transaction: (work) => this.#transaction(work) })
    const announce = this.#announcements?.add.bind(this.#announcements) ?? (() => {})
    this.#removal = new Removal(database, announce)
    this.#statements = statementsFor(database)
    this.#texts = new TextTables(database)
    this.#writer = new RecordWriter({
      statements: this.#statements,
      removal: this.#removal,
      announce,
      limits: this.#limits,
      ownerBytes,
    })
  }

  /** Opens the file, creating or migrating it. Throws `StorageError`. */
  static open(options: MemoryStoreOptions): MemoryStore {
    try {
      return MemoryStore.#open(options)
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== 'storage-damaged') throw error
      const { file, claim: own, busyTimeoutMs = 2000, now = Date.now } = options
      // It is the only process that has the file open.
      const salvaged = own && salvage(file, now(), (path, version) => newFile(path, version, busyTimeoutMs))
      if (salvaged === undefined) throw error
      options.onSalvaged?.(salvaged)
      return MemoryStore.#open(options)
    }
  }

  static #open(options: MemoryStoreOptions): MemoryStore {
    const { file, maximumFileBytes, busyTimeoutMs = 2000 } = options
    const database = new Database({ file, maximumFileBytes, busyTimeoutMs })
    try {
      migrate(database, MIGRATIONS, options.onProgress)
      if (options.claim !== undefined) {
        claim(database, options.claim, options.announcer)
        database.tidy()
      }
      return new MemoryStore(database, options)
    } catch (error) {
      database.close()
      throw error
    }
  }

  /** One memory by its id; undefined where there is none, or none any more. */
  async get(id: string, reach?: Reach): Promise<Memory | undefined> {
    const [row] = this.#statements.byId.all(storable(id))
    return row === undefined || isGone(row, this.#now()) || !mayRead(row, reach)
      ? undefined
      : memoryFromRow(row)
  }

  async history(input: MemoryHistoryInput, reach?: Reach): Promise<MemoryHistory> {
    return this.#pages.history(input, this.#now(), reach)
  }

  async exportPage(input: MemoryExportInput, reach?: Reach): Promise<MemoryExported> {
    return this.#pages.exportPage(input, this.#now(), reach)
  }

  async statsOf(reach?: Reach): Promise<MemoryStats> {
    return this.#pages.statsOf(this.#now(), reach)
  }

  /** The newest first without words, else the best first; see `score.ts` for what best means. */
  async query(input: MemoryQueryInput, { reach, asked }: MemoryCallOptions = {}): Promise<MemoryRecalled> {
    return this.#recall.query(input, this.#now(), reach, asked)
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
    if (request.dry_run === true) {
      const fitting = this.#removal.countFitting(request, this.#now(), reach)
      return { forgotten: 0, would_forget: fitting }
    }
    const { forgotten } = await this.#removing((most) =>
      this.#removal.forgetSome(request, requestId, this.#now(), reach, most),
    )
    this.#eraseSoon()
    return { forgotten }
  }

  /**
   * Removes batch by batch; gives the last step. Where the disk is full it gives the reserve up, makes the batches small
   * and empties the log after each.
   */
  async #removing<Step extends { readonly isFinished: boolean }>(
    remove: (most: number) => Step,
    onStep: (step: Step) => void = () => {},
  ): Promise<Step> {
    let most = REMOVED_AT_ONCE
    for (;;) {
      try {
        const step = await this.#write(() => remove(most))
        onStep(step)
        if (step.isFinished) return step
      } catch (error) {
        if (!(error instanceof StorageError && error.code === 'storage-full') || most === 1) throw error
        this.#reserve?.release()
        most = most === REMOVED_AT_ONCE ? REMOVED_IN_NEED : 1
      }
      if (most < REMOVED_AT_ONCE) this.#emptyLog()
    }
  }

  /** Its room is for what is removed next. What does not fit into the file stays in it. */
  #emptyLog(): void {
    try {
      this.#database.checkpoint()
    } catch (error) {
      if (!(error instanceof StorageError && error.code === 'storage-full')) throw error
    }
  }

  async consolidate(input: MemoryConsolidate, reach?: Reach): Promise<MemoryConsolidated> {
    const parts = {
      database: this.#database,
      writer: this.#writer,
      removal: this.#removal,
      lifetimes: this.#lifetimes,
      budgets: this.#budgets,
      now: this.#now,
      write: <T>(work: () => T) => this.#write(work),
    }
    const consolidated = await consolidate(parts, parsed(consolidateSchema, input), reach)
    this.#eraseSoon()
    return consolidated
  }

  /** Notes how often memories were found, by their ids. */
  async recalled(counts: ReadonlyMap<string, number>): Promise<void> {
    const nowMs = this.#now()
    await this.#writes.submit(() => {
      for (const [id, recalls] of counts) this.#statements.recalled.run(recalls, nowMs, id)
    })
  }

  /** Removes what has expired and old notes about what is gone; resolves with the number of expired memories. */
  async sweep(): Promise<number> {
    let expired = 0
    const count = (step: { readonly expired: number; readonly isFinished: boolean }): void => {
      expired += step.expired
    }
    await this.#removing((most) => this.#removal.sweepSome(this.#now(), most), count)
    if (expired > 0) this.#isToErase = true
    this.#erase()
    this.#reserve?.keep()
    return expired
  }

  /** The oldest updates after `afterSeq` that still have to be published; none for a store without an announcer. */
  pendingAnnouncements(limit: number, afterSeq = 0): Announcement[] {
    return this.#announcements?.pending(afterSeq, limit, this.#now()) ?? []
  }

  /**
   * Notes that these announcements reached the server. The next commit removes them: one of their own would stand before
   * the next store, and a crash may repeat an announcement anyway.
   */
  async announced(seqs: readonly number[]): Promise<void> {
    this.#announcements?.noteTold(seqs)
    this.#removingTold ??= setTimeout(() => void this.#removeTold().catch(() => {}), TOLD_MS).unref()
  }

  /** Whatever keeps it from being done is told to whoever stores; it is tried again with the next. */
  async #removeTold(): Promise<void> {
    clearTimeout(this.#removingTold)
    this.#removingTold = undefined
    if ((this.#announcements?.told ?? 0) > 0) await this.#writes.submit(() => {})
  }

  stats(): MemoryStoreStats {
    const [row] = this.#statements.counts.all()
    return {
      memories: row?.memories ?? 0,
      pendingAnnouncements: (row?.announcements ?? 0) - (this.#announcements?.told ?? 0),
      pendingWrites: this.#writes.pending,
    }
  }

  /** Finishes the writes already asked for, moves the log into the file and closes it. */
  async close(): Promise<void> {
    await this.#removeTold().catch(() => {})
    await this.#writes.idle()
    this.#isToErase = false
    if (this.#texts.isDue) this.#moveTexts()
    this.#database.close()
  }

  #transaction<T>(work: () => T): T {
    const announcements = this.#announcements
    const rows = this.#expected.splice(0)
    const result = this.#database.transaction(() => {
      this.#writer.begin(rows)
      return announcements === undefined ? work() : announcements.together(work)
    })
    announcements?.onCommitted()
    this.#texts.noteStored(rows.length)
    // Those whose memories are stored by now do not wait for it.
    if (this.#texts.isDue) setImmediate(() => this.#moveTexts())
    return result
  }

  /** Whatever keeps it from being done, such as a full disk, is told to whoever stores. */
  #moveTexts(): void {
    try {
      if (this.#texts.isDue) this.#texts.move()
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
    }
  }

  /** The log has what was removed until it is emptied; while others write, the next sweep does it. */
  #eraseSoon(): void {
    this.#isToErase = true
    setImmediate(() => this.#erase())
  }

  #erase(): void {
    if (this.#isToErase && this.#writes.pending === 0) this.#isToErase = !this.#database.checkpoint()
  }

  protected context(): RecordContext {
    return { nowMs: this.#now(), lifetimes: this.#lifetimes, limits: this.#limits }
  }

  protected carryOut<T>(work: RecordWork<T>): Promise<T> {
    this.#expected.push(...work.rows)
    return this.#write(() => work.run(this.#writer))
  }

  /** What is refused has written nothing, and must not take back what stands in the same commit. */
  async #write<T>(work: () => T): Promise<T> {
    const outcome = await this.#writes.submit(() => outcomeOf(() => ({ value: work() })))
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }
}

function newFile(file: string, version: number, busyTimeoutMs: number): Database {
  const database = new Database({ file, busyTimeoutMs })
  migrate(database, MIGRATIONS.slice(0, version))
  return database
}
