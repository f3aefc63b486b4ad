import { closeSync, existsSync, fsyncSync, openSync, readSync, statSync, writeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { OwnershipError } from '@jamey/auth'
import Libsql from 'libsql'
import { foreignFile, StorageError, storageErrorFrom } from '../model/errors.js'
import { checkMemoryFile, type MemoryFileCheck } from './check-memory-file.js'
import { mustBeOwn } from './create-once.js'
import { APPLICATION_ID, mustBeKnown } from './migrate.js'
import { MEMORY_FILE_VERSION } from './schema.js'

type Connection = InstanceType<typeof Libsql>

/** What the service of the file may take for one of its transactions. */
const WAIT_FOR_OTHERS_MS = 10_000
/** Pages that are copied between two turns of the event loop. */
const PIECE_PAGES = 256
/** Bytes 18 and 19 of a database say whether a log belongs to it (2), or not (1). */
const LOG_AT = 18
const MAGIC = 'SQLite format 3\0'

export interface MemoryCopyOptions {
  /** Ends the copy with its reason; what was written so far stays. */
  readonly signal?: AbortSignal | undefined
  readonly onBytes?: ((bytes: number) => void) | undefined
}

/**
 * True for a database of SQLite, as a memory file is one. What else tells the two apart may stand in the log beside it
 * alone, and must not be looked for there while the file is open in this process.
 */
export function isDatabaseFile(file: string): boolean {
  const fd = openSync(file, 'r')
  try {
    const head = Buffer.alloc(MAGIC.length)
    return readSync(fd, head, 0, head.length, 0) === head.length && head.toString('latin1') === MAGIC
  } finally {
    closeSync(fd)
  }
}

/**
 * A memory file of which a copy is made as it was at one moment, while its service goes on. `hold` and `release` let the
 * moment be the same as that of other stores. Everything it throws is a `StorageError` that names the file.
 */
export class MemorySnapshot {
  readonly file: string
  /** The version that the file has. */
  readonly version: number
  readonly bytes: number
  /** Keeps others from writing. */
  readonly #holder: Connection
  /** Sees what was there at the moment. */
  readonly #reader: Connection

  /** Throws where there is none, it cannot be opened, or is no memory file, or one of a newer program. */
  constructor(file: string) {
    this.file = file
    this.bytes = this.#guard(() => {
      mustBeOwn(file)
      return statSync(file).size
    })
    this.#holder = this.#open('rw')
    try {
      this.#reader = this.#open('ro')
    } catch (error) {
      this.#holder.close()
      throw error
    }
    try {
      this.#mustBeOurs()
      this.version = this.#number('PRAGMA user_version')
      mustBeKnown(file, this.version, MEMORY_FILE_VERSION)
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Nobody writes to the file from now on until `release`; waits for whoever writes just now, ten seconds at the most. */
  hold(): void {
    this.#guard(() => this.#holder.exec('BEGIN IMMEDIATE'))
  }

  /** The moment of the copy. */
  take(): void {
    this.#guard(() => {
      if (this.#reader.inTransaction) this.#reader.exec('ROLLBACK')
      this.#reader.exec('BEGIN')
      // The moment is that of the first reading.
      this.#number('PRAGMA schema_version')
      this.#number('SELECT count(*) FROM sqlite_schema')
    })
  }

  /** Safe to call twice. */
  release(): void {
    if (this.#holder.open && this.#holder.inTransaction) this.#holder.exec('ROLLBACK')
  }

  /**
   * Writes what was there at the moment to `path`, which must not be there: page by page, checked, on the disk, readable
   * by its owner alone.
   */
  async copyTo(path: string, { signal, onBytes }: MemoryCopyOptions = {}): Promise<MemoryFileCheck> {
    if (existsSync(path))
      throw new StorageError('storage-failed', `${path} is there already; name a new file.`)
    const pages = this.#number('PRAGMA page_count')
    const fd = this.#guard(() => openSync(path, 'wx', 0o600))
    try {
      for (let first = 1; first <= pages; first += PIECE_PAGES) {
        const bytes = this.#pages(first, Math.min(pages, first + PIECE_PAGES - 1))
        this.#guard(() => writeWhole(fd, bytes))
        onBytes?.(bytes.length)
        await new Promise((turn) => setImmediate(turn))
        signal?.throwIfAborted()
      }
      this.#guard(() => fsyncSync(fd))
    } finally {
      closeSync(fd)
    }
    return checkMemoryFile(path)
  }

  /** Safe to call twice. */
  close(): void {
    for (const connection of [this.#reader, this.#holder]) {
      if (!connection.open) continue
      // The library closes a connection for good only when its statements are collected.
      if (connection.inTransaction) connection.exec('ROLLBACK')
      connection.close()
    }
  }

  #pages(first: number, last: number): Buffer {
    return this.#guard(() => {
      const page = this.#reader.prepare<[number]>('SELECT data FROM sqlite_dbpage WHERE pgno = ?')
      const pieces: Uint8Array[] = []
      for (let number = first; number <= last; number++) {
        const [row] = page.all(number) as { data: ArrayBuffer | Uint8Array }[]
        if (row === undefined)
          throw new StorageError('storage-damaged', `The memory file ${this.file} lacks page ${number}.`)
        pieces.push(new Uint8Array(row.data))
      }
      const bytes = Buffer.concat(pieces)
      // The log stays behind: all of it that counts is in these pages.
      if (first === 1) bytes.fill(1, LOG_AT, LOG_AT + 2)
      return bytes
    })
  }

  #open(mode: 'rw' | 'ro'): Connection {
    const url = pathToFileURL(this.file)
    url.searchParams.set('mode', mode)
    return this.#guard(() => new Libsql(url.href, { timeout: WAIT_FOR_OTHERS_MS }))
  }

  #mustBeOurs(): void {
    const id = this.#number('PRAGMA application_id')
    if (id === APPLICATION_ID) return
    const message = `The file ${this.file} is no memory file of Jamey (application id ${id}).`
    throw new StorageError('storage-foreign', message)
  }

  /** The first column of the first row. */
  #number(sql: string): number {
    const [row] = this.#guard(() => this.#reader.prepare<[]>(sql).all() as object[])
    return Number(Object.values(row ?? {})[0])
  }

  #guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (error instanceof OwnershipError) throw foreignFile(error)
      const { syscall, code, message } = error as NodeJS.ErrnoException
      if (syscall === undefined) throw storageErrorFrom(error, this.file)
      const isFull = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
      const kind = isFull ? 'storage-full' : 'storage-io'
      throw new StorageError(kind, `The memory file ${this.file} cannot be copied: ${message}.`, error)
    }
  }
}

function writeWhole(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
}
