import type { RootDatabase } from 'lmdb'
import { eraseUnused } from './unused-bytes.js'

/** Time without a commit after which there is rest. */
const REST_MS = 2000

/**
 * Sees to it that what was removed from a store is gone from its file: at rest, and when it is closed, every byte that
 * no record takes is written over. Where a commit comes, it waits for one step of that, and the rest is done later.
 */
export class Erasing {
  readonly #file: string
  readonly #database: () => RootDatabase<Buffer, Buffer> | undefined
  #changedAtMs = 0
  #isDue = false
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  /** Number of those who write to the file, or wait to: what is unused by then is not known. */
  #writers = 0

  constructor(file: string, database: () => RootDatabase<Buffer, Buffer> | undefined) {
    this.#file = file
    this.#database = database
  }

  /**
   * Nothing is erased from now on until `release`. Whoever is to write waits for the step that is under way; undefined
   * where there is none.
   */
  hold(): Promise<void> | undefined {
    this.#writers++
    return this.#running
  }

  /** After each `hold`, however the writing went. */
  release(): void {
    this.#writers--
    this.due()
  }

  /** There may be something to erase. */
  due(): void {
    this.#isDue = true
    this.#changedAtMs = performance.now()
    this.#timer ??= this.#startTimer(REST_MS)
  }

  /** Before the file is closed, when nobody writes any more. */
  async finish(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#isDue) await this.#start()
    else await this.#running
    clearTimeout(this.#timer)
  }

  #startTimer(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#onTimer(), ms).unref()
  }

  #onTimer(): void {
    this.#timer = undefined
    // Whoever writes now sets the timer again.
    if (this.#writers > 0) return
    const left = this.#changedAtMs + REST_MS - performance.now()
    if (left > 0) this.#timer = this.#startTimer(left)
    else void this.#start()
  }

  #start(): Promise<void> {
    this.#running ??= this.#erase().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #erase(): Promise<void> {
    const database = this.#database()
    if (database === undefined || this.#writers > 0) return
    if (hasOlderReader(database)) {
      this.#timer ??= this.#startTimer(REST_MS)
      return
    }
    this.#isDue = false
    try {
      await eraseUnused(this.#file, () => this.#writers === 0)
    } catch {
      // A disk that cannot be written to now tells so at the next commit, after which this is tried again.
    }
  }
}

/** Whether somebody, such as a backup, still reads an earlier commit, whose pages are free by now. */
function hasOlderReader(database: RootDatabase<Buffer, Buffer>): boolean {
  database.resetReadTxn()
  const { lastTxnId } = database.getStats() as { lastTxnId: number }
  const readers = database.readerList().matchAll(/^ *\d+ \w+ (\d+)$/gm)
  return [...readers].some(([, transaction]) => Number(transaction) < lastTxnId)
}
