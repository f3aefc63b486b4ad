import { randomBytes } from 'node:crypto'
import { type BigIntStats, constants, fstatSync, mkdirSync, statSync, write } from 'node:fs'
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { JameyError, ownPath } from '@jamey/auth'
import type { Clock } from '@jamey/bus'
import { auditFileName, removeLeftFiles, unbegunFileName, unnamedHeads } from './audit-files.js'
import { type AuditEntry, type AuditHead, auditLine, NOTHING_BEFORE } from './audit-record.js'
import { isoTime } from './iso-time.js'

export interface AuditLogOptions {
  /** Of the conscience that writes. */
  readonly clientId: string
  readonly clock: Pick<Clock, 'timeOfDay'>
  /** From so many bytes on a file is ended and the next one begun; 268 435 456 by default. */
  readonly maximumFileBytes?: number | undefined
  /** Told where the file that it wrote is no longer there, or another one stands in its place. */
  readonly onFileLost?: ((file: string) => void) | undefined
}

/** A record is not on the disk. Whoever waits for it must not be answered as if it were. */
export class AuditError extends JameyError<'audit-failed' | 'audit-full' | 'audit-closed'> {
  override readonly name = 'AuditError'
}

const MAXIMUM_FILE_BYTES = 268_435_456
/** Of records that wait for the disk; more are refused. */
const MAXIMUM_WAITING = 20_000
/** Written and synchronised at once. */
const MAXIMUM_GROUP = 2_000
/**
 * Linux has the disk keep what is written before `write` returns, as `fdatasync` does: one way to another thread and back
 * instead of two. Elsewhere the flag is missing, or promises less.
 */
const SYNCHRONISED = process.platform === 'linux' ? constants.O_DSYNC : 0
const writeTo = promisify(write)

/** The file that was written to is one that nobody finds by its name. */
class FileLost extends Error {
  override readonly name = 'FileLost'
}

interface Waiting {
  /** As JSON. */
  readonly entry: string
  readonly recordedAt: string
  readonly resolve: () => void
  readonly reject: (error: AuditError) => void
}

/**
 * Writes one file of a folder, which no other process writes, and begins the next where it is full. Records that come
 * while the disk is busy are written and synchronised together. A crash leaves whole records, of which each that was
 * acknowledged is one, and at most the beginning of another. Where somebody took the file away, or put another one in
 * its place, as editors do, a new one is begun, which names the last record that was acknowledged: if it is missed
 * there, that is told when the audit is verified.
 */
export class AuditLog {
  readonly #folder: string
  readonly #options: AuditLogOptions
  readonly #waiting: Waiting[] = []
  #file: FileHandle | undefined
  #head: AuditHead | undefined
  /** Which file it is that is open, whatever name it has. */
  #identity: Pick<BigIntStats, 'dev' | 'ino'> | undefined
  #bytes = 0
  /** Present while records are being written. */
  #writing: Promise<void> | undefined
  #isClosed = false

  private constructor(folder: string, options: AuditLogOptions) {
    this.#folder = folder
    this.#options = options
  }

  /**
   * Makes the folder where there is none, readable by this user alone, and begins a file. Throws `OwnershipError` where
   * others could have put something there, and `AuditError` where it cannot be written to.
   */
  static async open(folder: string, options: AuditLogOptions): Promise<AuditLog> {
    ownPath(dirname(folder))
    const log = new AuditLog(folder, options)
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      ownPath(folder, { kind: 'folder' })
      await log.#begin()
    } catch (error) {
      if (!isOfTheSystem(error)) throw error
      throw failed(folder, error)
    }
    return log
  }

  /** Up to where the record goes. Kept elsewhere, it tells whether something was taken off the end. */
  get head(): AuditHead {
    // Present from the moment it was opened.
    return this.#head as AuditHead
  }

  /** Resolves once the record outlives this process and a power failure; rejects with `AuditError` otherwise. */
  append(entry: AuditEntry): Promise<void> {
    return this.appendJson(JSON.stringify(entry))
  }

  /** The same of an `AuditEntry` as JSON. */
  appendJson(entry: string): Promise<void> {
    if (this.#isClosed) return Promise.reject(new AuditError('audit-closed', 'The audit is closed.'))
    if (this.#waiting.length >= MAXIMUM_WAITING) {
      const message = `${MAXIMUM_WAITING} records of the audit wait for the disk of ${this.#folder} already.`
      return Promise.reject(new AuditError('audit-full', message, { retryable: true }))
    }
    const recordedAt = isoTime(this.#options.clock.timeOfDay())
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, recordedAt, resolve, reject })
      this.#writing ??= this.#write()
    })
  }

  /** Resolves once what was appended is on the disk, or could not be put there. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#writing
    await this.#file?.close()
    this.#file = undefined
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MAXIMUM_GROUP)
      try {
        await this.#appendSomewhere(group)
        for (const { resolve } of group) resolve()
      } catch (error) {
        const failure = failed(this.#folder, error)
        for (const { reject } of group) reject(failure)
        // Nobody knows how the file ends now: the next record begins a new one.
        await this.#abandon()
      }
    }
    this.#writing = undefined
  }

  /** In a new file where the one that is open is lost. */
  async #appendSomewhere(group: readonly Waiting[]): Promise<void> {
    try {
      await this.#append(group)
    } catch (error) {
      if (!(error instanceof FileLost)) throw error
      this.#options.onFileLost?.(this.head.file)
      await this.#abandon()
      await this.#append(group)
    }
  }

  async #append(group: readonly Waiting[]): Promise<void> {
    if (this.#file === undefined || this.#bytes >= (this.#options.maximumFileBytes ?? MAXIMUM_FILE_BYTES)) {
      await this.#begin()
    }
    const { file } = this.head
    let { sequence, hash } = this.head
    let text = ''
    for (const { entry, recordedAt: recorded_at } of group) {
      const line = auditLine(entry, { sequence: sequence + 1, recorded_at, previous: hash })
      sequence++
      hash = line.hash
      text += line.text
    }
    await this.#put(text, file)
    this.#head = { file, sequence, hash }
  }

  /**
   * A new file, which says where those before it ended. It gets its name once that is on the disk: a file of the audit
   * without a record is then one that somebody emptied, not one for which there was no room.
   */
  async #begin(): Promise<void> {
    const heads = await this.#headsToName()
    const beganAt = new Date(this.#options.clock.timeOfDay())
    const name = auditFileName(beganAt, randomBytes(4).toString('hex'))
    await this.#abandon()
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND
    const entry: AuditEntry = { kind: 'opened', client_id: this.#options.clientId, heads }
    const place = { sequence: 0, recorded_at: beganAt.toISOString(), previous: NOTHING_BEFORE }
    const line = auditLine(JSON.stringify(entry), place)
    const unbegun = unbegunFileName(name)
    const path = join(this.#folder, unbegun)
    this.#file = await open(path, flags | SYNCHRONISED, 0o600)
    this.#identity = fstatSync(this.#file.fd, { bigint: true })
    try {
      await this.#put(line.text, unbegun)
      await rename(path, join(this.#folder, name))
    } catch (error) {
      await this.#abandon()
      await unlink(path).catch(() => {})
      throw error
    }
    await synchronised(this.#folder)
    await removeLeftFiles(this.#folder, beganAt.getTime()).catch(() => {})
    this.#head = { file: name, sequence: 0, hash: line.hash }
  }

  /** Those that the folder has, and the own one as it was acknowledged, whatever became of it there. */
  async #headsToName(): Promise<AuditHead[]> {
    const heads = await unnamedHeads(this.#folder)
    const own = this.#head
    if (own === undefined || heads.some(({ file, hash }) => file === own.file && hash === own.hash))
      return heads
    return [...heads, own]
  }

  async #put(text: string, name: string): Promise<void> {
    // Present: it was opened before anything is put into it.
    const file = this.#file as FileHandle
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; ) at += (await writeTo(file.fd, bytes, at)).bytesWritten
    if (SYNCHRONISED === 0) await file.datasync()
    const there = statSync(join(this.#folder, name), { bigint: true, throwIfNoEntry: false })
    const { dev, ino } = this.#identity ?? {}
    if (there?.ino !== ino || there?.dev !== dev) throw new FileLost(`${name} was removed`)
    this.#bytes += bytes.length
  }

  async #abandon(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    this.#bytes = 0
    await file?.close().catch(() => {})
  }
}

/** A file that was made is found again only once its folder is on the disk as well. */
async function synchronised(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isOfTheSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}

function failed(folder: string, error: unknown): AuditError {
  const reason = error instanceof Error ? error.message : String(error)
  return new AuditError('audit-failed', `The audit in ${folder} cannot be written: ${reason}`, {
    retryable: true,
    cause: error,
  })
}
