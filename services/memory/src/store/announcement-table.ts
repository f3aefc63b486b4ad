import { randomUUID } from 'node:crypto'
import { type Memory, type MemoryUpdate, memoryUpdateSchema } from '@jamey/contracts'
import type { Database } from '../file/database.js'
import type { Announcement, MemoryChange } from '../model/announcement.js'
import { type MemoryRow, memoryFromRow } from '../model/memory-record.js'

interface AnnouncementRow {
  readonly seq: number
  readonly message_id: string
  readonly change: string
  readonly memory_ids: string
}

/** Another process publishes an announcement that is this old: that process has surely died. */
const ORPHANED_AFTER_MS = 60_000

/** Number of ids in one announcement at the most, so that no message grows without bound. */
const IDS_PER_ANNOUNCEMENT = 500

/**
 * Announcements in the file, written in the transaction of the change they tell of: none is lost to a crash
 * between the two. A crash after publishing and before removing repeats one, so they arrive at least once.
 */
export class AnnouncementTable {
  readonly #owner: string
  readonly #statements
  /** What the present transaction stored that is told without content; undefined outside `together`. */
  #stored: { readonly ids: string[]; atMs: number } | undefined
  /** Those that the server has, and that the next transaction removes. */
  readonly #told = new Set<number>()

  constructor(database: Database, owner: string) {
    this.#owner = owner
    this.#statements = {
      add: database.prepare(
        'INSERT INTO announcements (message_id, owner, change, memory_ids, at) VALUES (?, ?, ?, ?, ?)',
      ),
      take: database.prepare<AnnouncementRow>(
        `SELECT seq, message_id, change, memory_ids FROM announcements
          WHERE seq > ? AND (owner = ? OR at <= ?) ORDER BY seq LIMIT ?`,
      ),
      remove: database.prepare('DELETE FROM announcements WHERE seq IN (SELECT value FROM json_each(?))'),
      memory: database.prepare<MemoryRow>("SELECT * FROM memories WHERE id = ? AND scope = 'shared'"),
    }
  }

  /** Announcements that the server has, and that are still in the file. */
  get told(): number {
    return this.#told.size
  }

  /** The server has these: they are not pending any more, and go with the next transaction. */
  noteTold(seqs: readonly number[]): void {
    for (const seq of seqs) this.#told.add(seq)
  }

  /** The transaction is on the disk. */
  onCommitted(): void {
    this.#told.clear()
  }

  /**
   * Does `work` of one transaction: memories that it stores one after the other, and that are told without their content,
   * are told in one announcement. What the server has by now is removed.
   */
  together<T>(work: () => T): T {
    this.#stored = { ids: [], atMs: 0 }
    try {
      if (this.#told.size > 0) this.#statements.remove.run(JSON.stringify([...this.#told]))
      const result = work()
      this.#tellStored()
      return result
    } finally {
      this.#stored = undefined
    }
  }

  /** Adds announcements; called inside a transaction only. `isShared`: told with its content. */
  add(change: MemoryChange, ids: readonly string[], nowMs: number, isShared = false): void {
    if (this.#stored !== undefined && change === 'stored' && !isShared) {
      this.#stored.ids.push(...ids)
      this.#stored.atMs = nowMs
      return
    }
    this.#tellStored()
    this.#insert(change, ids, nowMs)
  }

  #tellStored(): void {
    if (this.#stored === undefined || this.#stored.ids.length === 0) return
    this.#insert('stored', [...new Set(this.#stored.ids.splice(0))], this.#stored.atMs)
  }

  #insert(change: MemoryChange, ids: readonly string[], nowMs: number): void {
    for (let i = 0; i < ids.length; i += IDS_PER_ANNOUNCEMENT) {
      const part = ids.slice(i, i + IDS_PER_ANNOUNCEMENT)
      this.#statements.add.run(randomUUID(), this.#owner, change, JSON.stringify(part), nowMs)
    }
  }

  /** The oldest announcements after `afterSeq` of this owner, and those orphaned by another. */
  pending(afterSeq: number, limit: number, nowMs: number): Announcement[] {
    return this.#statements.take
      .all(afterSeq, this.#owner, nowMs - ORPHANED_AFTER_MS, limit + this.#told.size)
      .filter(({ seq }) => !this.#told.has(seq))
      .slice(0, limit)
      .map((row) => ({ seq: row.seq, messageId: row.message_id, update: this.#updateFrom(row) }))
  }

  #updateFrom(row: AnnouncementRow): MemoryUpdate {
    const change = memoryUpdateSchema.shape.change.parse(row.change)
    const ids = JSON.parse(row.memory_ids) as string[]
    const [id = ''] = ids
    // Several were stored as private ones.
    const memory = change === 'stored' && ids.length === 1 ? this.#memory(id) : undefined
    return { change, memory_ids: ids, ...(memory === undefined ? {} : { memory }) }
  }

  /**
   * The memory is read only now, so that one that was forgotten in between is announced without its content, as private
   * ones are.
   */
  #memory(id: string): Memory | undefined {
    const [row] = this.#statements.memory.all(id)
    return row === undefined ? undefined : memoryFromRow(row)
  }
}
