import { StorageError, type StorageErrorCode } from '../model/errors.js'
import type { Database } from './database.js'

type Transactional = Pick<Database, 'transaction'>

interface Pending {
  readonly run: () => void
  /** Called after the commit. */
  readonly settle: () => void
  readonly reject: (error: unknown) => void
}

export interface GroupCommitLimits {
  /** Number of waiting writes from which on more are refused with 'storage-overloaded'. */
  readonly maximumPending: number
  /** Number of writes in one transaction at the most, so that the event loop is never kept for long. */
  readonly maximumGroup: number
}

const GROUP_COMMIT_LIMITS: GroupCommitLimits = { maximumPending: 10_000, maximumGroup: 500 }

/** These say that the file is unwell: repeating the group one by one would fail the same way, only slower. */
const WHOLE_FILE: ReadonlySet<StorageErrorCode> = new Set<StorageErrorCode>([
  'storage-busy',
  'storage-closed',
  'storage-damaged',
  'storage-full',
  'storage-io',
  'storage-moved',
  'storage-readonly',
  'storage-superseded',
])

/**
 * Writes that arrive in one turn of the event loop share one transaction, so they share its one wait for the
 * disk; each promise settles after the commit, never before.
 */
export class GroupCommit {
  readonly #database: Transactional
  readonly #limits: GroupCommitLimits
  #pending: Pending[] = []
  #isScheduled = false
  #whenIdle: (() => void)[] = []

  constructor(database: Transactional, limits: GroupCommitLimits = GROUP_COMMIT_LIMITS) {
    this.#database = database
    this.#limits = limits
  }

  get pending(): number {
    return this.#pending.length
  }

  /** Resolves with what `work` returned once that is on the disk; rejects when nothing of it is. */
  submit<T>(work: () => T): Promise<T> {
    if (this.#pending.length >= this.#limits.maximumPending) {
      return Promise.reject(
        new StorageError(
          'storage-overloaded',
          `${this.#limits.maximumPending} writes already wait for the disk; try again later.`,
        ),
      )
    }
    return new Promise<T>((resolve, reject) => {
      let result: T
      this.#pending.push({
        run: () => {
          result = work()
        },
        settle: () => resolve(result),
        reject,
      })
      this.#schedule()
    })
  }

  /** Resolves when every write submitted so far has settled. */
  idle(): Promise<void> {
    if (this.#pending.length === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve)
    })
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#commit(this.#pending.splice(0, this.#limits.maximumGroup))
      if (this.#pending.length > 0) return this.#schedule()
      for (const resolve of this.#whenIdle.splice(0)) resolve()
    })
  }

  #commit(group: readonly Pending[]): void {
    try {
      this.#database.transaction(() => {
        for (const write of group) write.run()
      })
    } catch (error) {
      const isWholeFile = error instanceof StorageError && WHOLE_FILE.has(error.code)
      // A bad write must cost only itself, and the transaction does not tell which it was.
      if (group.length > 1 && !isWholeFile) for (const write of group) this.#commit([write])
      else for (const write of group) write.reject(error)
      return
    }
    for (const write of group) write.settle()
  }
}
