import type { Database } from '../file/database.js'
import { StorageError } from '../model/errors.js'
import { type IndexedRow, MemoryIndex } from './memory-index.js'
import { MOST_DOCUMENTS } from './postings.js'
import { INDEXED_COLUMNS, type JsonRows, jsonOfRows, rowsFromJson } from './rows/indexed-rows.js'

/** Rows that are read at once: few enough to stop in time. */
const ROWS = 500

const JSON_OF_ROWS = jsonOfRows(INDEXED_COLUMNS)

interface Heads {
  readonly added: number
  readonly changed: number
  readonly oldest_change: number
}

/**
 * Keeps the index of a file up with it. What was stored has a higher `seq` than all before, and what was changed or
 * removed is noted in `memory_changes`; so two numbers tell whether there is anything to read, whoever wrote it.
 */
export class IndexKeeper {
  readonly #statements
  #index = new MemoryIndex()
  #added = 0
  /** The newest change that was seen; undefined before the first row was read. */
  #changed: number | undefined

  constructor(database: Database) {
    this.#statements = {
      heads: database.prepare<Heads>(
        `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'memories'), 0) AS added,
          coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'memory_changes'), 0) AS changed,
          coalesce((SELECT min(at) FROM memory_changes), 0) AS oldest_change`,
      ),
      added: database.prepare<JsonRows>(
        `SELECT ${JSON_OF_ROWS} FROM (SELECT * FROM memories WHERE seq > ? ORDER BY seq LIMIT ${ROWS})`,
      ),
      changes: database.prepare<{ at: number; seq: number }>(
        `SELECT max(at) AS at, seq FROM memory_changes WHERE at > ? AND at <= ? GROUP BY seq`,
      ),
      some: database.prepare<JsonRows>(
        `SELECT ${JSON_OF_ROWS} FROM memories WHERE seq IN (SELECT value FROM json_each(?))`,
      ),
    }
  }

  /** The index as of the last time that it was up with the file. */
  get index(): MemoryIndex {
    return this.#index
  }

  /** True where it has all that the file has; it is not read for that. */
  get isUp(): boolean {
    const [heads] = this.#statements.heads.all()
    return heads !== undefined && this.#added === heads.added && this.#changed === heads.changed
  }

  /** True where it has been read before, and may be read on. */
  get isBegun(): boolean {
    return this.#added > 0 && !this.#index.isFull
  }

  /** Reads what is new for about so long; true once there is no more. Within a transaction the index is its state then. */
  catchUp(forMs: number): boolean {
    const until = performance.now() + forMs
    const [heads] = this.#statements.heads.all()
    if (heads === undefined) return true
    if (this.#index.isWorn || this.#hasLost(heads)) this.#begin()
    if (this.#index.isFull) throw tooMany()
    this.#changed ??= heads.changed
    while (this.#changed < heads.changed) {
      this.#readChanges(this.#changed, Math.min(heads.changed, this.#changed + ROWS))
      if (performance.now() > until) return false
    }
    while (this.#added < heads.added) {
      this.#readAdded(heads.added)
      if (performance.now() > until) return this.#added >= heads.added
    }
    return true
  }

  #begin(): void {
    this.#index = new MemoryIndex()
    this.#added = 0
    this.#changed = undefined
  }

  /** Changes that were swept before they were seen. */
  #hasLost({ oldest_change, changed }: Heads): boolean {
    return this.#changed !== undefined && this.#changed < changed && oldest_change > this.#changed + 1
  }

  #readChanges(after: number, upTo: number): void {
    // What is beyond has not been read at all yet.
    const seqs = this.#statements.changes
      .all(after, upTo)
      .map(({ seq }) => seq)
      .filter((seq) => seq <= this.#added)
    const rows =
      seqs.length === 0
        ? []
        : rowsFromJson<IndexedRow>(INDEXED_COLUMNS, this.#statements.some.all(JSON.stringify(seqs)))
    const there = new Set(rows.map(({ seq }) => seq))
    for (const seq of seqs) if (!there.has(seq)) this.#index.remove(seq)
    for (const row of rows) this.#index.put(row)
    this.#changed = upTo
  }

  #readAdded(head: number): void {
    const rows = rowsFromJson<IndexedRow>(INDEXED_COLUMNS, this.#statements.added.all(this.#added))
    for (const row of rows) this.#index.put(row)
    this.#added = rows.length < ROWS ? head : (rows.at(-1)?.seq ?? head)
  }
}

function tooMany(): StorageError {
  const most = `more than ${MOST_DOCUMENTS} memories were stored in this file`
  return new StorageError(
    'storage-failed',
    `${most}, which is where its search ends: move them to PostgreSQL.`,
  )
}
