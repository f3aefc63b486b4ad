import { Batch } from '../lmdb/batch.js'
import { rangeOf } from '../lmdb/key-range.js'
import { LmdbEnvironment } from '../lmdb/lmdb-environment.js'
import { RecordWriter } from '../lmdb/record-writer.js'
import { StoreError } from '../lmdb/store-error.js'
import type { FoundRecord, RecordChange, RecordStore, RecordStoreOptions } from './record-store.js'

/** Before the key of each record; what is below it is the store's own. */
const PREFIX = 1
const MAXIMUM_KEY_BYTES = 1024

/** Rejects with `StoreError`; 'in-use' where another process, or this one, has the folder open. */
export async function openRecordStore({ path, kind, version }: RecordStoreOptions): Promise<RecordStore> {
  const environment = await LmdbEnvironment.open(path, { kind, version, migrations: new Map() })
  for (const damage of environment.takeDamage()) {
    process.emitWarning(damage.message, { type: 'StoreWarning', code: 'STORE_DAMAGED' })
  }
  return new LmdbRecordStore(environment)
}

interface Staged {
  readonly changes: readonly RecordChange[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

class LmdbRecordStore implements RecordStore {
  readonly path: string
  readonly #environment: LmdbEnvironment
  readonly #writer = new RecordWriter()
  /** Asked for and not yet being written. */
  #staged: Staged[] = []
  #writing: Promise<void> | undefined
  #isClosed = false

  constructor(environment: LmdbEnvironment) {
    this.path = environment.path
    this.#environment = environment
  }

  *records(): Iterable<FoundRecord> {
    for (const { key, value } of this.#environment.entries(rangeOf([PREFIX]))) {
      const name = key.toString('utf8', 1)
      yield this.#found(name, key, value)
    }
  }

  commit(changes: readonly RecordChange[]): Promise<void> {
    if (this.#isClosed) return Promise.reject(this.#closedError())
    for (const { key } of changes) assertKey(key)
    return new Promise((resolve, reject) => {
      this.#staged.push({ changes, resolve, reject })
      this.#writing ??= this.#write()
    })
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#writing
    await this.#environment.close()
  }

  #found(name: string, key: Buffer, value: Buffer): FoundRecord {
    try {
      // What is read lies in memory of LMDB, which the next transaction may change.
      return { key: name, value: Buffer.from(this.#environment.reader(key, value).rest()) }
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'damaged') throw error
      return { key: name, error }
    }
  }

  /** Until nothing is left to write. Never rejects. */
  async #write(): Promise<void> {
    // What else is asked for in this turn goes with it.
    await Promise.resolve()
    while (this.#staged.length > 0) {
      const taken = this.#staged
      this.#staged = []
      try {
        await this.#environment.recover()
        await this.#environment.commit(this.#batchOf(taken))
        for (const { resolve } of taken) resolve()
      } catch (error) {
        for (const { reject } of [...taken, ...this.#staged.splice(0)]) reject(error)
      } finally {
        this.#writer.reset()
      }
    }
    this.#writing = undefined
  }

  #batchOf(staged: readonly Staged[]): Batch {
    const batch = new Batch()
    for (const { changes } of staged) {
      for (const { key, value } of changes) {
        const name = this.#writer.byte(PREFIX).rest(Buffer.from(key, 'utf8')).endKey()
        if (value === undefined) batch.remove(name)
        else batch.put(name, this.#writer.rest(value).endValue())
      }
    }
    return batch
  }

  #closedError(): StoreError {
    return new StoreError('closed', this.path, 'it was closed before; open it again to use it')
  }
}

function assertKey(key: string): void {
  const bytes = Buffer.byteLength(key)
  if (bytes >= 1 && bytes <= MAXIMUM_KEY_BYTES) return
  throw new RangeError(`record key: expected 1 to ${MAXIMUM_KEY_BYTES} bytes as UTF-8, found ${bytes}`)
}
