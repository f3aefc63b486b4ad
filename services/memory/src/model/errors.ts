import { JameyError, type OwnershipError } from '@jamey/auth'

/** The request itself is wrong; sending it again unchanged cannot help. `field` names what to change. */
export class MemoryInputError extends JameyError<'memory-input'> {
  override readonly name = 'MemoryInputError'
  /** Path of the member at fault: `tags[3]`, `metadata`. */
  readonly field: string

  constructor(field: string, expected: string) {
    super('memory-input', `${field}: ${expected}`)
    this.field = field
  }
}

export type MemoryConflictCode =
  /** Another memory was stored under this id. */
  | 'memory-conflict'
  /** This message was stored before, and what it stored has been forgotten or has expired since. */
  | 'memory-gone'
  /** The memory has another version than the one that was to be replaced. */
  | 'memory-version'

/** What is there stands against the request: its id is spoken for, or the memory is another than was meant. */
export class MemoryConflictError extends JameyError<MemoryConflictCode> {
  override readonly name = 'MemoryConflictError'
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(code: MemoryConflictCode, message: string, details?: Readonly<Record<string, unknown>>) {
    super(code, message)
    this.details = details
  }
}

export type MemoryRefusedCode =
  /** More memories would be forgotten than are without being asked; `details.would_forget` tells how many. */
  | 'memory-confirmation-needed'
  /** Its owner is not in that group, or the memory is another's to change. */
  | 'memory-forbidden'
  /** There is no such memory, or it is not this client's to see. */
  | 'memory-unknown'
  /** The owner has as many bytes as it may; `details` tells `bytes` and `maximum_bytes`. */
  | 'memory-quota'
  /** The question took longer than one may. */
  | 'memory-query-timeout'

/** What the request asks for is not granted to this client, or not in this way; `details` has the figures. */
export class MemoryRefusedError extends JameyError<MemoryRefusedCode> {
  override readonly name = 'MemoryRefusedError'
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: MemoryRefusedCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(code, message)
    this.details = details
  }
}

export type EmbeddingsErrorCode = 'embeddings-unreachable' | 'embeddings-refused' | 'embeddings-invalid'

/** The endpoint of embeddings gave none. Nobody's request fails of it: questions go on without them. */
export class EmbeddingsError extends JameyError<EmbeddingsErrorCode> {
  override readonly name = 'EmbeddingsError'
  /** The HTTP status of an answer; undefined where there was none. */
  readonly status: number | undefined

  constructor(
    code: EmbeddingsErrorCode,
    message: string,
    { status, cause }: { readonly status?: number | undefined; readonly cause?: unknown } = {},
  ) {
    super(code, message, { cause, retryable: code === 'embeddings-unreachable' || isPassing(status) })
    this.status = status
  }
}

function isPassing(status: number | undefined): boolean {
  return status !== undefined && (status === 408 || status === 429 || status >= 500)
}

export type StorageErrorCode =
  | 'storage-away'
  | 'storage-busy'
  | 'storage-closed'
  | 'storage-damaged'
  | 'storage-failed'
  | 'storage-foreign'
  | 'storage-full'
  | 'storage-io'
  | 'storage-moved'
  | 'storage-overloaded'
  | 'storage-readonly'
  | 'storage-refused'
  | 'storage-superseded'
  | 'storage-thread'
  | 'storage-version'

const RETRYABLE: ReadonlySet<StorageErrorCode> = new Set<StorageErrorCode>([
  'storage-away',
  'storage-busy',
  'storage-closed',
  'storage-full',
  'storage-io',
  'storage-overloaded',
  'storage-readonly',
  'storage-superseded',
  'storage-thread',
])

/**
 * The file could not do what was asked; nothing of the request was stored. `retryable` says whether the same
 * request may succeed later without anybody touching the file.
 */
export class StorageError extends JameyError<StorageErrorCode> {
  override readonly name = 'StorageError'

  constructor(code: StorageErrorCode, message: string, cause?: unknown) {
    super(code, message, { cause, retryable: RETRYABLE.has(code) })
  }
}

/** A file that another user could have put there is no file of ours either. */
export function foreignFile(error: OwnershipError): StorageError {
  return new StorageError('storage-foreign', `The memory file cannot be used: ${error.message}.`, error)
}

const ADVICE: Readonly<Record<string, readonly [StorageErrorCode, string]>> = {
  SQLITE_BUSY: ['storage-busy', 'is held by another process for longer than the busy timeout; try again'],
  SQLITE_LOCKED: ['storage-busy', 'is held by another statement; try again'],
  SQLITE_FULL: ['storage-full', 'cannot grow: the disk or the configured maximum is full; free some space'],
  SQLITE_READONLY: ['storage-readonly', 'cannot be written to; check its permissions and its file system'],
  SQLITE_PERM: ['storage-readonly', 'cannot be written to; check its permissions'],
  SQLITE_IOERR: ['storage-io', 'could not be read or written by the operating system; check the disk'],
  SQLITE_CANTOPEN: ['storage-io', 'could not be opened; check the folder and its permissions'],
  SQLITE_CORRUPT: ['storage-damaged', 'is damaged; restore it from a copy, or move it away to begin anew'],
  SQLITE_NOTADB: ['storage-damaged', 'is not a database; move it away, or name another file'],
}

/** Turns what the database library throws into a `StorageError` that names the file; others pass unchanged. */
export function storageErrorFrom(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || error instanceof StorageError) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (!code.startsWith('SQLITE_')) {
    // Failing to open carries no code, only SQLite's number at the end of its text.
    if (!/connection to local database|connection is not open/.test(error.message)) return error
    if (error.message.includes('not open')) {
      return new StorageError('storage-closed', `The memory file ${file} is closed.`, error)
    }
    return known('SQLITE_CANTOPEN', file, error)
  }
  // Extended codes such as SQLITE_IOERR_WRITE begin with the primary one.
  const primary = code.split('_').slice(0, 2).join('_')
  return known(primary, file, error)
}

function known(primary: string, file: string, cause: Error): StorageError {
  const [code, advice] = ADVICE[primary] ?? (['storage-failed', 'refused a statement'] as const)
  return new StorageError(code, `The memory file ${file} ${advice} (${primary}: ${cause.message}).`, cause)
}
