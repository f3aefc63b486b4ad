import { statfs } from 'node:fs/promises'
import { constants } from 'node:os'
import { WHAT_TO_DO_WITH_DAMAGE } from './record-reader.js'
import { StoreError, type StoreErrorCode } from './store-error.js'

/** Return codes of LMDB (lmdb.h), and of lmdb's own for a map that cannot grow. */
const LMDB_CODES: Readonly<Record<number, StoreErrorCode>> = {
  [-30797]: 'damaged', // MDB_PAGE_NOTFOUND
  [-30796]: 'damaged', // MDB_CORRUPTED
  [-30795]: 'io-failed', // MDB_PANIC
  [-30794]: 'foreign', // MDB_VERSION_MISMATCH
  [-30793]: 'foreign', // MDB_INVALID
  [-30792]: 'full', // MDB_MAP_FULL
  [-30784]: 'foreign', // MDB_INCOMPATIBLE
  [-30782]: 'damaged', // MDB_BAD_TXN, which a page that cannot be read leaves behind
  [-30779]: 'damaged', // MDB_PROBLEM
}

const { EACCES, EPERM, EROFS, ENOSPC, EDQUOT, EFBIG, ENOMEM, EIO } = constants.errno
const SYSTEM_CODES: Readonly<Record<number, StoreErrorCode>> = {
  [EACCES]: 'not-accessible',
  [EPERM]: 'not-accessible',
  [EROFS]: 'not-accessible',
  [ENOSPC]: 'full',
  [EDQUOT]: 'full',
  [EFBIG]: 'full',
  [ENOMEM]: 'full',
}

const ADVICE: Partial<Record<StoreErrorCode, string>> = {
  damaged: WHAT_TO_DO_WITH_DAMAGE,
  full: 'make room on the disk, or raise the limit of the file size; nothing was half written',
  foreign: 'give the store a folder of its own',
  'not-accessible': 'let the user of this process read and write there, or choose another folder',
  'io-failed':
    'the disk failed, or a quota or limit was reached in the middle of a write; nothing was half written',
}

/** Free bytes below which a write that fell short is taken to have filled the disk. */
const NEARLY_FULL_BYTES = 4 * 1024 * 1024

/** Any error of lmdb as a `StoreError`. */
export function explainFailure(path: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const code = codeOf(error)
  return makeError(path, error, LMDB_CODES[code] ?? SYSTEM_CODES[code] ?? 'io-failed')
}

/** The reason why a batch did not commit, which lmdb gives in a promise of its own. */
export async function explainCommitFailure(
  path: string,
  folder: string,
  error: unknown,
): Promise<StoreError> {
  const reason = await (error as { commitError?: Promise<never> }).commitError?.catch(
    (cause: unknown) => cause,
  )
  const cause = reason ?? error
  // LMDB calls it EIO, too, when only a part of its pages found room.
  if (codeOf(cause) === EIO && (await isNearlyFull(folder))) return makeError(path, cause, 'full')
  return explainFailure(path, cause)
}

/** The reason why a copy was not made, for which lmdb has only the system's words. */
export function explainCopyFailure(path: string, error: unknown): StoreError {
  const { message } = error as Error
  const code = /no space left|quota|too large/i.test(message) ? 'full' : 'io-failed'
  return makeError(path, error, /denied|not permitted|read-only/i.test(message) ? 'not-accessible' : code)
}

/** Nothing was tried, for want of room. */
export function noRoom(path: string, shortage: string): StoreError {
  return new StoreError('full', path, `${shortage}; make room on the disk; nothing was written`)
}

function makeError(path: string, cause: unknown, code: StoreErrorCode): StoreError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new StoreError(code, path, `${reason}; ${ADVICE[code]}`, { cause })
}

function codeOf(error: unknown): number {
  const { code } = error as { code?: unknown }
  return typeof code === 'number' ? code : 0
}

async function isNearlyFull(folder: string): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize < NEARLY_FULL_BYTES
  } catch {
    return false
  }
}
