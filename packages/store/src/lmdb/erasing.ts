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
  #isInterrupted = false

  constructor(file: string, database: () => RootDatabase<Buffer, Buffer> | undefined) {
    this.#file = file
    this.#database = database
  }

  /** Something has changed, or may have been when the process before this one ended. */
  changed(): void {
    this.#isDue = true
    this.#changedAtMs = performance.now()
    this.#timer ??= this.#startTimer(REST_MS)
  }

  /** Undefined where there is nothing to wait for. */
  interrupt(): Promise<void> | undefined {
    this.#isInterrupted = true
    return this.#running
  }

  /** Before the file is closed. */
  async finish(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.interrupt()
    if (this.#isDue) await this.#start()
  }

  #startTimer(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#onTimer(), ms).unref()
  }

  #onTimer(): void {
    this.#timer = undefined
    const left = this.#changedAtMs + REST_MS - performance.now()
    if (left > 0) this.#timer = this.#startTimer(left)
    else void this.#start()
  }

  #start(): Promise<void> {
    this.#isInterrupted = false
    this.#running ??= this.#erase().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #erase(): Promise<void> {
    const database = this.#database()
    if (database === undefined) return
    if (hasOlderReader(database)) return this.changed()
    this.#isDue = false
    try {
      const isDone = await eraseUnused(this.#file, () => !this.#isInterrupted)
      if (!isDone && this.#isInterrupted) this.#isDue = true
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
