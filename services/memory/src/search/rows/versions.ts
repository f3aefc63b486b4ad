import type { Database, Statement } from '../../file/database.js'
import { type Filter, filterCondition, readableBy } from '../filter.js'
import type { IndexedRow } from '../memory-index.js'
import { INDEXED_COLUMNS, type JsonRows, jsonOfRows, rowsFromJson } from './indexed-rows.js'
import type { StoredRows } from './stored-rows.js'

/** Versions that one question looks at, the newest first, and bytes of these. */
export const MOST_VERSIONS = 20_000
const MOST_BYTES = 64 * 1024 * 1024
/** Rows that are read as one text. */
const ROWS = 500
const COLUMNS = [...INDEXED_COLUMNS, 'number']

/** A memory as it was before a change, with the number of that version in the file. */
export type IndexedVersion = IndexedRow & { readonly number: number }

export interface VersionsOfThen {
  readonly versions: readonly IndexedVersion[]
  /** True where there are more. */
  readonly isCut: boolean
}

/** Reads what memories were at a time that have changed since. */
export class Versions {
  readonly #rows: StoredRows
  readonly #some: Statement<JsonRows>

  constructor(database: Database, rows: StoredRows) {
    this.#rows = rows
    this.#some = database.prepare(
      `SELECT ${jsonOfRows(COLUMNS)} FROM memory_versions WHERE number IN (SELECT value FROM json_each(?))`,
    )
  }

  /** Those that were the newest at a time and fit, but for their tags; and what their memory is now may be read, too. */
  of(filter: Filter, atMs: number, nowMs: number): VersionsOfThen {
    const { sql, values } = filterCondition({ ...filter, tags: undefined, knownAtMs: atMs }, nowMs)
    const readable = filter.reach === undefined ? { sql: 'true', values: [] } : readableBy(filter.reach, 'c')
    const found = this.#rows.all<{ readonly number: number; readonly bytes: number }>(
      `SELECT m.number, m.bytes FROM memory_versions m CROSS JOIN memories c ON c.seq = m.seq
        WHERE m.replaced_at > ? AND ${sql} AND ${readable.sql}
        ORDER BY m.occurred_at DESC, m.seq DESC LIMIT ${MOST_VERSIONS + 1}`,
      [atMs, ...values, ...readable.values],
    )
    const taken: number[] = []
    let bytes = 0
    for (const row of found) {
      bytes += row.bytes
      if (taken.length === MOST_VERSIONS || bytes > MOST_BYTES) break
      taken.push(row.number)
    }
    return { versions: this.#read(taken), isCut: taken.length < found.length }
  }

  #read(numbers: readonly number[]): IndexedVersion[] {
    const versions: IndexedVersion[] = []
    for (let i = 0; i < numbers.length; i += ROWS) {
      const some = JSON.stringify(numbers.slice(i, i + ROWS))
      versions.push(...rowsFromJson<IndexedVersion>(COLUMNS, this.#some.all(some)))
    }
    return versions
  }
}
