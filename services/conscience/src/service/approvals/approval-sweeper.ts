import type { Clock } from '@jamey/bus'
import { SETTLED_KEPT_MS } from '../../approvals/approval-book.js'

/** What could not be settled is tried again after this time. */
const RETRY_MS = 1_000

export interface ApprovalSweeperParts {
  readonly clock: Clock
  /** Settles what is due, and resolves with when to look again; undefined where there is nothing to look at any more. */
  readonly sweep: () => Promise<number | undefined>
  readonly onFailure: (error: unknown) => void
}

/** Has approvals settled when their time is over, the next one first. */
export class ApprovalSweeper {
  readonly #parts: ApprovalSweeperParts
  #next: { readonly atMs: number; readonly timer: unknown } | undefined
  #isStopped = false

  constructor(parts: ApprovalSweeperParts) {
    this.#parts = parts
  }

  /** Looks at that time, in milliseconds since 1970, unless it looks sooner anyway. */
  lookAt(atMs: number): void {
    if (this.#isStopped || (this.#next !== undefined && this.#next.atMs <= atMs)) return
    const { clock } = this.#parts
    clock.clearTimeout(this.#next?.timer)
    const delayMs = Math.min(SETTLED_KEPT_MS, Math.max(0, atMs - clock.timeOfDay()))
    this.#next = { atMs, timer: clock.setTimeout(() => void this.#look(), delayMs) }
  }

  /** For good. */
  stop(): void {
    this.#isStopped = true
    this.#parts.clock.clearTimeout(this.#next?.timer)
    this.#next = undefined
  }

  async #look(): Promise<void> {
    this.#next = undefined
    const { clock, sweep, onFailure } = this.#parts
    try {
      const nextAtMs = await sweep()
      if (nextAtMs !== undefined) this.lookAt(nextAtMs)
    } catch (error) {
      onFailure(error)
      this.lookAt(clock.timeOfDay() + RETRY_MS)
    }
  }
}
