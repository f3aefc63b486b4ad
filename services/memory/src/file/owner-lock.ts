import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { OwnershipError, ownPath } from '@jamey/auth'
import Libsql from 'libsql'
import { foreignFile, StorageError, storageErrorFrom } from '../model/errors.js'
import { createOnce, mustBeOwn } from './create-once.js'

type Connection = InstanceType<typeof Libsql>

/**
 * Held by the one process that serves a memory file: an exclusive lock of SQLite on `<file>.owner` beside it, which holds
 * nothing. The kernel ends it with the process, however that ends, and not before: a process that only stands still
 * keeps it.
 */
export class OwnerLock {
  readonly #connection: Connection

  private constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Takes the lock; undefined while another holds it. It does not wait. Throws `StorageError` where the file cannot be
   * made or locked.
   */
  static tryTake(memoryFile: string): OwnerLock | undefined {
    const file = `${resolve(memoryFile)}.owner`
    secure(file)
    let connection: Connection | undefined
    try {
      connection = new Libsql(file, { timeout: 0 })
      connection.exec('BEGIN EXCLUSIVE')
      return new OwnerLock(connection)
    } catch (error) {
      connection?.close()
      const failure = storageErrorFrom(error, file)
      if (failure instanceof StorageError && failure.code === 'storage-busy') return undefined
      throw failure
    }
  }

  /** Safe to call twice. */
  release(): void {
    if (this.#connection.open) this.#connection.close()
  }
}

function secure(file: string): void {
  try {
    const folder = dirname(file)
    ownPath(dirname(folder))
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    mustBeOwn(file)
    createOnce(file)
  } catch (error) {
    if (error instanceof OwnershipError) throw foreignFile(error)
    const reason = error instanceof Error ? error.message : String(error)
    const code = /EROFS|EACCES|EPERM/.test(reason) ? 'storage-readonly' : 'storage-io'
    throw new StorageError(
      code,
      `The lock ${file} of the memory file cannot be created (${reason}); check the folder, its permissions and JAMEY_MEMORY_FILE.`,
      error,
    )
  }
}
