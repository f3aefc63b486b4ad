import {
  type DataInput,
  type RequestContract,
  type ResponseData,
  topics,
  type Verdict,
} from '@jamey/contracts'
import type { CallJudge, CallVerdict } from '../model/call-judge.js'
import { JudgeError } from '../model/errors.js'
import { isRetryable, messageOf } from '../model/failure.js'
import { ANSWER_TIMEOUT_MS } from '../model/limits.js'
import { refusedAlone, withdrawalOf } from './answers.js'
import { approvalWithin } from './approval-wait.js'
import { Evaluations } from './evaluations.js'

/** The part of a bus that is needed; one of `@jamey/bus` has it. */
export interface JudgeBus {
  request<C extends RequestContract>(
    contract: C,
    data: DataInput<C>,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<ResponseData<C>>
}

export interface BusJudgeOptions {
  /** Milliseconds for one answer, 10 000 by default. */
  readonly timeoutMs?: number | undefined
}

/**
 * A conscience on the bus, for whom `publish:jamey/conscience/evaluate` is enough; calls of one session and one turn are
 * asked about at once. Every failure rejects with `JudgeError`, whose `cause` is the bus's own.
 */
export function busJudge(
  bus: JudgeBus,
  { timeoutMs = ANSWER_TIMEOUT_MS }: BusJudgeOptions = {},
): Required<CallJudge> {
  const ask = async <C extends RequestContract>(
    contract: C,
    data: DataInput<C>,
    { holdMs = 0, signal }: { holdMs?: number; signal?: AbortSignal | undefined } = {},
  ): Promise<ResponseData<C>> => {
    try {
      return await bus.request(contract, data, { timeoutMs: timeoutMs + holdMs, signal })
    } catch (error) {
      throw judgeErrorOf(contract, error)
    }
  }
  const evaluations = new Evaluations({
    one: async (call, { signal }) => {
      const verdict = callVerdictOf(await ask(topics.conscience.evaluate, call, { signal }))
      if (verdict instanceof JudgeError) throw verdict
      return verdict
    },
    several: async (calls, { signal }) => {
      const data = { calls: calls.map((call) => ({ ...call })) }
      const { results } = await ask(topics.conscience.evaluateBatch, data, { signal })
      if (results.length !== calls.length) {
        const message = `The conscience answered ${results.length} of ${calls.length} calls`
        throw new JudgeError('judge-answer-invalid', message)
      }
      return results.map((one) => ('error' in one ? refusedAlone(one.error) : callVerdictOf(one.verdict)))
    },
  })
  return {
    evaluate: (call, options) => evaluations.evaluate(call, options),
    evaluateAll: (calls, options) => evaluations.evaluateAll(calls, options),
    waitForApproval: (approval_id, { timeoutMs: waitMs, signal }) => {
      const statusWithin = async (wait_ms: number): Promise<string> => {
        const data = { approval_id, wait_ms }
        return (await ask(topics.conscience.approvals.get, data, { holdMs: wait_ms, signal })).approval.status
      }
      return approvalWithin(statusWithin, { timeoutMs: waitMs, signal })
    },
    withdraw: async (approval_id, { because, signal }) => {
      const data = { approval_id, because }
      return withdrawalOf((await ask(topics.conscience.approvals.withdraw, data, { signal })).approval)
    },
    report: async (report) => {
      await ask(topics.conscience.report, report)
    },
  }
}

function callVerdictOf(verdict: Verdict): CallVerdict | JudgeError {
  if (verdict.kind === 'call') return verdict
  return new JudgeError('judge-answer-invalid', 'The conscience did not judge a call but words')
}

function judgeErrorOf({ action }: RequestContract, error: unknown): JudgeError {
  const isRefused = error instanceof Error && error.name === 'RemoteError'
  const options = { cause: error, retryable: isRetryable(error) }
  const message = `${action} failed: ${messageOf(error)}`
  return new JudgeError(isRefused ? 'judge-refused' : 'judge-unreachable', message, options)
}
