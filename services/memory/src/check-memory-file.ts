import { statSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import Libsql from 'libsql'
import { StorageError, storageErrorFrom } from './error.js'
import { APPLICATION_ID } from './schema.js'

export interface MemoryFileCheck {
  readonly bytes: number
  readonly memories: number
}

const WAIT_FOR_OTHERS_MS = 2_000

/**
 * Looks through a whole memory file (`PRAGMA quick_check`), also while its service has it open, and changes nothing: it
 * is opened to read alone. Throws `StorageError` where it is damaged, can not be opened, or is no memory file.
 */
export function checkMemoryFile(file: string): MemoryFileCheck {
  let database: InstanceType<typeof Libsql> | undefined
  try {
    const { size: bytes } = statSync(file)
    const url = pathToFileURL(file)
    // The library ignores its own option `readonly`.
    url.searchParams.set('mode', 'ro')
    const opened = new Libsql(url.href, { timeout: WAIT_FOR_OTHERS_MS })
    database = opened
    const [id] = valuesOf(opened, 'PRAGMA application_id')
    if (id !== APPLICATION_ID) {
      const message = `The file ${file} is no memory file of Jamey (application id ${id}); name another one in JAMEY_MEMORY_FILE.`
      throw new StorageError('storage-foreign', message)
    }
    const [said] = valuesOf(opened, 'PRAGMA quick_check(1)')
    if (said !== 'ok') {
      const message = `The memory file ${file} is damaged (${said}); restore it from a copy, or move it away to begin anew.`
      throw new StorageError('storage-damaged', message)
    }
    const [memories] = valuesOf(opened, 'SELECT count(*) FROM memories')
    return { bytes, memories: Number(memories) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw storageErrorFrom(error, file)
    const { message } = error as Error
    throw new StorageError('storage-io', `The memory file ${file} can not be read: ${message}.`, error)
  } finally {
    database?.close()
  }
}

/** The first column of every row. */
function valuesOf(database: InstanceType<typeof Libsql>, sql: string): unknown[] {
  return database
    .prepare<never[]>(sql)
    .all()
    .map((row) => Object.values(row as object)[0])
}
