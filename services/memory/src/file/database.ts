import { accessSync, chmodSync, constants, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { OwnershipError, ownPath } from '@jamey/auth'
import Libsql from 'libsql'
import { foreignFile, StorageError, storageErrorFrom } from '../model/errors.js'
import { createOnce, mustBeOwn } from './create-once.js'

export type SqlValue = string | number | Uint8Array | null

/**
 * A prepared statement, reduced to the two calls of the library that may be mixed freely: its `get` keeps the
 * values bound by an earlier `all`, so it is not offered.
 */
export interface Statement<Row> {
  /** All rows of a reading statement. */
  all(...values: SqlValue[]): Row[]
  /** Runs a writing statement; the result is the number of changed rows. */
  run(...values: SqlValue[]): number
  /** Runs a statement that inserts a row; the result is the number under which the row lies, whatever triggers insert. */
  insert(...values: SqlValue[]): number
}

export interface DatabaseOptions {
  readonly file: string
  /** Time that a statement waits for another process before 'storage-busy'; the event loop waits with it. */
  readonly busyTimeoutMs: number
  /** Writing beyond this size fails with 'storage-full'; unlimited where undefined. */
  readonly maximumFileBytes?: number | undefined
}

/** Size beyond which a full check would take longer than a start may; SQLite still checks each page it reads. */
const CHECKED_BYTES = 64 * 1024 * 1024

/**
 * One connection to one SQLite file, in WAL mode with `synchronous = FULL`: a commit is on the disk before it
 * returns, which is what lets an acknowledgement mean 'never lost'. Group commit, not a weaker setting, is what
 * makes it fast. Everything thrown by SQLite comes out as `StorageError`.
 */
export class Database {
  readonly file: string
  readonly #connection: InstanceType<typeof Libsql>
  readonly #identity: string
  #isOpen = true
  #beforeWriting: () => void = () => {}

  /** Opens or creates the file with mode 0600, and missing folders with 0700. */
  constructor(options: DatabaseOptions) {
    this.file = resolve(options.file)
    const bytes = this.#secureFile()
    this.#identity = this.#currentIdentity()
    this.#connection = this.#guard(() => new Libsql(this.file, { timeout: options.busyTimeoutMs }))
    try {
      this.#guard(() => this.#configure(options, bytes))
    } catch (error) {
      this.#connection.close()
      throw error
    }
  }

  prepare<Row>(sql: string): Statement<Row> {
    const statement = this.#guard(() => this.#connection.prepare<SqlValue[][]>(sql))
    // A prepared statement of the library outlives its connection, hence the check.
    return {
      all: (...values) => this.#guard(() => this.#opened() && (statement.all(values) as Row[])),
      run: (...values) => this.#guard(() => this.#opened() && statement.run(values).changes),
      insert: (...values) =>
        this.#guard(() => this.#opened() && Number(statement.run(values).lastInsertRowid)),
    }
  }

  execute(sql: string): void {
    this.#guard(() => this.#connection.exec(sql))
  }

  /** The number that a pragma of one value reports. */
  pragma(name: string): number {
    const [row] = this.prepare<Record<string, number>>(`PRAGMA ${name}`).all()
    return Object.values(row ?? {})[0] ?? Number.NaN
  }

  /**
   * Runs `work` in a transaction that holds the write lock from its beginning, so it never has to be repeated;
   * commits when it returns and takes everything back when it throws.
   */
  transaction<T>(work: () => T): T {
    return this.#guard(() => {
      this.#mustBeInPlace()
      this.#connection.exec('BEGIN IMMEDIATE')
      try {
        this.#beforeWriting()
        const result = work()
        this.#connection.exec('COMMIT')
        return result
      } catch (error) {
        // A full disk makes SQLite roll back by itself; a second ROLLBACK would hide the first error.
        if (this.#connection.inTransaction) this.#connection.exec('ROLLBACK')
        throw error
      }
    })
  }

  /** Runs `work` on one state of the file, whatever is written meanwhile. */
  reading<T>(work: () => T): T {
    return this.#guard(() => {
      this.#opened()
      this.#connection.exec('BEGIN')
      try {
        return work()
      } finally {
        this.#connection.exec('COMMIT')
      }
    })
  }

  /** Begins every transaction from now on with `check`; where that throws, there is no transaction. */
  beforeWriting(check: () => void): void {
    this.#beforeWriting = check
  }

  /** Moves the log into the file and empties it; false while somebody reads what only the log has. */
  checkpoint(): boolean {
    const [row] = this.prepare<{ busy: number }>('PRAGMA wal_checkpoint(TRUNCATE)').all()
    return row?.busy === 0
  }

  /**
   * Writes the file anew where its migration asked for it, without what older programs left in free pages. For want of
   * room it is left to the next start.
   */
  tidy(): void {
    const due = this.prepare("SELECT 1 FROM upkeep WHERE task = 'vacuum'").all()
    if (due.length === 0) return
    try {
      this.execute('VACUUM')
      this.transaction(() => this.execute("DELETE FROM upkeep WHERE task = 'vacuum'"))
      this.checkpoint()
    } catch (error) {
      if (!(error instanceof StorageError && error.retryable)) throw error
    }
  }

  /** Moves the log into the file, so that the file alone holds everything, and closes. Safe to call twice. */
  close(): void {
    if (!this.#isOpen) return
    try {
      this.checkpoint()
    } finally {
      this.#isOpen = false
      this.#connection.close()
    }
  }

  #configure(options: DatabaseOptions, bytes: number): void {
    const [mode] = this.prepare<{ journal_mode: string }>('PRAGMA journal_mode = WAL').all()
    if (mode?.journal_mode !== 'wal') {
      throw new StorageError(
        'storage-failed',
        `The memory file ${this.file} cannot use a write-ahead log (found mode ${mode?.journal_mode}); keep it on a local file system.`,
      )
    }
    this.execute('PRAGMA synchronous = FULL')
    // What is removed is overwritten, so that a forgotten text is in no free page.
    this.prepare('PRAGMA secure_delete = ON').all()
    // Nor in a temporary file.
    this.execute('PRAGMA temp_store = MEMORY')
    this.execute('PRAGMA cache_size = -16384')
    if (options.maximumFileBytes !== undefined) {
      const pages = Math.max(1, Math.floor(options.maximumFileBytes / this.pragma('page_size')))
      this.prepare(`PRAGMA max_page_count = ${pages}`).all()
    }
    if (bytes > 0 && bytes <= CHECKED_BYTES) this.#mustBeSound()
  }

  #mustBeSound(): void {
    const [row] = this.prepare<{ quick_check: string }>('PRAGMA quick_check(1)').all()
    if (row?.quick_check === 'ok') return
    throw new StorageError(
      'storage-damaged',
      `The memory file ${this.file} is damaged (${row?.quick_check}); restore it from a copy, or move it away to begin anew.`,
    )
  }

  /** A file that was removed or replaced would swallow what is written to it, with every commit succeeding. */
  #mustBeInPlace(): void {
    if (this.#currentIdentity() === this.#identity) return
    throw new StorageError(
      'storage-moved',
      `The memory file ${this.file} was removed or replaced while it was open; put it back and restart.`,
    )
  }

  #currentIdentity(): string {
    const found = statSync(this.file, { throwIfNoEntry: false })
    return found === undefined ? 'none' : `${found.dev}:${found.ino}`
  }

  /** SQLite gives its side files the mode of the main one, so setting that before opening is enough. */
  #secureFile(): number {
    try {
      const folder = dirname(this.file)
      ownPath(dirname(folder))
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      mustBeOwn(this.file)
      createOnce(this.file)
      accessSync(this.file, constants.R_OK | constants.W_OK)
      const found = statSync(this.file)
      if (!found.isFile()) throw new Error('something else than a file is there')
      if ((found.mode & 0o077) !== 0) chmodSync(this.file, 0o600)
      return found.size
    } catch (error) {
      if (error instanceof OwnershipError) throw foreignFile(error)
      const reason = error instanceof Error ? error.message : String(error)
      const code = /EROFS|EACCES|EPERM/.test(reason) ? 'storage-readonly' : 'storage-io'
      throw new StorageError(
        code,
        `The memory file ${this.file} cannot be created or opened for writing (${reason}); check the folder, its permissions and JAMEY_MEMORY_FILE.`,
        error,
      )
    }
  }

  #opened(): true {
    if (this.#isOpen) return true
    throw new StorageError('storage-closed', `The memory file ${this.file} is closed.`)
  }

  #guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw storageErrorFrom(error, this.file)
    }
  }
}
