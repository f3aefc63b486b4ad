import { join } from 'node:path'
import type { RootDatabase, RootDatabaseOptions } from 'lmdb'
import type { Batch } from './batch.js'
import { DATA_FILE, fillUpDataFile, identityOf, isShortDataFile } from './data-file.js'
import { DiskRoom } from './disk-room.js'
import { Erasing } from './erasing.js'
import { findFolder, flushFolder, prepareFolder } from './folder.js'
import { rangeOf } from './key-range.js'
import { explainCommitFailure, explainCopyFailure, explainFailure, noRoom } from './lmdb-failure.js'
import { openLmdb } from './lmdb-opening.js'
import { claim, letGo, openOnce, ownerOf } from './ownership.js'
import { writeQuietly } from './quiet-write.js'
import { RecordReader } from './record-reader.js'
import { damageOf, type Salvage, salvageDamaged } from './salvage.js'
import type { Schema } from './schema.js'
import { bringUpToDate, expectUpToDate, SCHEMA_KEY } from './schema-version.js'
import { StoreError } from './store-error.js'

type Database = RootDatabase<Buffer, Buffer>

/** Address space, not memory or disk; LMDB maps more when the file outgrows it. */
const INITIAL_MAP_BYTES = 2 ** 30

export const OPTIONS: RootDatabaseOptions & { permissionsMode: number } = {
  encoding: 'binary',
  keyEncoding: 'binary',
  // Keys and values lie directly in the main database, so that a commit touches one tree.
  maxDbs: 1,
  mapSize: INITIAL_MAP_BYTES,
  // A folder with a dot in its name is still a folder.
  noSubdir: false,
  permissionsMode: 0o600,
  // A commit is durable when it resolves: the worker thread flushes data, then the meta page, as LMDB is meant to.
  overlappingSync: false,
  // The batches come from us; lmdb's own would wrap them in a promise whose rejection nobody could handle.
  eventTurnBatching: false,
}

/**
 * One LMDB file and its owner: keys are byte strings in their order, values are records with a checksum, every commit
 * is one transaction.
 */
export class LmdbEnvironment {
  readonly path: string
  readonly #folder: string
  /** Undefined while it is opened again after a failed commit, or until the next one can, and when it is closed. */
  #database: Database | undefined
  #isClosed = false
  readonly #room: DiskRoom
  readonly #erasing: Erasing
  /** A page cannot be read, and no other with this transaction: it is to be opened again. */
  #isDamaged = false
  /** Identity of the data file that is open; see `identityOf`. */
  #identity: string | undefined
  /** Damage that was found at the openings, and not asked for yet. */
  #salvages: Salvage[] = []
  #recovering: Promise<void> | undefined

  private constructor(path: string, folder: string, database: Database) {
    this.path = path
    this.#folder = folder
    this.#room = new DiskRoom(folder)
    this.#erasing = new Erasing(join(folder, DATA_FILE), () => (this.#isInPlace ? this.#database : undefined))
    this.#database = database
    this.#identity = identityOf(join(folder, DATA_FILE))
  }

  /** Throws `StoreError`. */
  static async open(path: string, schema: Schema): Promise<LmdbEnvironment> {
    const folder = prepareFolder(path)
    const { database, salvage } = await openDatabase(path, folder)
    try {
      if (bringUpToDate(path, database, schema) === 'new') flushFolder(folder)
    } catch (error) {
      await letGo(folder, database)
      throw explainFailure(path, error)
    }
    const environment = new LmdbEnvironment(path, folder, database)
    if (salvage !== undefined) environment.#salvages.push(salvage)
    // A process that was killed has not erased what it removed.
    environment.#erasing.due()
    return environment
  }

  /** A page could not be read; `recover` is due. */
  get isDamaged(): boolean {
    return this.#isDamaged
  }

  /** Errors about damaged files that were found since the last call. */
  takeDamage(): StoreError[] {
    return this.#salvages.splice(0).map((salvage) => damageOf(this.path, salvage))
  }

  /**
   * To look in while another process may own it: nothing is made, migrated or claimed, and whoever wants to own it
   * waits for the end, so it must be short. `owner` is the process that owns it. Throws `StoreError`.
   */
  static async openToRead(
    path: string,
    schema: Schema,
  ): Promise<{ environment: LmdbEnvironment; owner: number | undefined }> {
    const folder = findFolder(path)
    await fillUpUnowned(path, folder)
    let database: Database | undefined
    try {
      // LMDB opens the lock file even so, and makes it where there is none; data.mdb stays as it is.
      database = await openOnce(path, folder, () => openLmdb(folder, { ...OPTIONS, readOnly: true }))
      expectUpToDate(path, database.get(SCHEMA_KEY), schema)
      return { environment: new LmdbEnvironment(path, folder, database), owner: ownerOf(database) }
    } catch (error) {
      if (database !== undefined) await letGo(folder, database)
      throw explainFailure(path, error)
    }
  }

  /** Every key that begins with `prefix`, in order; the values are not read. Throws `StoreError`. */
  *keys(prefix: Uint8Array | readonly number[]): Generator<Buffer> {
    try {
      yield* this.#expectOpen().getKeys(rangeOf(prefix))
    } catch (error) {
      throw this.#explain(error)
    }
  }

  /** The keys of a range, as `entries` without values. Throws `StoreError`. */
  *keysIn(range: { start: Buffer; end: Buffer }): Generator<Buffer> {
    try {
      const database = this.#expectOpen()
      database.resetReadTxn()
      yield* database.getKeys(range)
    } catch (error) {
      throw this.#explain(error)
    }
  }

  /** The last key that begins with `prefix`. Throws `StoreError`. */
  lastKey(prefix: Uint8Array | readonly number[]): Buffer | undefined {
    const { start, end } = rangeOf(prefix)
    if (end === undefined) throw new Error('a prefix of 0xff has no last key')
    try {
      for (const key of this.#expectOpen().getKeys({ start: end, end: start, reverse: true, limit: 2 })) {
        // A range that is read backwards has both ends in it.
        if (key.compare(end) < 0) return key.compare(start) < 0 ? undefined : key
      }
      return undefined
    } catch (error) {
      throw this.#explain(error)
    }
  }

  /** Every record whose key begins with `prefix`, in the order of the keys. Throws `StoreError`. */
  *records(prefix: Uint8Array | readonly number[]): Generator<{ key: Buffer; reader: RecordReader }> {
    for (const { key, value } of this.entries(rangeOf(prefix))) {
      yield { key, reader: this.reader(key, value) }
    }
  }

  /** Records from `start` up to before `end`, as the last commit left them. Throws `StoreError`. */
  *entries(range: { start: Buffer; end?: Buffer }): Generator<{ key: Buffer; value: Buffer }> {
    try {
      const database = this.#expectOpen()
      database.resetReadTxn()
      yield* database.getRange(range)
    } catch (error) {
      throw this.#explain(error)
    }
  }

  /** Reads see the last commit from now on. */
  refresh(): void {
    this.#database?.resetReadTxn()
  }

  /** Undefined where there is no such record. Throws `StoreError`. */
  get(key: Buffer): RecordReader | undefined {
    this.#database?.resetReadTxn()
    return this.getAgain(key)
  }

  /**
   * Reads as `get` does, for many in a row: as it was at the read before, where that was in this turn of the event
   * loop.
   */
  getAgain(key: Buffer): RecordReader | undefined {
    try {
      const value = this.#expectOpen().get(key)
      return value === undefined ? undefined : this.reader(key, value)
    } catch (error) {
      throw this.#explain(error)
    }
  }

  /** The value as it lies there, whether it can be read or not. Throws `StoreError`. */
  raw(key: Buffer): Buffer | undefined {
    try {
      return this.#expectOpen().get(key)
    } catch (error) {
      throw this.#explain(error)
    }
  }

  /** Throws `StoreError` 'damaged'. */
  reader(key: Buffer, value: Buffer): RecordReader {
    return new RecordReader(value, this.path, key)
  }

  /** Throws `StoreError` 'gone' where the file that is open no longer is the one of the folder. */
  check(): void {
    if (this.#isClosed || this.#isInPlace) return
    throw new StoreError(
      'gone',
      this.path,
      'its folder was deleted or replaced while it was open; put it back as it was, or stop this process and restore the folder from a backup',
    )
  }

  /**
   * Resolves once all of the batch is durable; where it rejects with `StoreError`, nothing of it is there. One at a
   * time.
   */
  async commit(batch: Batch): Promise<void> {
    this.#erasing.hold()
    try {
      await this.#commit(batch)
    } finally {
      this.#erasing.release()
    }
  }

  async #commit(batch: Batch): Promise<void> {
    const { keys, values } = batch
    if (!this.#room.isPlenty) {
      const shortage = await this.#room.shortageFor(this.#expectOpen(), batch)
      if (shortage !== undefined) throw noRoom(this.path, shortage)
    }
    const database = this.#expectOpen()
    this.check()
    try {
      await writeQuietly(() =>
        database.batch(() => {
          for (let i = 0; i < keys.length; i++) {
            const value = values[i]
            if (value === undefined) void database.remove(keys[i] as Buffer)
            else void database.put(keys[i] as Buffer, value)
          }
        }),
      )
    } catch (error) {
      const failure = await explainCommitFailure(this.path, this.#folder, error)
      // LMDB may refuse every further transaction after a failed write, and lmdb would wait for it for ever.
      this.#database = undefined
      await letGo(this.#folder, database)
      this.#isDamaged = false
      // Readers would have to wait for the next commit otherwise. Where it cannot be opened, that commit tells.
      await this.recover().catch(() => {})
      throw failure
    }
    // A commit to a file that has no name any more is as good as lost.
    this.check()
  }

  /**
   * Before anything else: opens again what a failed commit has closed and could not open, or what has a page that can
   * not be read. Throws `StoreError`.
   */
  async recover(): Promise<void> {
    if (this.#isClosed || (this.#database !== undefined && !this.#isDamaged)) return
    this.#recovering ??= this.#reopen().finally(() => {
      this.#recovering = undefined
    })
    return this.#recovering
  }

  /**
   * Copies the last commit into an empty folder while its owner goes on: page by page, with the names of LMDB. Until
   * that is done, the owner's file grows by what it changes. Not flushed. Throws `StoreError`.
   */
  async copyTo(folder: string): Promise<void> {
    const database = this.#expectOpen()
    try {
      await database.backup(folder, false)
    } catch (error) {
      throw explainCopyFailure(folder, error)
    }
  }

  async close(): Promise<void> {
    await this.#recovering?.catch(() => {})
    this.#erasing.finish()
    const database = this.#database
    this.#isClosed = true
    this.#database = undefined
    if (database !== undefined) await letGo(this.#folder, database)
  }

  get #isInPlace(): boolean {
    return identityOf(join(this.#folder, DATA_FILE)) === this.#identity
  }

  async #reopen(): Promise<void> {
    this.#erasing.hold()
    try {
      await this.#openAgain()
    } finally {
      this.#erasing.release()
    }
  }

  async #openAgain(): Promise<void> {
    this.check()
    const damaged = this.#database
    this.#database = undefined
    this.#isDamaged = false
    if (damaged !== undefined) await letGo(this.#folder, damaged)
    const { database, salvage } = await openDatabase(this.path, this.#folder)
    this.#database = database
    this.#identity = identityOf(join(this.#folder, DATA_FILE))
    if (salvage !== undefined) this.#salvages.push(salvage)
  }

  /** A reading has failed. */
  #explain(error: unknown): StoreError {
    const failure = explainFailure(this.path, error)
    if (failure !== error && failure.code === 'damaged') this.#isDamaged = true
    return failure
  }

  #expectOpen(): Database {
    if (this.#database !== undefined) return this.#database
    throw new StoreError('closed', this.path, 'it was closed before; open it again to use it')
  }
}

async function openDatabase(
  path: string,
  folder: string,
): Promise<{ database: Database; salvage: Salvage | undefined }> {
  let database: Database | undefined
  try {
    database = await claimSound(path, folder)
    const salvage = await salvageDamaged(path, folder, (workshop) => openLmdb(workshop, OPTIONS))
    if (salvage === undefined) return { database, salvage }
    await letGo(folder, database)
    database = undefined
    database = await claimSound(path, folder)
    return { database, salvage }
  } catch (error) {
    if (database !== undefined) await letGo(folder, database)
    throw explainFailure(path, error)
  }
}

async function claimSound(path: string, folder: string): Promise<Database> {
  const database = await claim(path, folder, () => openLmdb(folder, OPTIONS))
  fillUpDataFile(join(folder, DATA_FILE))
  return database
}

/** Missing pages would end a reader, too. What a living owner leaves out it filled up before, so nothing refers to it. */
export async function fillUpUnowned(path: string, folder: string): Promise<void> {
  if (!isShortDataFile(join(folder, DATA_FILE))) return
  try {
    const { database } = await openDatabase(path, folder)
    await letGo(folder, database)
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'in-use') throw error
  }
}
