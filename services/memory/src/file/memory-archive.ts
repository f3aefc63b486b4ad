import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ArchivedMemory } from '@jamey/contracts'
import { archivedFrom, type Leading } from '../model/archived-memory.js'
import { StorageError } from '../model/errors.js'
import { completed, type MemoryRow, type VersionRow, versionFromRow } from '../model/memory-record.js'
import { checkMemoryFile, type MemoryFileCheck } from './check-memory-file.js'
import { ReadOnlyFile } from './read-only-file.js'

const PAGE = 500

/** The keys that lead to a memory; of very many the newest. */
export const KEYS_OF =
  'SELECT key, content_hash FROM memory_keys WHERE seq = ? ORDER BY sent_at DESC, key LIMIT 100'

/** The messages whose text became part of a memory; of very many the newest. */
export const MESSAGES_OF = 'SELECT id, sent_at FROM merged_ids WHERE seq = ? ORDER BY at DESC, id LIMIT 100'

/** The requests that changed a memory; of very many the newest. */
export const UPDATES_OF =
  'SELECT id, version FROM update_requests WHERE seq = ? ORDER BY version DESC, id LIMIT 100'

/** Reads a whole memory file, also while its service writes to it. Everything throws `StorageError`. */
export class MemoryArchive {
  readonly #file: ReadOnlyFile
  readonly #now: () => number

  /** `now` in milliseconds since 1970. */
  constructor(file: string, now: () => number) {
    this.#file = new ReadOnlyFile(file)
    this.#now = now
  }

  /** Number of memories in it now. */
  get count(): number {
    return Number(this.#file.value('SELECT count(*) FROM memories'))
  }

  /**
   * Every memory that is kept for the whole time of reading, with its versions, in the order of storing, without those that have
   * expired. Read a page at a time, so that a slow reader holds up neither the service nor its log.
   */
  *memories(): Generator<ArchivedMemory> {
    for (let after = 0; ; ) {
      const page = this.#file.rows<MemoryRow & { seq: number }>(
        `SELECT * FROM memories WHERE seq > ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY seq LIMIT ${PAGE}`,
        after,
        this.#now(),
      )
      for (const row of page) {
        yield { ...archivedFrom(completed(row), this.#leadingTo(row)), ...this.#historyOf(row) }
      }
      const last = page.at(-1)
      if (last === undefined) return
      after = last.seq
    }
  }

  /** A file of an older program knows of none. */
  #leadingTo({ seq, idempotency_key, count, version }: MemoryRow & { readonly seq: number }): Leading {
    const isKeyed = idempotency_key !== undefined && idempotency_key !== null
    const isMerged = count !== undefined && count > 1
    const isChanged = version !== undefined && version > 1
    return {
      keys: isKeyed ? this.#file.rows(KEYS_OF, seq) : [],
      messages: isMerged ? this.#file.rows(MESSAGES_OF, seq) : [],
      updates: isChanged ? this.#file.rows(UPDATES_OF, seq) : [],
    }
  }

  /** The versions before this one, the newest first; a file of an older program knows none. */
  #historyOf({
    seq,
    version,
  }: {
    readonly seq: number
    readonly version?: number
  }): Pick<ArchivedMemory, 'history'> {
    if (version === undefined || version === 1) return {}
    const rows = this.#file.rows<VersionRow>(
      'SELECT * FROM memory_versions WHERE seq = ? AND version < ? ORDER BY version DESC',
      seq,
      version,
    )
    return { history: rows.map(versionFromRow) }
  }

  /**
   * Writes a copy of all that is committed to `path`, which must not be there: checked, on the disk, readable by its
   * owner alone, and complete from its first moment.
   */
  backup(path: string): MemoryFileCheck {
    if (existsSync(path))
      throw new StorageError('storage-failed', `${path} is there already; name a new file.`)
    const draft = `${path}.${process.pid}.new`
    try {
      // The copy is written into a file that is there, so that nobody else can read it at any moment.
      closeSync(openSync(draft, 'wx', 0o600))
      this.#file.copyTo(draft)
      flush(draft)
      const checked = checkMemoryFile(draft)
      renameSync(draft, path)
      flush(dirname(path))
      return checked
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
      const { message } = error as Error
      throw new StorageError('storage-io', `The backup ${path} cannot be written: ${message}.`, error)
    } finally {
      for (const end of ['', '-wal', '-shm', '-journal']) rmSync(draft + end, { force: true })
    }
  }

  close(): void {
    this.#file.close()
  }
}

function flush(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
