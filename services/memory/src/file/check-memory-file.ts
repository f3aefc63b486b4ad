import { StorageError } from '../model/errors.js'
import { ReadOnlyFile } from './read-only-file.js'

export interface MemoryFileCheck {
  readonly bytes: number
  readonly memories: number
}

/**
 * Looks through a whole memory file (`PRAGMA quick_check`), also while its service has it open, and changes nothing: it
 * is opened to read alone. Throws `StorageError` where it is damaged, cannot be opened, is no memory file, or one
 * of a newer program, of which nobody here can tell whether it is whole.
 */
export function checkMemoryFile(file: string): MemoryFileCheck {
  const opened = new ReadOnlyFile(file)
  try {
    const said = opened.value('PRAGMA quick_check(1)')
    if (said !== 'ok') {
      const message = `The memory file ${file} is damaged (${said}); restore it from a copy, or move it away to begin anew.`
      throw new StorageError('storage-damaged', message)
    }
    return { bytes: opened.bytes, memories: Number(opened.value('SELECT count(*) FROM memories')) }
  } finally {
    opened.close()
  }
}
