import type { Clock } from '@jamey/bus'

/** Those who wait until an approval changes. Each of them is a request that is bound by its sender's own limit. */
export class ApprovalWaiters {
  readonly #clock: Clock
  readonly #waiting = new Map<string, Set<() => void>>()
  #isClosed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves once `isOver`, which is looked at with each change, or when the time is over, or on close. */
  async until(approvalId: string, isOver: () => boolean, timeoutMs: number): Promise<void> {
    const dueAtMs = this.#clock.now() + timeoutMs
    while (!isOver()) {
      const leftMs = dueAtMs - this.#clock.now()
      if (leftMs <= 0 || this.#isClosed) return
      await this.#changeWithin(approvalId, leftMs)
    }
  }

  wake(approvalId: string): void {
    for (const wake of [...(this.#waiting.get(approvalId) ?? [])]) wake()
  }

  close(): void {
    this.#isClosed = true
    for (const approvalId of [...this.#waiting.keys()]) this.wake(approvalId)
  }

  #changeWithin(approvalId: string, leftMs: number): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(approvalId) ?? new Set()
      this.#waiting.set(approvalId, waiting)
      const end = (): void => {
        this.#clock.clearTimeout(timer)
        waiting.delete(end)
        if (waiting.size === 0) this.#waiting.delete(approvalId)
        resolve()
      }
      const timer = this.#clock.setTimeout(end, leftMs)
      waiting.add(end)
    })
  }
}
