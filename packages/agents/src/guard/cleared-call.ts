import type { CallJudge, CallVerdict, JsonObject, SessionReport, ToolCall } from '../model/call-judge.js'
import { CallRefusedError, ResultWithheldError } from '../model/errors.js'
import { isRetryable, messageOf } from '../model/failure.js'
import { APPROVAL_TIMEOUT_MS } from '../model/limits.js'
import { NotJson, plainObject, reportable } from './plain-json.js'
import { unlessAborted, waitingFor, withdrawUnawaited } from './waiting-calls.js'

export interface GuardOptions {
  /**
   * Milliseconds to wait for a person where the verdict is `ask`, 300 000 by default. With 0 nobody is waited for: the
   * call is refused as `approval-pending`, and the same call is allowed once somebody approves.
   */
  readonly approvalTimeoutMs?: number | undefined
  /**
   * Aborted, nothing is asked or waited for any more, the call is not made, and people are asked no longer about it,
   * where the judge can withdraw.
   */
  readonly signal?: AbortSignal | undefined
}

/** A call that may be made once, with these arguments, and whose outcome its session is to be told. */
export class ClearedCall {
  /** As it was judged. */
  readonly call: ToolCall
  readonly verdict: CallVerdict
  readonly #judge: CallJudge

  constructor(judge: CallJudge, call: ToolCall, verdict: CallVerdict) {
    this.#judge = judge
    this.call = call
    this.verdict = verdict
  }

  /** The arguments to make the call with: as a rule changed them, or as they were judged. */
  get arguments(): JsonObject {
    return this.verdict.arguments ?? this.call.arguments
  }

  /** Rejects with `ResultWithheldError` where the session could not be told: the agent must not see the result then. */
  succeeded(result: unknown): Promise<void> {
    return this.#report('succeeded', result)
  }

  /** The same for an error, whose text comes from the tool, too. */
  failed(error: unknown): Promise<void> {
    return this.#report('failed', error instanceof Error ? error.message : error)
  }

  /** It was not made. Nothing of it needs withholding, so this never rejects. */
  async skipped(): Promise<void> {
    await this.#report('skipped', null).catch(() => {})
  }

  async #report(outcome: 'succeeded' | 'failed' | 'skipped', result: unknown): Promise<void> {
    const { session_id, call_id, tool } = this.call
    if (session_id === undefined) return
    const { evaluation_id } = this.verdict
    await reportResult(this.#judge, {
      session_id,
      kind: 'result',
      tool,
      ...(call_id === undefined ? {} : { call_id }),
      arguments: this.arguments,
      result,
      is_error: outcome === 'failed',
      outcome,
      ...(evaluation_id === undefined ? {} : { evaluation_id }),
    })
  }
}

/** Reports what a call brought, as JSON. Rejects with `ResultWithheldError` where its session cannot be told. */
export async function reportResult(
  judge: CallJudge,
  report: Extract<SessionReport, { kind: 'result' }>,
): Promise<void> {
  let result: unknown
  try {
    result = reportable(report.result)
  } catch (error) {
    throw new ResultWithheldError(report.tool, `${messageOf(error)}.`, error)
  }
  try {
    await judge.report({ ...report, result })
  } catch (error) {
    throw new ResultWithheldError(report.tool, `its session could not be told: ${messageOf(error)}`, error)
  }
}

/**
 * Has a call judged, and where the verdict is `ask` waits until a person has answered, and has it judged again. Resolves
 * for `allow` alone; everything else, failures included, rejects with `CallRefusedError`.
 */
export async function clearCall(
  judge: CallJudge,
  call: ToolCall,
  options: GuardOptions = {},
): Promise<ClearedCall> {
  const judged = { ...call, arguments: argumentsOf(call) }
  try {
    return await cleared(judge, judged, options)
  } catch (error) {
    if (options.signal?.aborted === true && error instanceof CallRefusedError) {
      withdrawUnawaited(judge, error.approvalId)
    }
    throw error
  }
}

async function cleared(judge: CallJudge, call: ToolCall, options: GuardOptions): Promise<ClearedCall> {
  const verdict = await evaluate(judge, call, options)
  if (verdict.decision === 'allow') return new ClearedCall(judge, call, verdict)
  if (verdict.decision !== 'ask') throw refusedBy(verdict, call)
  await approvalOf(judge, call, verdict, options)
  const second = await evaluate(judge, call, options)
  if (second.decision === 'allow') return new ClearedCall(judge, call, second)
  throw refusedBy(second, call)
}

function argumentsOf({ tool, arguments: found }: ToolCall): JsonObject {
  try {
    return plainObject(found, 'arguments')
  } catch (error) {
    // Values that are no JSON, and those that throw where they are read.
    const why = error instanceof NotJson ? error.message : `arguments cannot be read: ${messageOf(error)}`
    throw new CallRefusedError('not-json', tool, `${why}.`, { cause: error })
  }
}

/** The judge is not told of the signal: a verdict that is under way may ask people, and only its answer says whom. */
async function evaluate(judge: CallJudge, call: ToolCall, options: GuardOptions): Promise<CallVerdict> {
  const { signal } = options
  throwIfAborted(call, options)
  const judging = judge.evaluate(call)
  try {
    const verdict = await unlessAborted(judging, signal)
    throwIfAborted(call, options, verdict)
    return verdict
  } catch (error) {
    if (signal?.aborted === true) void giveBack(judge, call, judging)
    throw unjudged(error, call, options)
  }
}

/** Never rejects. Of a call that was taken back: people are asked no longer, and its session knows that it was not made. */
async function giveBack(judge: CallJudge, call: ToolCall, judging: Promise<CallVerdict>): Promise<void> {
  try {
    const verdict = await judging
    if (verdict.decision === 'allow') await new ClearedCall(judge, call, verdict).skipped()
    else if (verdict.decision === 'ask') withdrawUnawaited(judge, verdict.approval?.id)
  } catch (error) {
    // A judge that asks somebody itself says so in its refusal.
    if (error instanceof CallRefusedError) withdrawUnawaited(judge, error.approvalId)
  }
}

/** Resolves when somebody said yes. */
async function approvalOf(
  judge: CallJudge,
  call: ToolCall,
  verdict: CallVerdict,
  options: GuardOptions,
): Promise<void> {
  const { approval } = verdict
  if (approval === undefined) throw refusedBy(verdict, call)
  const { approvalTimeoutMs: timeoutMs = APPROVAL_TIMEOUT_MS, signal } = options
  const pending = () =>
    new CallRefusedError(
      'approval-pending',
      call.tool,
      `it waits for approval ${approval.id}${because(verdict)}`,
      { verdict, retryable: true },
    )
  if (timeoutMs <= 0) throw pending()
  let answer: string
  try {
    answer = await waitingFor(approval.id, () => judge.waitForApproval(approval.id, { timeoutMs, signal }))
  } catch (error) {
    throw unjudged(error, call, options, verdict)
  }
  if (answer === 'approved') return
  if (answer !== 'denied') throw pending()
  throw deniedByPerson(call.tool, approval.id, verdict)
}

function deniedByPerson(tool: string, approvalId: string, verdict: CallVerdict): CallRefusedError {
  const why = `a person said no to approval ${approvalId}${because(verdict)}`
  return new CallRefusedError('approval-denied', tool, why, { verdict })
}

function refusedBy(verdict: CallVerdict, { tool }: ToolCall): CallRefusedError {
  const { decision, approval } = verdict
  if (decision === 'deny' && approval !== undefined) return deniedByPerson(tool, approval.id, verdict)
  if (decision !== 'ask')
    return new CallRefusedError('denied', tool, `the policy denies it${because(verdict)}`, { verdict })
  const why = `a person would have to approve it, and nobody can be asked${because(verdict)}`
  return new CallRefusedError('approval-unavailable', tool, why, { verdict })
}

function unjudged(
  error: unknown,
  call: ToolCall,
  { signal }: GuardOptions,
  verdict?: CallVerdict,
): CallRefusedError {
  if (error instanceof CallRefusedError) return error
  if (signal?.aborted === true) return aborted(call, signal, verdict)
  const why = `no verdict could be had: ${messageOf(error)}`
  return new CallRefusedError('unjudged', call.tool, why, {
    cause: error,
    retryable: isRetryable(error),
    verdict,
  })
}

function throwIfAborted(call: ToolCall, { signal }: GuardOptions, verdict?: CallVerdict): void {
  if (signal?.aborted === true) throw aborted(call, signal, verdict)
}

function aborted({ tool }: ToolCall, signal: AbortSignal, verdict?: CallVerdict): CallRefusedError {
  return new CallRefusedError('aborted', tool, 'it was taken back.', { cause: signal.reason, verdict })
}

/** The rules that decided, and their reasons. */
function because({ decision, reasons, rules }: CallVerdict): string {
  const names = rules.filter((rule) => rule.decision === decision).map(({ name }) => name)
  const by = names.length === 0 ? '' : ` (${names.length === 1 ? 'rule' : 'rules'} ${names.join(', ')})`
  return reasons.length === 0 ? by : `${by}: ${reasons.join('; ')}`
}
