import type { z } from 'zod'
import { baseOf, type GatewayOptions, timeoutOf, tokenOf } from '../http/gateway-options.js'
import { invalidAnswer, type JsonFailure, type JsonRequest, jsonRequest } from '../http/json-request.js'
import type { CallJudge } from '../model/call-judge.js'
import { JudgeError } from '../model/errors.js'
import {
  approvalResultSchema,
  batchAnswerOf,
  batchSchemaOf,
  callVerdictSchema,
  withdrawalOf,
  withdrawnSchema,
} from './answers.js'
import { approvalWithin } from './approval-wait.js'
import { Evaluations } from './evaluations.js'

export type HttpJudgeOptions = GatewayOptions

interface Asking {
  readonly path: string
  readonly holdMs?: number | undefined
  /** In the place of that of the options. */
  readonly token?: string | undefined
}

/** A conscience behind the gateway's HTTP API; calls of one session and one turn are asked about at once. Every failure rejects with `JudgeError`. */
export function httpJudge(options: HttpJudgeOptions): Required<CallJudge> {
  const base = baseOf(options)
  const timeoutMs = timeoutOf(options)
  const ask = async (
    request: Pick<JsonRequest, 'method' | 'body' | 'signal'> & Asking,
  ): Promise<{ request: JsonRequest; answer: unknown }> => {
    const { path, holdMs = 0, token, ...rest } = request
    const whole = {
      ...rest,
      url: new URL(path, base),
      token: token ?? (await judgeToken(options)),
      timeoutMs: timeoutMs + holdMs,
      failure: judgeErrorOf,
    }
    return { request: whole, answer: await jsonRequest(whole) }
  }
  const evaluations = new Evaluations({
    one: async (call, { signal, token }) => {
      const asked = await ask({ method: 'POST', path: 'v1/conscience/evaluate', body: call, signal, token })
      return checked(callVerdictSchema, asked)
    },
    several: async (calls, { signal, token }) => {
      const path = 'v1/conscience/evaluate/batch'
      const asked = await ask({ method: 'POST', path, body: { calls }, signal, token })
      return checked(batchSchemaOf(calls.length), asked).results.map(batchAnswerOf)
    },
  })
  return {
    evaluate: async (call, given) => {
      // Asked for where the call comes from, which may be another's than those of the same turn.
      const isAsked = call.session_id !== undefined && typeof options.token === 'function'
      const token = isAsked ? await judgeToken(options) : undefined
      return evaluations.evaluate(call, { ...given, token })
    },
    evaluateAll: (calls, given) => evaluations.evaluateAll(calls, given),
    waitForApproval: async (approvalId, { timeoutMs: waitMs, signal }) => {
      const statusWithin = async (holdMs: number): Promise<string> => {
        const path = `v1/approvals/${encodeURIComponent(approvalId)}?wait_ms=${holdMs}`
        const asked = await ask({ method: 'GET', path, holdMs, signal })
        return checked(approvalResultSchema, asked).approval.status
      }
      return approvalWithin(statusWithin, { timeoutMs: waitMs, signal })
    },
    withdraw: async (approvalId, { because, signal }) => {
      const path = `v1/approvals/${encodeURIComponent(approvalId)}/withdraw`
      const asked = await ask({ method: 'POST', path, body: { because }, signal })
      return withdrawalOf(checked(withdrawnSchema, asked).approval)
    },
    report: async (report) => {
      await ask({ method: 'POST', path: 'v1/conscience/reports', body: report, signal: undefined })
    },
  }
}

function checked<Schema extends z.ZodType>(
  schema: Schema,
  { request, answer }: { request: JsonRequest; answer: unknown },
): z.output<Schema> {
  const parsed = schema.safeParse(answer)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw invalidAnswer(
    request,
    `its answer's ${issue?.path.join('.')} is not valid: ${issue?.message}`,
    parsed.error,
  )
}

async function judgeToken(options: HttpJudgeOptions): Promise<string | undefined> {
  try {
    return await tokenOf(options)
  } catch (cause) {
    throw new JudgeError('judge-unreachable', 'There is no token to ask with', { cause, retryable: true })
  }
}

function judgeErrorOf({ kind, message, status, cause, retryable }: JsonFailure): JudgeError {
  const options = {
    cause,
    ...(status === undefined ? {} : { status }),
    ...(retryable === undefined ? {} : { retryable }),
  }
  return new JudgeError(`judge-${kind}`, message, options)
}
