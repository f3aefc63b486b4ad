import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import type { RootDatabase, Transaction } from 'lmdb'
import { Batch } from './batch.js'
import { DiskRoom } from './disk-room.js'
import { finishCopy } from './finished-copy.js'
import { findFolder, flushFolder } from './folder.js'
import { fillUpUnowned, OPTIONS } from './lmdb-environment.js'
import { explainCopyFailure, explainFailure, noRoom } from './lmdb-failure.js'
import { openLmdb } from './lmdb-opening.js'
import { letGo, openOnce, ownerOf } from './ownership.js'
import { RecordReader } from './record-reader.js'
import { SCHEMA_KEY } from './schema-version.js'
import { StoreError } from './store-error.js'

type Database = RootDatabase<Buffer, Buffer>

/** Records that are copied between two turns of the event loop. */
const PIECE_BYTES = 1024 * 1024

export interface SnapshotCopyOptions {
  /** Ends the copy with its reason; what was written so far stays. */
  readonly signal?: AbortSignal | undefined
  /** Told of the bytes of keys and values that are copied, piece by piece. */
  readonly onBytes?: ((bytes: number) => void) | undefined
}

export interface StoreCopy {
  /** The schema's included. */
  readonly records: number
  /** Size of the new data file. */
  readonly bytes: number
}

/**
 * A store of any kind, of which a copy is made as it was at one moment, while its owner goes on. Several stores can be
 * looked at in the same moment; see `take`.
 *
 * Until it is closed, no owner that starts can open the store: it waits a second, and gives up.
 */
export class StoreSnapshot {
  readonly path: string
  /** The kind and format that the store itself tells. */
  readonly kind: string
  readonly version: number
  /** The process that has the store open; undefined: nobody. */
  readonly owner: number | undefined
  readonly #folder: string
  readonly #database: Database
  #moment: Transaction | undefined

  private constructor(path: string, folder: string, database: Database) {
    this.path = path
    this.#folder = folder
    this.#database = database
    const schema = database.get(SCHEMA_KEY)
    if (schema === undefined) {
      throw new StoreError('foreign', path, 'expected a store, found an LMDB file of another program')
    }
    const reader = new RecordReader(schema, path, SCHEMA_KEY)
    this.kind = reader.string()
    this.version = reader.varint()
    this.owner = ownerOf(database)
  }

  /** The store has to be there; nothing of it is changed. Rejects with `StoreError`. */
  static async open(path: string): Promise<StoreSnapshot> {
    const folder = findFolder(path)
    await fillUpUnowned(path, folder)
    let database: Database | undefined
    try {
      // Whoever opens it to read alone cannot keep others from writing.
      database = await openOnce(path, folder, () => openLmdb(folder, OPTIONS))
      return new StoreSnapshot(path, folder, database)
    } catch (error) {
      if (database !== undefined) await letGo(folder, database)
      throw explainFailure(path, error)
    }
  }

  /**
   * Looks at all of them in one moment, in which nobody writes to any: the write lock of each is held until all are, and
   * until `meanwhile` returns. Their owners wait so long, each with its next commit. Throws `StoreError`.
   */
  static take(snapshots: readonly StoreSnapshot[], meanwhile: () => void = () => {}): void {
    holdAll(snapshots, () => {
      for (const snapshot of snapshots) snapshot.#look()
      meanwhile()
    })
  }

  /**
   * Writes what was there at the moment into a folder that is made (0700) and must not be there: a store like the first
   * one, flushed, without what lies unused in its pages. Every record was read, and has the checksum that it was written
   * with. Rejects with `StoreError`, or the reason of `signal`.
   */
  async copyTo(target: string, { signal, onBytes }: SnapshotCopyOptions = {}): Promise<StoreCopy> {
    const folder = resolve(target)
    try {
      mkdirSync(folder, { mode: 0o700 })
      const records = await this.#writeInto(folder, { signal, onBytes })
      const bytes = finishCopy(folder)
      flushFolder(folder)
      return { records, bytes }
    } catch (error) {
      if (error instanceof StoreError || signal?.aborted) throw error
      throw isOfTheSystem(error) ? explainCopyFailure(target, error) : explainFailure(target, error)
    }
  }

  async close(): Promise<void> {
    this.#moment?.done()
    this.#moment = undefined
    await letGo(this.#folder, this.#database)
  }

  /** Runs `work` while this process alone may write to the store. */
  hold(work: () => void): void {
    try {
      this.#database.transactionSync(work)
    } catch (error) {
      throw explainFailure(this.path, error)
    }
  }

  #look(): void {
    this.#moment?.done()
    // Or it would be the moment of the last reading, if that was in this turn of the event loop.
    this.#database.resetReadTxn()
    this.#moment = this.#database.useReadTransaction()
  }

  async #writeInto(folder: string, { signal, onBytes }: SnapshotCopyOptions): Promise<number> {
    const room = new DiskRoom(folder)
    // Flushed once, at the end: a copy that was not finished is none.
    const copy = await openLmdb(folder, { ...OPTIONS, noSync: true })
    try {
      let records = 0
      for (let after: Buffer | undefined; ; ) {
        const piece = this.#pieceAfter(after)
        after = piece.keys.at(-1)
        if (after === undefined) return records
        const shortage = room.isPlenty ? undefined : await room.shortageFor(copy, piece)
        if (shortage !== undefined) throw noRoom(folder, shortage)
        writePiece(copy, piece)
        records += piece.keys.length
        onBytes?.(piece.bytes)
        await new Promise((turn) => setImmediate(turn))
        signal?.throwIfAborted()
      }
    } finally {
      await copy.close()
    }
  }

  #pieceAfter(after: Buffer | undefined): Batch {
    const piece = new Batch()
    const moment = this.#moment
    if (moment === undefined) throw new Error('a snapshot is copied after it was taken')
    // The least key that is greater.
    const start = after === undefined ? Buffer.alloc(0) : Buffer.concat([after, Buffer.alloc(1)])
    for (const { key, value } of this.#database.getRange({ start, transaction: moment })) {
      // Reading a record checks its checksum, and clears it.
      new RecordReader(Buffer.from(value), this.path, key)
      piece.put(key, value)
      if (piece.bytes >= PIECE_BYTES) break
    }
    return piece
  }
}

function isOfTheSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}

function holdAll([first, ...others]: readonly StoreSnapshot[], work: () => void): void {
  if (first === undefined) work()
  else first.hold(() => holdAll(others, work))
}

function writePiece(copy: Database, { keys, values }: Batch): void {
  copy.transactionSync(() => {
    for (const [i, key] of keys.entries()) copy.putSync(key, values[i] as Buffer, { append: true })
  })
}
