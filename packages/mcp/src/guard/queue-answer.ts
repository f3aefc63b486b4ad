import type { CallJudge, CallVerdict } from '@jamey/agents'

export interface QueueAnswerOptions {
  readonly waitMs: number
  /** Aborted where the call is taken back. */
  readonly signal: AbortSignal
}

/** The answer of those who see the queue of approvals, while the client's user is asked, too. */
export class QueueAnswer {
  readonly #judge: CallJudge
  readonly #approvalId: string | undefined
  readonly #answered = new AbortController()
  readonly #stopped = new AbortController()
  readonly #signal: AbortSignal

  /** Waits from now on. */
  constructor(judge: CallJudge, { approval }: CallVerdict, { waitMs, signal }: QueueAnswerOptions) {
    this.#judge = judge
    this.#approvalId = approval?.id
    this.#signal = signal
    if (approval !== undefined) void this.#wait(approval.id, waitMs)
  }

  /** Aborted once somebody has answered there. */
  get answered(): AbortSignal {
    return this.#answered.signal
  }

  stop(): void {
    this.#stopped.abort()
  }

  /** Closes it there, and says whether it was still open: else what was answered there was the first. */
  async withdraw(because: string): Promise<boolean> {
    if (this.#approvalId === undefined || this.#judge.withdraw === undefined) return true
    return (await this.#judge.withdraw(this.#approvalId, { because, signal: this.#signal })) === 'withdrawn'
  }

  async #wait(approvalId: string, timeoutMs: number): Promise<void> {
    const signal = AbortSignal.any([this.#signal, this.#stopped.signal])
    try {
      const answer = await this.#judge.waitForApproval(approvalId, { timeoutMs, signal })
      if (answer !== 'expired') this.#answered.abort()
    } catch {
      // Nobody is heard there; the client's user may answer all the same.
    }
  }
}
