import { randomUUID } from 'node:crypto'
import { type Clock, type RequestContext, RequestError } from '@jamey/bus'
import type {
  CallEvaluation,
  CallVerdict,
  Decision,
  TextEvaluation,
  TextVerdict,
  Verdict,
} from '@jamey/contracts'
import type { Findings, Work } from '../thread/evaluation-message.js'
import { type EvaluationThread, overloadedError } from '../thread/evaluation-thread.js'
import { BOUNDS, excess } from '../verdict/bounds.js'
import { attestedFacts, countedFacts } from '../verdict/counted-facts.js'
import { JUDGE_SHARE, type Judge, type JudgeAnswer } from '../verdict/judge.js'
import { callMaterial, type Material, mayFit, wordsMaterial } from '../verdict/judge-material.js'
import { type Decided, judgeOf, withOpinion } from '../verdict/opinion.js'
import { formerWords } from '../verdict/text-verdict.js'
import type { ApprovalService } from './approvals/approval-service.js'
import type { AttestationListener } from './attestation-listener.js'
import type { Asked } from './batch.js'
import { askOf } from './call-ask.js'
import { callVerdictOf } from './call-verdict.js'
import type { SessionService } from './session-service.js'

export interface VerdictMakerOptions {
  readonly thread: EvaluationThread
  readonly attestations: AttestationListener
  /** Without it nobody can be asked. */
  readonly approvals: ApprovalService | undefined
  readonly sessions: SessionService
  readonly judge: Judge | undefined
  readonly clock: Pick<Clock, 'timeOfDay'>
  readonly report: (kind: string, error: unknown) => void
}

/** Makes a verdict of what is asked and what the policy says of it. */
export class VerdictMaker {
  readonly #options: VerdictMakerOptions
  judgeFailures = 0
  ruleFailures = 0

  constructor(options: VerdictMakerOptions) {
    this.#options = options
  }

  async verdictOn(request: Asked, context: RequestContext): Promise<Verdict> {
    const { data } = request
    return 'tool' in data
      ? await this.#callVerdict(request, data, context)
      : await this.#textVerdict(request, data, context)
  }

  async #callVerdict(
    request: Asked,
    evaluation: CallEvaluation,
    context: RequestContext,
  ): Promise<CallVerdict> {
    const { sender, principal, binding } = request
    const { tool, arguments: args, annotations, intent, cwd, session_id, call_id } = evaluation
    const attested = this.#attestedTo(request)
    const call = { tool, arguments: args, annotations, intent, cwd }
    const { sessions, judge } = this.#options
    const belongsTo = sessions.sessionOf(principal.clientId, session_id, call_id)
    const isForJudge = judge !== undefined && mayFit(evaluation)
    const work = { call, belongsTo, isForJudge, attested: attestedFacts(attested) }
    const byRules = await this.#evaluate(request, work, context)
    if (byRules.remembered !== undefined) await sessions.keepCall(belongsTo, byRules.remembered)
    const answer = judge && (await this.#hear(byRules, () => callMaterial(evaluation, byRules), context))
    const found = answer === undefined ? byRules : { ...byRules, ...withOpinion(byRules, answer) }
    const evaluationId = randomUUID()
    const ask = { found, evaluation, requestedBy: principal.clientId, sentBy: sender.clientId }
    const { approvals, clock } = this.#options
    const resolution =
      found.decision === 'ask' ? await approvals?.resolve(askOf(ask), evaluationId, context) : undefined
    const nowMs = clock.timeOfDay()
    const heard = judgeOf(answer)
    const verdict = callVerdictOf({
      evaluationId,
      evaluation,
      found,
      judge: heard,
      resolution,
      attested,
      binding,
      nowMs,
    })
    if (verdict.decision === 'allow' && byRules.decision === 'ask') {
      const keep = () => sessions.keepAllowed(belongsTo, byRules.remembered, context)
      await this.#keepAllowed(verdict, keep, context)
    }
    return verdict
  }

  /** A verdict that its session cannot be told is not answered, for later ones would not count the call. */
  async #keepAllowed(
    verdict: CallVerdict,
    keep: () => Promise<void>,
    context: RequestContext,
  ): Promise<void> {
    try {
      await keep()
    } catch (error) {
      await this.#options.approvals?.giveBack(verdict, context)
      throw error
    }
  }

  async #textVerdict(
    request: Asked,
    proposal: TextEvaluation,
    context: RequestContext,
  ): Promise<TextVerdict> {
    assertWithinBounds(proposal)
    const attested = this.#attestedTo(request)
    const { action, context: said, user = {} } = proposal
    const work = { words: { action, context: said, user }, attested: attestedFacts(attested) }
    const found = await this.#evaluate(request, work, context)
    const answer = await this.#hear(found, () => wordsMaterial(proposal), context)
    const common = this.#common(request, found, withOpinion(found, answer))
    const requester = request.binding.requested_by
    const asserted = found.readsContext ? { context: said, requester } : undefined
    const judge = judgeOf(answer)
    return {
      kind: 'text',
      action,
      facts: countedFacts(attested, asserted),
      judge,
      ...common,
      ...formerWords(common),
    }
  }

  #common({ binding }: Asked, { rules, policyVersion }: Findings, { decision, reasons }: Decided) {
    return {
      evaluation_id: randomUUID(),
      approved: decision === 'allow',
      decision,
      reasons: told(decision, reasons),
      rules: [...rules],
      policy_version: policyVersion,
      ...binding,
      evaluated_at: new Date(this.#options.clock.timeOfDay()).toISOString(),
    }
  }

  #attestedTo({ sender, binding }: Asked) {
    const { request_digest: digest, requested_by: requester } = binding
    return this.#options.attestations.about(digest, requester, sender.clientId)
  }

  async #evaluate({ binding, principal }: Asked, work: Work, context: RequestContext): Promise<Findings> {
    const { thread, report } = this.#options
    // A call without room need not be looked at more closely.
    if (!thread.hasRoomFor(principal.clientId, 1)) throw overloadedError(principal.clientId)
    const found = await thread.evaluate(binding.requested_by, work, context)
    for (const failure of found.failures) {
      this.ruleFailures++
      report('rule-failed', new RequestError('rule-failed', failure))
    }
    return found
  }

  /** The opinion of the judge, where there is one and it could change anything. */
  async #hear(
    { decision }: Findings,
    material: () => Material,
    { remainingMs }: RequestContext,
  ): Promise<JudgeAnswer | undefined> {
    const { judge, report } = this.#options
    if (judge === undefined) return undefined
    if (decision === 'deny') return { status: 'not_needed' }
    const answer = await judge.ask(material(), { limitMs: remainingMs * JUDGE_SHARE })
    if (answer.status === 'failed') {
      this.judgeFailures++
      const message = `The judge failed: ${answer.error}`
      report('judge-failed', new RequestError('judge-failed', message, { retryable: true }))
    }
    return answer
  }
}

const NO_APPROVAL_OF_WORDS =
  'an action in words never makes an approval, so it must not be done: have the call itself judged, its tool and arguments (`jamey evaluate --tool`)'

function told(decision: Decision, reasons: readonly string[]): string[] {
  return decision === 'ask' ? [...reasons, NO_APPROVAL_OF_WORDS] : [...reasons]
}

function assertWithinBounds({ action, context, user }: TextEvaluation): void {
  if (action.trim() === '')
    throw new RequestError('invalid-request', 'action: expected text, found only white space.')
  const { length } = action
  if (length > BOUNDS.actionCharacters) {
    const expected = `at most ${BOUNDS.actionCharacters} characters`
    throw new RequestError('invalid-request', `action: expected ${expected}, found ${length}.`)
  }
  const fault = excess(context, 'context') ?? excess(user, 'user')
  if (fault !== undefined) throw new RequestError('invalid-request', `${fault.field}: it is ${fault.reason}.`)
}
