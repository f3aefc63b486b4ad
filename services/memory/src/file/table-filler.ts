import { StorageError } from '../model/errors.js'
import type { Row } from './damaged-tables.js'
import type { Database, Statement } from './database.js'

/** Rows that are added in one transaction, each of which waits for the disk: few enough where texts are long. */
const AT_ONCE = 512

/** Adds rows that were read of a damaged file to a table, many in a transaction, however few of them come at a time. */
export class TableFiller {
  readonly #target: Database
  readonly #table: string
  #waiting: Row[] = []
  #insert: Statement<never> | undefined
  #added = 0

  constructor(target: Database, table: string) {
    this.#target = target
    this.#table = table
  }

  add(rows: readonly Row[]): void {
    for (const row of rows) this.#waiting.push(row)
    if (this.#waiting.length >= AT_ONCE) this.flush()
  }

  /** Adds those that wait; the result is how many were added so far. */
  flush(): number {
    const [first] = this.#waiting
    if (first === undefined) return this.#added
    const names = Object.keys(first)
    this.#insert ??= this.#target.prepare(
      `INSERT OR IGNORE INTO ${this.#table} (${names}) VALUES (${names.map(() => '?')})`,
    )
    const insert = this.#insert
    let added = 0
    this.#target.transaction(() => {
      for (const row of this.#waiting) added += inserted(insert, row)
    })
    this.#waiting = []
    this.#added += added
    return this.#added
  }
}

/** A row that is not whole, as a text that is none, costs itself alone; what a full disk refuses is not lost by that. */
function inserted(insert: Statement<never>, row: Row): number {
  try {
    return insert.run(...Object.values(row))
  } catch (error) {
    if (error instanceof StorageError && error.retryable) throw error
    return 0
  }
}
