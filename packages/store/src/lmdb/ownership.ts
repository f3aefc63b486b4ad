import { setTimeout } from 'node:timers/promises'
import type { RootDatabase } from 'lmdb'
import { StoreError } from './store-error.js'

/** A reader of another process's store has a slot, too, but for one page only: it is waited for. */
const READERS_LEAVE_MS = 1000
const LOOK_AGAIN_MS = 20

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
  openDatabase: () => Promise<Database>,
): Promise<Database> {
  const database = await openOnce(path, folder, openDatabase)
  try {
    await takeSlot(path, database)
    return database
  } catch (error) {
    await letGo(folder, database)
    throw error
  }
}

/** Throws `StoreError` 'in-use' where this process has it open already, as owner or to read. */
export async function openOnce<Database extends RootDatabase>(
  path: string,
  folder: string,
  openDatabase: () => Promise<Database>,
): Promise<Database> {
  const folders = openFolders()
  // LMDB must not open a file twice in a process: closing one of them would drop the locks of the other.
  if (folders.has(folder)) throw inUse(path, 'this process has it open already; close that store first')
  folders.add(folder)
  try {
    return await openDatabase()
  } catch (error) {
    folders.delete(folder)
    throw error
  }
}

/** The process, other than this one, that has the database open. */
export function ownerOf(database: RootDatabase): number | undefined {
  const processes = [...database.readerList().matchAll(/^ *(\d+) /gm)].map(([, pid]) => Number(pid))
  return processes.find((pid) => pid !== process.pid)
}

export async function letGo(folder: string, database: RootDatabase): Promise<void> {
  await database.close()
  openFolders().delete(folder)
}

async function takeSlot(path: string, database: RootDatabase): Promise<void> {
  const endsAtMs = performance.now() + READERS_LEAVE_MS
  for (;;) {
    const owner = tryToTakeSlot(database)
    if (owner === undefined) return
    if (performance.now() >= endsAtMs) {
      throw inUse(path, `process ${owner} has it open; stop that process, or give this one another folder`)
    }
    await setTimeout(LOOK_AGAIN_MS)
    // A process that was killed meanwhile leaves its slot to whoever clears it away.
    database.readerCheck()
  }
}

/** Gives the process that has one already. */
function tryToTakeSlot(database: RootDatabase): number | undefined {
  return database.transactionSync(() => {
    const owner = ownerOf(database)
    // The slot stays taken when its transaction is over, until the database is closed.
    if (owner === undefined) database.useReadTransaction().done()
    return owner
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
