import type { RootDatabase } from 'lmdb'
import { eraseUnused } from './unused-bytes.js'

/** Time without a commit after which there is rest. */
const REST_MS = 2000

/**
 * Sees to it that what was removed from a store is gone from its file: at rest, and when it is closed, every byte that
 * no record takes is written over. Where a commit comes, the rest is done later.
 */
export class Erasing {
  readonly #file: string
  readonly #database: () => RootDatabase<Buffer, Buffer> | undefined
  #changedAtMs = 0
  #isDue = false
  #timer: NodeJS.Timeout | undefined
  #steps: Generator<void, void> | undefined
  /** Number of those who write to the file: what is unused by then is not known. */
  #writers = 0

  constructor(file: string, database: () => RootDatabase<Buffer, Buffer> | undefined) {
    this.#file = file
    this.#database = database
  }

  /** Nothing is erased from now on until `release`. */
  hold(): void {
    this.#writers++
    this.#stop()
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
  finish(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#stop()
    if (!this.#isDue) return
    try {
      for (const _ of this.#begin() ?? []);
    } catch {
      // What cannot be erased now is erased by the next process that opens the file.
    }
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
    else this.#step(this.#begin())
  }

  /** Undefined where it cannot be done now. */
  #begin(): Generator<void, void> | undefined {
    const database = this.#database()
    if (database === undefined || this.#writers > 0) return undefined
    if (hasOlderReader(database)) {
      this.#timer ??= this.#startTimer(REST_MS)
      return undefined
    }
    this.#steps = eraseUnused(this.#file)
    return this.#steps
  }

  /** One step in each turn of the event loop, until a commit begins. */
  #step(steps: Generator<void, void> | undefined): void {
    if (steps === undefined || this.#steps !== steps) return
    try {
      if (steps.next().done !== true) return void setImmediate(() => this.#step(steps))
    } catch {
      // A disk that cannot be written to now tells so at the next commit, after which this is tried again.
    }
    this.#isDue = false
    this.#steps = undefined
  }

  #stop(): void {
    this.#steps?.return()
    this.#steps = undefined
  }
}

/** Whether somebody, such as a backup, still reads an earlier commit, whose pages are free by now. */
function hasOlderReader(database: RootDatabase<Buffer, Buffer>): boolean {
  database.resetReadTxn()
  const { lastTxnId } = database.getStats() as { lastTxnId: number }
  const readers = database.readerList().matchAll(/^ *\d+ \w+ (\d+)$/gm)
  return [...readers].some(([, transaction]) => Number(transaction) < lastTxnId)
}
