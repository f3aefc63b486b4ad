import type { Clock, Request, RequestContext } from '@jamey/bus'
import type { Evaluation, EvaluationBatch, Verdict, VerdictBatch } from '@jamey/contracts'
import type { ReceiptSigner } from '../verdict/receipts.js'
import type { ApprovalService } from './approvals/approval-service.js'
import { type Asked, askedIn, failureOf } from './batch.js'
import type { VerdictAnnouncements } from './verdict-announcements.js'
import type { VerdictMaker } from './verdict-maker.js'
import type { VerdictRecord } from './verdict-record.js'

export interface VerdictAnswersParts {
  readonly maker: VerdictMaker
  /** Without it nothing is recorded. */
  readonly record: VerdictRecord | undefined
  readonly approvals: ApprovalService | undefined
  readonly announcements: VerdictAnnouncements
  readonly signer: ReceiptSigner
  readonly clock: Pick<Clock, 'timeOfDay'>
  readonly report: (kind: string, error: unknown) => void
  /** Told of each verdict that is recorded and about to be answered. */
  readonly onVerdict: (verdict: Verdict) => void
}

/** Answers with verdicts: each is recorded and announced before whoever asked has it, and signed where it is asked for. */
export class VerdictAnswers {
  readonly #parts: VerdictAnswersParts

  constructor(parts: VerdictAnswersParts) {
    this.#parts = parts
  }

  async answer(asked: Asked, context: RequestContext): Promise<Verdict> {
    const { maker, announcements, signer, clock, onVerdict } = this.#parts
    const verdict = await maker.verdictOn(asked, context)
    await this.#write(asked.data, verdict, context)
    onVerdict(verdict)
    // Before the answer, on the same connection; who asked need not wait until the server has it.
    context.acknowledgeAfter(announcements.announce(verdict, asked.binding.correlation_id, context))
    // Announced without: a receipt is for the one who asked.
    const nowMs = clock.timeOfDay()
    if (asked.data.receipt === true) verdict.receipt = await signer.sign(verdict, nowMs)
    return verdict
  }

  /** Each for itself, in the order in which they were asked; the thread takes those of one client in that order, too. */
  async answerAll(request: Request<EvaluationBatch>, context: RequestContext): Promise<VerdictBatch> {
    const report = (error: unknown): void => this.#parts.report('evaluation-failed', error)
    const answered = askedIn(request).map(async (asked) => {
      if ('error' in asked) return asked
      try {
        return { verdict: await this.answer(asked, context) }
      } catch (error) {
        return { error: failureOf(error, report) }
      }
    })
    return { results: await Promise.all(answered), ...request.binding }
  }

  /** A verdict that is not on the disk is not answered, so that nothing is done of which there is no record. */
  async #write(submitted: Evaluation, verdict: Verdict, context: RequestContext): Promise<void> {
    const { record, approvals } = this.#parts
    try {
      await record?.write(submitted, verdict)
    } catch (error) {
      if (verdict.kind === 'call') await approvals?.giveBack(verdict, context)
      throw error
    }
  }
}
