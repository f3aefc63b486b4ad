import type { Approval, CallEvaluation, CallVerdict } from '@jamey/contracts'
import { isoTime } from '../audit/iso-time.js'
import type { Findings } from '../thread/evaluation-message.js'
import type { AttestedFact } from '../verdict/attestations.js'
import { countedFacts } from '../verdict/counted-facts.js'
import { decided } from '../verdict/opinion.js'
import type { Resolution } from './approvals/approval-service.js'

/** The parts of a verdict on a call. */
export interface CallJudgement {
  readonly evaluationId: string
  readonly evaluation: CallEvaluation
  readonly found: Findings
  /** The contribution of the judge beside the rules. */
  readonly judge: CallVerdict['judge']
  /** The word of people, or that they are asked; undefined where the policy decided alone, or nobody can be asked. */
  readonly resolution: Resolution | undefined
  /** Facts that others vouched for. */
  readonly attested: readonly AttestedFact[]
  readonly binding: Pick<CallVerdict, 'request_digest' | 'requested_by' | 'correlation_id'>
  /** Milliseconds since 1970. */
  readonly nowMs: number
}

const NOBODY_TO_ASK = 'nobody can be asked here, so it must not be done'

export function callVerdictOf({
  evaluationId,
  evaluation,
  found,
  judge,
  resolution,
  attested,
  binding,
  nowMs,
}: CallJudgement): CallVerdict {
  const { tool, session_id, call_id } = evaluation
  const { rules, policyVersion, callDigest = '', arguments: changed, changedCallDigest } = found
  const decision = resolution?.decision ?? found.decision
  return {
    kind: 'call',
    evaluation_id: evaluationId,
    tool,
    ...(changed === undefined ? {} : { arguments: { ...changed }, changed_call_digest: changedCallDigest }),
    ...(session_id === undefined ? {} : { session_id }),
    ...(call_id === undefined ? {} : { call_id }),
    approved: decision === 'allow',
    decision,
    reasons: [...reasonsOfPeople(resolution), ...reasonsOfPolicy(found, resolution !== undefined)],
    rules: [...rules],
    ...(resolution?.approval === undefined ? {} : { approval: named(resolution.approval) }),
    facts: countedFacts(attested, undefined),
    judge,
    policy_version: policyVersion,
    call_digest: callDigest,
    ...binding,
    evaluated_at: isoTime(nowMs),
  }
}

/** Those of the policy, then what follows for whoever asked. */
export function reasonsOfPolicy(found: Findings, canAsk: boolean): string[] {
  const { decision, reasons } = decided(found)
  return decision === 'ask' && !canAsk ? [...reasons, NOBODY_TO_ASK] : reasons
}

function reasonsOfPeople(resolution: Resolution | undefined): string[] {
  if (resolution === undefined || resolution.decision === 'ask') return []
  const { approval, reason } = resolution
  if (approval === undefined) return reason === undefined ? [] : [reason]
  const { answers, scope } = approval
  return answers.map(({ answered_by, decision, note }) => {
    const what = decision === 'deny' ? 'denied it' : `approved it (${scope})`
    return `${answered_by} ${what}${note === undefined ? '' : `: ${note}`}`
  })
}

function named({ approval_id, expires_at }: Approval): NonNullable<CallVerdict['approval']> {
  return { id: approval_id, ...(expires_at === undefined ? {} : { expires_at }) }
}
