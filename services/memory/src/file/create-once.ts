import { closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { ownPath } from '@jamey/auth'

/** Nobody else may put files of SQLite's own (`-wal`, `-journal`) beside it either. Throws `OwnershipError`. */
export function mustBeOwn(file: string): void {
  ownPath(dirname(file), { kind: 'folder' })
  ownPath(file)
}

/**
 * Creates a file with mode 0600 unless it is there. One that is must not be opened beside SQLite: closing it again ends
 * the locks that this process holds on it (POSIX has them by process), and another process that closes the file then
 * removes the log that is written here.
 */
export function createOnce(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
