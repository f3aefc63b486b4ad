import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { ownPath } from '@jamey/auth'
import type { GrantSeal } from './grant-seal.js'
import type { GrantTable, TableEntry } from './grant-table.js'

/** Lines beyond twice those in force, at which the file is written anew. */
const SLACK_LINES = 1_000
const WRITTEN_AT_ONCE = 1_000

export interface GrantJournalOptions {
  readonly path: string
  readonly seal: GrantSeal
  readonly table: GrantTable
  /** The file cannot be written: what is granted from now on does not outlive the process. */
  readonly onError: (error: Error) => void
}

/**
 * The table on disk, a line for each grant, the latest of a client last, so that a restart of the service refuses
 * nobody who is connected. A line that is not sealed or is cut off is left out. Of one process alone.
 */
export class GrantJournal {
  readonly #options: GrantJournalOptions
  #file: FileHandle
  #lines: number
  #pending: string[] = []
  #scheduled: Promise<void> | undefined
  #written: Promise<void> = Promise.resolve()

  private constructor(options: GrantJournalOptions, file: FileHandle, lines: number) {
    this.#options = options
    this.#file = file
    this.#lines = lines
  }

  /** Reads what is there into the table. Throws what keeps the file from being opened. */
  static async open(options: GrantJournalOptions): Promise<GrantJournal> {
    const path = ownPath(options.path)
    const file = await open(path, 'a', 0o600)
    let lines = 0
    try {
      const text = createReadStream(path, { encoding: 'utf8' })
      for await (const line of createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY })) {
        lines++
        const grant = options.seal.open(line)
        if (grant !== undefined) options.table.put({ grant, sealed: options.seal.seal(grant) })
      }
      // Whatever is cut off at the end must not take the next line with it.
      await file.appendFile('\n')
    } catch (error) {
      await file.close()
      throw error
    }
    return new GrantJournal(options, file, lines)
  }

  /** Resolves once it is handed to the system, or cannot be. Those of a moment are written at once. */
  append({ sealed }: TableEntry): Promise<void> {
    this.#pending.push(`${sealed}\n`)
    this.#scheduled ??= this.#written.then(() => this.#write())
    return this.#scheduled
  }

  async close(): Promise<void> {
    await this.#scheduled
    await this.#written
    await this.#file.close()
  }

  #write(): Promise<void> {
    const lines = this.#pending
    this.#pending = []
    this.#scheduled = undefined
    this.#lines += lines.length
    this.#written = this.#store(lines).catch(this.#options.onError)
    return this.#written
  }

  async #store(lines: readonly string[]): Promise<void> {
    await this.#file.appendFile(lines.join(''))
    if (this.#lines > 2 * this.#options.table.size + SLACK_LINES) await this.#compact()
  }

  /** Writes the file anew; entries that come meanwhile are written after it. */
  async #compact(): Promise<void> {
    const path = ownPath(this.#options.path)
    const file = await open(`${path}.new`, 'w', 0o600)
    let count = 0
    try {
      let lines: string[] = []
      for (const { sealed } of [...this.#options.table.entries()]) {
        count++
        lines.push(`${sealed}\n`)
        if (lines.length < WRITTEN_AT_ONCE) continue
        await file.appendFile(lines.join(''))
        lines = []
      }
      await file.appendFile(lines.join(''))
      await rename(`${path}.new`, path)
    } catch (error) {
      await file.close()
      throw error
    }
    await this.#file.close()
    this.#file = file
    this.#lines = count
  }
}
