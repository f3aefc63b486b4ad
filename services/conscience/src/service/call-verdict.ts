import type { Approval, CallEvaluation, CallVerdict } from '@jamey/contracts'
import type { CallFindings } from '../thread/evaluation-message.js'
import type { Resolution } from './approval-service.js'

/** What a verdict on a call is made of. */
export interface CallJudgement {
  readonly evaluationId: string
  readonly evaluation: CallEvaluation
  readonly found: CallFindings
  /** What people said, or that they are asked; undefined where the policy decided alone, or nobody can be asked. */
  readonly resolution: Resolution | undefined
  readonly binding: Pick<CallVerdict, 'request_digest' | 'requested_by' | 'correlation_id'>
  /** Milliseconds since 1970. */
  readonly nowMs: number
}

const NO_RULE = 'no rule knows it'
const NOBODY_TO_ASK = 'nobody can be asked here, so it must not be done'

export function callVerdictOf({
  evaluationId,
  evaluation,
  found,
  resolution,
  binding,
  nowMs,
}: CallJudgement): CallVerdict {
  const { tool, session_id, call_id } = evaluation
  const { rules, policyVersion, callDigest } = found
  const decision = resolution?.decision ?? found.decision
  return {
    kind: 'call',
    evaluation_id: evaluationId,
    tool,
    ...(session_id === undefined ? {} : { session_id }),
    ...(call_id === undefined ? {} : { call_id }),
    approved: decision === 'allow',
    decision,
    reasons: [...reasonsOfPeople(resolution), ...reasonsOfPolicy(found, resolution !== undefined)],
    rules: [...rules],
    ...(resolution?.approval === undefined ? {} : { approval: named(resolution.approval) }),
    facts: [],
    judge: { status: 'not_configured' },
    policy_version: policyVersion,
    call_digest: callDigest,
    ...binding,
    evaluated_at: new Date(nowMs).toISOString(),
  }
}

/** The gravest first: those that decided, then what follows for whoever asked. */
export function reasonsOfPolicy({ decision, rules }: CallFindings, canAsk: boolean): string[] {
  const decisive = rules.filter((rule) => rule.decision === decision).map(({ reason }) => reason)
  if (decision !== 'ask') return decisive
  return [...(decisive.length === 0 ? [NO_RULE] : decisive), ...(canAsk ? [] : [NOBODY_TO_ASK])]
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
