import {
  exportSchema,
  historySchema,
  type MemoryExported,
  type MemoryExportInput,
  type MemoryHistory,
  type MemoryHistoryInput,
  type MemoryStats,
} from '@jamey/contracts'
import type { Database } from '../file/database.js'
import { KEYS_OF, MESSAGES_OF, UPDATES_OF } from '../file/memory-archive.js'
import {
  type AppliedUpdate,
  archivedFrom,
  type Leading,
  type LeadingKey,
  type MergedMessage,
} from '../model/archived-memory.js'
import { MemoryInputError } from '../model/errors.js'
import { isoOf, memoryFromRow, parsed, type VersionRow, versionFromRow } from '../model/memory-record.js'
import type { Reach } from '../model/memory-storage.js'
import { filterCondition } from '../search/filter.js'
import { mayRead } from './reach.js'
import { isGone } from './record-writer.js'
import type { StoredRow } from './store-statements.js'

/** Bytes of one page, as texts, tags and metadata lie in the file; it has one memory at least. */
const PAGE_BYTES = 256 * 1024

interface Counted {
  readonly name: string
  readonly memories: number
}

interface Totals {
  readonly memories: number
  readonly bytes: number | null
  readonly oldest: number | null
  readonly newest: number | null
}

/** Reads memories as a whole: their versions, their number, and what an archive has of them. */
export class ArchivePages {
  readonly #database: Database
  readonly #statements

  constructor(database: Database) {
    this.#database = database
    this.#statements = {
      byId: database.prepare<StoredRow>('SELECT * FROM memories WHERE id = ?'),
      keys: database.prepare<LeadingKey>(KEYS_OF),
      messages: database.prepare<MergedMessage>(MESSAGES_OF),
      updates: database.prepare<AppliedUpdate>(UPDATES_OF),
      versions: database.prepare<VersionRow>(
        'SELECT * FROM memory_versions WHERE seq = ? AND version < ? ORDER BY version DESC LIMIT ?',
      ),
    }
  }

  /** Of what was private or a group's once, others see as little as they did then. */
  history(input: MemoryHistoryInput, nowMs: number, reach?: Reach): MemoryHistory {
    const { id, limit, cursor } = parsed(historySchema, input)
    const [row] = this.#statements.byId.all(id)
    if (row === undefined || isGone(row, nowMs) || !mayRead(row, reach)) return { versions: [] }
    const before = cursor === undefined ? row.version + 1 : numberOf(cursor)
    const newest = before > row.version ? [memoryFromRow(row)] : []
    const older = this.#statements.versions.all(row.seq, before, limit + 1 - newest.length)
    const readable = older.filter((version) => mayRead(version, reach)).map(versionFromRow)
    const page = withinPage([...newest, ...readable].slice(0, limit))
    const last = page.at(-1)
    const isMore = older.length + newest.length > limit || page.length < newest.length + readable.length
    return {
      versions: page,
      ...(isMore && last !== undefined ? { next_cursor: cursorOf(last.version) } : {}),
    }
  }

  /** The memories of one owner in the order of storing. */
  exportPage(input: MemoryExportInput, nowMs: number, reach?: Reach): MemoryExported {
    const { limit, cursor, with_history } = parsed(exportSchema, input)
    const filter = filterCondition({ reach: reach && { ...reach, isOwnOnly: true } }, nowMs)
    const rows = this.#database
      .prepare<StoredRow>(`SELECT * FROM memories m WHERE m.seq > ? AND ${filter.sql} ORDER BY m.seq LIMIT ?`)
      .all(cursor === undefined ? 0 : numberOf(cursor), ...filter.values, limit + 1)
    const archived = rows.map((row) => ({
      ...archivedFrom(row, this.#leadingTo(row)),
      ...(with_history === true ? { history: this.#historyOf(row) } : {}),
    }))
    const memories = withinPage(archived.slice(0, limit))
    const last = rows[memories.length - 1]
    const isMore = memories.length < rows.length
    return { memories, ...(isMore && last !== undefined ? { next_cursor: cursorOf(last.seq) } : {}) }
  }

  statsOf(nowMs: number, reach?: Reach): MemoryStats {
    const filter = filterCondition({ reach }, nowMs)
    const counted = (column: string): Record<string, number> => {
      const rows = this.#database
        .prepare<Counted>(
          `SELECT m.${column} AS name, count(*) AS memories FROM memories m WHERE ${filter.sql} GROUP BY 1`,
        )
        .all(...filter.values)
      return Object.fromEntries(rows.map(({ name, memories }) => [name, memories]))
    }
    const [totals] = this.#database
      .prepare<Totals>(
        `SELECT count(*) AS memories, sum(m.bytes) AS bytes, min(m.created_at) AS oldest, max(m.created_at) AS newest
          FROM memories m WHERE ${filter.sql}`,
      )
      .all(...filter.values)
    const { memories = 0, bytes = null, oldest = null, newest = null } = totals ?? {}
    return {
      memories,
      by_layer: counted('layer'),
      by_scope: counted('scope'),
      bytes: bytes ?? 0,
      ...(oldest === null ? {} : { oldest: isoOf(oldest) }),
      ...(newest === null ? {} : { newest: isoOf(newest) }),
      index: {},
    }
  }

  #leadingTo({ seq, idempotency_key, count, version }: StoredRow): Leading {
    return {
      keys: idempotency_key === null ? [] : this.#statements.keys.all(seq),
      messages: count === 1 ? [] : this.#statements.messages.all(seq),
      updates: version === 1 ? [] : this.#statements.updates.all(seq),
    }
  }

  #historyOf(row: StoredRow) {
    return this.#statements.versions.all(row.seq, row.version, 1000).map(versionFromRow)
  }
}

export function withinPage<Item extends { readonly content: string }>(items: readonly Item[]): Item[] {
  let bytes = 0
  const end = items.findIndex((item, i) => {
    bytes += Buffer.byteLength(JSON.stringify(item))
    return bytes > PAGE_BYTES && i > 0
  })
  return end === -1 ? [...items] : items.slice(0, end)
}

export function cursorOf(position: number): string {
  return Buffer.from(String(position)).toString('base64url')
}

export function numberOf(cursor: string): number {
  const text = Buffer.from(cursor, 'base64url').toString()
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new MemoryInputError('cursor', 'must be next_cursor of the page before')
}
