import { setTimeout } from 'node:timers/promises'
import type { ApprovalAnswer } from '../model/call-judge.js'
import { answerOf } from './answers.js'

/**
 * How long one answer is asked to be held. Whoever holds it may be killed, and the one that comes in its place knows nothing
 * of it: so the answer is learnt no later than this and the two below together, once somebody answers there again.
 */
const HOLD_MS = 1_000
/** For an answer to travel, at first; after each that did not come in time twice as long, for some come from far away. */
const FIRST_TRAVEL_MS = 600
/** After a failure that may pass. */
const RETRY_MS = 250

export interface ApprovalWait {
  readonly timeoutMs: number
  /** For an answer to travel, at the most. */
  readonly travelMs: number
  readonly signal?: AbortSignal | undefined
}

/** How long an answer is to be held, and how long it may take in all. */
export interface HeldAnswer {
  readonly holdMs: number
  readonly timeoutMs: number
}

/**
 * Asks for the status of an approval, each answer held for a while, until a person has answered or the time is over, which
 * is `expired`. A conscience that is away for a moment is asked again: what people are asked outlives it. Rejects with what
 * does not pass, and with the last failure where nothing else came.
 */
export async function approvalWithin(
  statusWithin: (held: HeldAnswer) => Promise<string>,
  { timeoutMs, travelMs: longestMs, signal }: ApprovalWait,
): Promise<ApprovalAnswer> {
  const endsAtMs = performance.now() + timeoutMs
  const leftMs = (): number => Math.max(0, endsAtMs - performance.now())
  let failure: unknown
  let travelMs = Math.min(FIRST_TRAVEL_MS, longestMs)
  do {
    try {
      const holdMs = Math.min(HOLD_MS, Math.ceil(leftMs()))
      const answer = answerOf(await statusWithin({ holdMs, timeoutMs: holdMs + travelMs }))
      if (answer !== undefined) return answer
      failure = undefined
      travelMs = Math.min(FIRST_TRAVEL_MS, longestMs)
    } catch (error) {
      if (signal?.aborted === true || !mayPass(error)) throw error
      failure = error
      travelMs = Math.min(2 * travelMs, longestMs)
      await setTimeout(Math.min(RETRY_MS, leftMs()), undefined, { signal })
    }
  } while (leftMs() > 0)
  if (failure !== undefined) throw failure
  return 'expired'
}

function mayPass(error: unknown): boolean {
  return error instanceof Error && 'retryable' in error && error.retryable === true
}
