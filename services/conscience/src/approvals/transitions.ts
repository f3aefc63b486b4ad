import { RequestError } from '@jamey/bus'
import type { Approval, ApprovalScope, ApprovalStatus } from '@jamey/contracts'
import { notPermittedToAnswer, settledApproval } from './approval-errors.js'
import type { Ask } from './coverage.js'

/** The ways of an approval from one status to the next. A pending one stays so with the first answer of two. */
const TRANSITIONS: Readonly<Record<ApprovalStatus, readonly ApprovalStatus[]>> = {
  pending: ['pending', 'approved', 'denied', 'expired', 'revoked'],
  approved: ['used', 'expired', 'revoked'],
  denied: [],
  expired: [],
  used: [],
  revoked: [],
}

/** From the narrowest. */
const SCOPES: readonly ApprovalScope[] = ['once', 'session', 'always']

/** How long, in milliseconds. */
export interface Lifetimes {
  /** That people have to answer, and then the requester to make the call that they approved for once. */
  readonly pendingMs: number
  /** That what they approved for a session is good. */
  readonly sessionMs: number
}

/** An answer, and whose it is. */
export interface GivenAnswer {
  /** The principal. */
  readonly answeredBy: string
  /** The sender of the answer: the principal, or who passed it on. */
  readonly sentBy: string
  readonly decision: 'approve' | 'deny'
  readonly scope: ApprovalScope
  readonly note?: string | undefined
}

export function isSettled({ status }: Approval): boolean {
  return TRANSITIONS[status].length === 0
}

/** An approval that nobody has answered yet. */
export function pendingOf(ask: Ask, approvalId: string, nowMs: number, { pendingMs }: Lifetimes): Approval {
  const { requestedBy, sentBy, sessionId, changedArguments, changedCallDigest, intent, cwd } = ask
  return {
    approval_id: approvalId,
    status: 'pending',
    tool: ask.tool,
    arguments: { ...ask.arguments },
    ...(changedArguments === undefined ? {} : { changed_arguments: { ...changedArguments } }),
    ...(intent === undefined ? {} : { intent }),
    ...(cwd === undefined ? {} : { cwd }),
    call_digest: ask.callDigest,
    ...(changedCallDigest === undefined ? {} : { changed_call_digest: changedCallDigest }),
    reasons: [...ask.reasons],
    rules: [...ask.rules],
    policy_version: ask.policyVersion,
    requested_by: requestedBy,
    ...(sentBy === requestedBy ? {} : { sent_by: sentBy }),
    ...(sessionId === undefined ? {} : { session_id: sessionId }),
    created_at: timeOf(nowMs),
    expires_at: timeOf(nowMs + pendingMs),
    approvers: ask.approvers,
    answers: [],
    changed_at: timeOf(nowMs),
  }
}

/** As it is at that time: what is past its end has expired, whether anybody noticed or not. */
export function asOf(approval: Approval, nowMs: number): Approval {
  const { expires_at } = approval
  if (isSettled(approval) || expires_at === undefined || nowMs < Date.parse(expires_at)) return approval
  return { ...approval, status: 'expired', changed_at: expires_at }
}

/** Throws `RequestError`: `approval-settled`, `not-permitted`, or `invalid-request` for a session where there is none. */
export function answered(
  approval: Approval,
  answer: GivenAnswer,
  nowMs: number,
  lifetimes: Lifetimes,
): Approval {
  const { answeredBy, decision, scope, note } = answer
  assertMayAnswer(approval, answer)
  const answered_at = timeOf(nowMs)
  const said = { answered_by: answeredBy, decision, ...(note === undefined ? {} : { note }), answered_at }
  if (decision === 'deny') {
    return become(approval, 'denied', { answers: [...approval.answers, said], changed_at: answered_at })
  }
  if (scope === 'session' && approval.session_id === undefined) {
    throw new RequestError(
      'invalid-request',
      'scope: expected once or always, since the call names no session.',
    )
  }
  const answers = [...approval.answers, { ...said, scope }]
  if (answers.length < approval.approvers)
    return become(approval, 'pending', { answers, changed_at: answered_at })
  const narrowest = SCOPES.find((one) => answers.some((each) => each.scope === one)) ?? 'once'
  const { expires_at: _, ...rest } = approval
  const approved = { answers, scope: narrowest, changed_at: answered_at }
  if (narrowest === 'always') return become(rest, 'approved', approved)
  const expires_at = timeOf(nowMs + (narrowest === 'once' ? lifetimes.pendingMs : lifetimes.sessionMs))
  return become(rest, 'approved', { ...approved, expires_at })
}

/** An approval for once is used up; another one stays as it is. Throws `RequestError`. */
export function used(approval: Approval, evaluationId: string, nowMs: number): Approval {
  if (approval.status !== 'approved') throw settledApproval(approval, 'is good for no call')
  if (approval.scope !== 'once') return approval
  return become(approval, 'used', { evaluation_id: evaluationId, changed_at: timeOf(nowMs) })
}

/** One that was used up by an evaluation that nobody was answered is as it was before. No way of its own leads there. */
export function givenBack(approval: Approval, nowMs: number): Approval {
  const { evaluation_id: _, ...rest } = approval
  return asOf({ ...rest, status: 'approved', changed_at: timeOf(nowMs) }, nowMs)
}

/** Throws `RequestError`. */
export function revoked(approval: Approval, revokedBy: string, nowMs: number): Approval {
  // An approval that nobody has given is denied, or withdrawn by who asked.
  if (approval.status === 'pending') throw settledApproval(approval, 'cannot become revoked')
  return become(approval, 'revoked', { revoked_by: revokedBy, changed_at: timeOf(nowMs) })
}

/** Asked no longer by who asked it; what is answered stays as it is, so that the first answer counts. */
export function withdrawn(approval: Approval, because: string | undefined, nowMs: number): Approval {
  if (approval.status !== 'pending') return approval
  const why = because === undefined ? {} : { revoked_because: because }
  return become(approval, 'revoked', {
    revoked_by: approval.requested_by,
    ...why,
    changed_at: timeOf(nowMs),
  })
}

function become(approval: Approval, status: ApprovalStatus, changes: Partial<Approval>): Approval {
  if (TRANSITIONS[approval.status].includes(status)) return { ...approval, ...changes, status }
  throw settledApproval(approval, `cannot become ${status}`)
}

function assertMayAnswer(approval: Approval, { answeredBy, sentBy }: GivenAnswer): void {
  const { requested_by, sent_by, answers } = approval
  if (approval.status !== 'pending') throw settledApproval(approval, 'takes no answer')
  if ([answeredBy, sentBy].includes(requested_by) || answeredBy === sent_by) {
    throw notPermittedToAnswer(`${requested_by} asked for this call; somebody else has to answer.`)
  }
  if (answers.some(({ answered_by }) => answered_by === answeredBy)) {
    throw notPermittedToAnswer(`${answeredBy} has approved this already; a second person has to answer.`)
  }
}

function timeOf(nowMs: number): string {
  return new Date(nowMs).toISOString()
}
