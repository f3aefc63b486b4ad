import type { RootDatabase } from 'lmdb'
import { StoreError } from './store-error.js'

const OPEN_FOLDERS = Symbol.for('@jamey/store open folders')

/**
 * Opens the database unless somebody has it open, and claims it. The claim is a reader's slot in LMDB's lock file: the
 * kernel tells whether the process of a slot lives, so a killed owner leaves nothing to clear away. It is taken within
 * a write transaction, in which only one process can be, so that of two who open at once exactly one wins. Throws
 * `StoreError` 'in-use'.
 */
export async function claim<Database extends RootDatabase>(
  path: string,
  folder: string,
  openDatabase: () => Database,
): Promise<Database> {
  const folders = openFolders()
  // LMDB must not open a file twice in a process: closing one of them would drop the locks of the other.
  if (folders.has(folder)) throw inUse(path, 'this process has it open already; close that store first')
  folders.add(folder)
  let database: Database | undefined
  try {
    database = openDatabase()
    takeSlot(path, database)
    return database
  } catch (error) {
    await database?.close()
    folders.delete(folder)
    throw error
  }
}

export async function letGo(folder: string, database: RootDatabase): Promise<void> {
  await database.close()
  openFolders().delete(folder)
}

function takeSlot(path: string, database: RootDatabase): void {
  database.transactionSync(() => {
    const owner = /^ *(\d+) /m.exec(database.readerList())?.[1]
    if (owner !== undefined) {
      throw inUse(path, `process ${owner} has it open; stop that process, or give this one another folder`)
    }
    // The slot stays taken when its transaction is over, until the database is closed.
    database.useReadTransaction().done()
  })
}

/** Shared by all copies of this package that a process may have loaded. */
function openFolders(): Set<string> {
  const shared = globalThis as { [OPEN_FOLDERS]?: Set<string> }
  shared[OPEN_FOLDERS] ??= new Set()
  return shared[OPEN_FOLDERS]
}

function inUse(path: string, what: string): StoreError {
  return new StoreError('in-use', path, what)
}
