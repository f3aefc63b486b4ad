import { setTimeout } from 'node:timers/promises'
import type { ApprovalAnswer } from '../model/call-judge.js'
import { isRetryable } from '../model/failure.js'
import { answerOf } from './answers.js'

/** How long one answer is asked to be held, so that nothing between takes a connection for a dead one. */
const HOLD_MS = 10_000
/** After a failure that may pass. */
const RETRY_MS = 500

export interface ApprovalWait {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Asks for the status of an approval, each answer held for a while, until a person has answered or the time is over, which
 * is `expired`. A conscience that is away for a moment is asked again: what people are asked outlives it. Rejects with what
 * does not pass, and with the last failure where nothing else came.
 */
export async function approvalWithin(
  statusWithin: (holdMs: number) => Promise<string>,
  { timeoutMs, signal }: ApprovalWait,
): Promise<ApprovalAnswer> {
  const endsAtMs = performance.now() + timeoutMs
  const leftMs = (): number => Math.max(0, endsAtMs - performance.now())
  let failure: unknown
  do {
    try {
      const answer = answerOf(await statusWithin(Math.min(HOLD_MS, Math.ceil(leftMs()))))
      if (answer !== undefined) return answer
      failure = undefined
    } catch (error) {
      if (signal?.aborted === true || !isRetryable(error)) throw error
      failure = error
      await setTimeout(Math.min(RETRY_MS, leftMs()), undefined, { signal })
    }
  } while (leftMs() > 0)
  if (failure !== undefined) throw failure
  return 'expired'
}
