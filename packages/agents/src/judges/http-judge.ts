import type { z } from 'zod'
import type { CallJudge } from '../model/call-judge.js'
import { JudgeError } from '../model/errors.js'
import { approvalResultSchema, callVerdictSchema } from './answers.js'
import { approvalWithin } from './approval-wait.js'
import { invalidAnswer, type JsonRequest, jsonRequest } from './json-request.js'

export interface HttpJudgeOptions {
  /** Of the gateway: `https://jamey.example`, or `http://127.0.0.1:8080` on the same machine. */
  readonly url: string
  /** Sent as Bearer token; a function is asked before each request, for tokens that end. */
  readonly token?: string | (() => string | Promise<string>) | undefined
  /** Milliseconds for one answer, 10 000 by default. */
  readonly timeoutMs?: number | undefined
  /** Allows `http:` beyond this machine, where everybody on the way reads the token. False by default. */
  readonly insecure?: boolean | undefined
}

const TIMEOUT_MS = 10_000

/** A conscience behind the gateway's HTTP API. Every failure rejects with `JudgeError`. */
export function httpJudge(options: HttpJudgeOptions): CallJudge {
  const { token, timeoutMs = TIMEOUT_MS } = options
  const base = baseOf(options)
  if (!(timeoutMs > 0 && timeoutMs <= 600_000)) {
    throw new TypeError(`timeoutMs must be above 0 and at most 600000; it is ${timeoutMs}.`)
  }
  const ask = async (
    request: Pick<JsonRequest, 'method' | 'body' | 'signal'> & { path: string; holdMs?: number },
  ): Promise<{ request: JsonRequest; answer: unknown }> => {
    const { path, holdMs = 0, ...rest } = request
    const whole = {
      ...rest,
      url: new URL(path, base),
      token: await tokenOf(token),
      timeoutMs: timeoutMs + holdMs,
    }
    return { request: whole, answer: await jsonRequest(whole) }
  }
  return {
    evaluate: async (call, { signal } = {}) => {
      const asked = await ask({ method: 'POST', path: 'v1/conscience/evaluate', body: call, signal })
      return checked(callVerdictSchema, asked)
    },
    waitForApproval: async (approvalId, { timeoutMs: waitMs, signal }) => {
      const statusWithin = async (holdMs: number): Promise<string> => {
        const path = `v1/approvals/${encodeURIComponent(approvalId)}?wait_ms=${holdMs}`
        const asked = await ask({ method: 'GET', path, holdMs, signal })
        return checked(approvalResultSchema, asked).approval.status
      }
      return approvalWithin(statusWithin, { timeoutMs: waitMs, signal })
    },
    report: async (report) => {
      await ask({ method: 'POST', path: 'v1/conscience/reports', body: report, signal: undefined })
    },
  }
}

/** With a slash at its end, behind which paths are put. */
function baseOf({ url, insecure = false }: HttpJudgeOptions): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined
  if (base === undefined || !/^https?:$/.test(base.protocol) || base.username !== '' || base.search !== '') {
    throw new TypeError(`url must be an http: or https: URL without user and query.`)
  }
  if (base.protocol === 'http:' && !insecure && !isThisMachine(base.hostname)) {
    throw new TypeError(`url must be https: beyond this machine, or 'insecure' must be true; it is ${base}.`)
  }
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  return base
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

async function tokenOf(token: HttpJudgeOptions['token']): Promise<string | undefined> {
  if (typeof token !== 'function') return token
  try {
    return await token()
  } catch (error) {
    throw new JudgeError('judge-unreachable', 'There is no token to ask with', {
      cause: error,
      retryable: true,
    })
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
