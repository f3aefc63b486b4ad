import { statSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { OwnershipError } from '@jamey/auth'
import Libsql from 'libsql'
import { foreignFile, StorageError, storageErrorFrom } from '../model/errors.js'
import { mustBeOwn } from './create-once.js'
import { APPLICATION_ID, mustBeKnown } from './migrate.js'
import { MEMORY_FILE_VERSION } from './schema.js'

type Connection = InstanceType<typeof Libsql>

const WAIT_FOR_OTHERS_MS = 2_000

/**
 * A memory file opened to read alone, also while its service has it open; nothing of it is changed, checked or
 * migrated. Everything it throws is a `StorageError` that names the file.
 */
export class ReadOnlyFile {
  readonly file: string
  readonly bytes: number
  readonly #connection: Connection

  /** Throws `StorageError` where there is none, it cannot be opened, or is no memory file, or one of a newer program. */
  constructor(file: string) {
    this.file = file
    this.bytes = this.#guard(() => {
      mustBeOwn(file)
      return statSync(file).size
    })
    const url = pathToFileURL(file)
    // The library ignores its own option `readonly`.
    url.searchParams.set('mode', 'ro')
    this.#connection = this.#guard(() => new Libsql(url.href, { timeout: WAIT_FOR_OTHERS_MS }))
    try {
      this.#mustBeOurs()
    } catch (error) {
      this.#connection.close()
      throw error
    }
  }

  rows<Row>(sql: string, ...values: (string | number)[]): Row[] {
    return this.#guard(() => this.#connection.prepare<typeof values>(sql).all(...values) as Row[])
  }

  /** The first column of the first row. */
  value(sql: string): unknown {
    return Object.values(this.rows<object>(sql)[0] ?? {})[0]
  }

  /** A copy of its own of all that is committed, in a file that is not there yet. */
  copyTo(path: string): void {
    this.#guard(() => this.#connection.prepare<[string]>('VACUUM INTO ?').run(path))
  }

  close(): void {
    this.#connection.close()
  }

  #mustBeOurs(): void {
    const id = this.value('PRAGMA application_id')
    if (id !== APPLICATION_ID) {
      throw new StorageError(
        'storage-foreign',
        `The file ${this.file} is no memory file of Jamey (application id ${id}); name another one in JAMEY_MEMORY_FILE.`,
      )
    }
    mustBeKnown(this.file, Number(this.value('PRAGMA user_version')), MEMORY_FILE_VERSION)
  }

  #guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (error instanceof OwnershipError) throw foreignFile(error)
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw storageErrorFrom(error, this.file)
      const { message } = error as Error
      throw new StorageError('storage-io', `The memory file ${this.file} cannot be read: ${message}.`, error)
    }
  }
}
