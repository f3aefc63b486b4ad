import { chmodSync, closeSync, fsyncSync, openSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DATA_FILE, LOCK_FILE } from './data-file.js'

/** The bytes of the copy in a folder, now for its owner only and on the disk; the folder's entries are not flushed. */
export function finishCopy(folder: string): number {
  const file = join(folder, DATA_FILE)
  rmSync(join(folder, LOCK_FILE), { force: true })
  chmodSync(file, 0o600)
  const descriptor = openSync(file, 'r+')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  return statSync(file).size
}
