import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { checkDataFile, DATA_FILE, LOCK_FILE } from './data-file.js'
import { StoreError } from './store-error.js'

const OPEN_TO_OTHERS = 0o077

/**
 * Makes the folder where there is none and sees that it is a store's, readable by its owner only. Gives its real path.
 * Throws `StoreError`.
 */
export function prepareFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    const folder = realpathSync(path)
    const file = join(folder, DATA_FILE)
    if (existsSync(file)) checkDataFile(path, file)
    else expectEmpty(path, folder)
    // The folder is shut only now: it would be wrong to shut one that is somebody else's.
    for (const mine of [folder, file, join(folder, LOCK_FILE)]) shut(mine)
    return folder
  } catch (error) {
    if (error instanceof StoreError) throw error
    throw explainAccess(path, error as NodeJS.ErrnoException)
  }
}

/** The real path of a folder that is a store's; nothing is made or changed. Throws `StoreError`. */
export function findFolder(path: string): string {
  try {
    const folder = realpathSync(path)
    const file = join(folder, DATA_FILE)
    if (statSync(file).size > 0) {
      checkDataFile(path, file)
      return folder
    }
    throw new StoreError(
      'damaged',
      path,
      `${DATA_FILE} is empty: whoever made it died before anything was in it; start its owner, which fills it`,
    )
  } catch (error) {
    if (error instanceof StoreError) throw error
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') throw explainAccess(path, error as NodeJS.ErrnoException)
    throw new StoreError('not-accessible', path, 'there is no store; check the path', { cause: error })
  }
}

/** A new file survives a power cut only once the folder that names it does, too. */
export function flushFolder(folder: string): void {
  // Windows flushes no folders, and has no need to.
  if (process.platform === 'win32') return
  for (const named of [folder, dirname(folder)]) {
    const descriptor = openSync(named, 'r')
    try {
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  }
}

/** Files that a volume or a version control system puts into every folder are no content. */
function expectEmpty(path: string, folder: string): void {
  const others = readdirSync(folder).filter(
    (name) => name !== LOCK_FILE && name !== 'lost+found' && !name.startsWith('.'),
  )
  if (others.length === 0) return
  throw new StoreError(
    'foreign',
    path,
    `expected an empty folder or a store, found ${others.slice(0, 3).join(', ')}; give the store a folder of its own`,
  )
}

function shut(path: string): void {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0
  if ((mode & OPEN_TO_OTHERS) === 0) return
  try {
    chmodSync(path, mode & ~OPEN_TO_OTHERS & 0o777)
  } catch (error) {
    // A mounted volume may belong to somebody else. Its files are still readable by us only.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
  }
}

function explainAccess(path: string, error: NodeJS.ErrnoException): StoreError {
  if (error.code === 'ENOTDIR' || error.code === 'EEXIST') {
    return new StoreError(
      'foreign',
      path,
      'expected a folder, found a file; give the store a folder of its own',
      {
        cause: error,
      },
    )
  }
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') {
    return new StoreError('full', path, 'no room to make the folder; make room on the disk', { cause: error })
  }
  return new StoreError(
    'not-accessible',
    path,
    `${error.message}; let the user of this process read and write there, or choose another folder`,
    { cause: error },
  )
}
