import type { Approval } from '@jamey/contracts'

/** A call that a rule asks a person about. */
export interface Ask {
  readonly tool: string
  readonly arguments: Readonly<Record<string, unknown>>
  readonly changedArguments?: Readonly<Record<string, unknown>> | undefined
  readonly intent?: string | undefined
  readonly cwd?: string | undefined
  readonly callDigest: string
  readonly changedCallDigest?: string | undefined
  readonly reasons: readonly string[]
  /** The names of the rules that ask; none where no rule knows the call. */
  readonly rules: readonly string[]
  readonly policyVersion: string
  /** The principal. */
  readonly requestedBy: string
  /** The sender of the request: the principal, or who passed it on. */
  readonly sentBy: string
  readonly sessionId?: string | undefined
  /** How many different people have to approve. */
  readonly approvers: 1 | 2
}

/** The part of an ask that decides whether an approval is good for it. */
export type AskedCall = Pick<
  Ask,
  'callDigest' | 'changedCallDigest' | 'rules' | 'requestedBy' | 'sessionId' | 'approvers'
>

/** The call itself, of the same requester, in the same session. */
function isOfCall(approval: Approval, call: AskedCall): boolean {
  return isOfCallAnywhere(approval, call) && approval.session_id === call.sessionId
}

/**
 * True where a person has approved, or would by answering, this very call. Another rule that asks is another reason,
 * which nobody was told; and where more people have to approve by now, those who did are too few.
 */
export function covers(approval: Approval, call: AskedCall): boolean {
  const isHere = approval.scope === 'always' ? isOfCallAnywhere(approval, call) : isOfCall(approval, call)
  if (!isHere || !call.rules.every((rule) => approval.rules.includes(rule))) return false
  return approval.approvers >= call.approvers
}

function isOfCallAnywhere(approval: Approval, call: AskedCall): boolean {
  return (
    approval.call_digest === call.callDigest &&
    approval.changed_call_digest === call.changedCallDigest &&
    approval.requested_by === call.requestedBy
  )
}

/** Approvals that are known of a call that is asked about. */
export interface KnownApprovals {
  /** The newest. */
  readonly denied: Approval | undefined
  /** Those that are not used up by it come first. */
  readonly approved: readonly Approval[]
  /** The newest. */
  readonly pending: Approval | undefined
}

/** Of approvals as they are now, the oldest first. */
export function knownOf(approvals: Iterable<Approval>, call: AskedCall): KnownApprovals {
  let denied: Approval | undefined
  let pending: Approval | undefined
  const approved: Approval[] = []
  for (const approval of approvals) {
    if (approval.status === 'denied' && isOfCall(approval, call)) denied = approval
    if (!covers(approval, call)) continue
    if (approval.status === 'pending') pending = approval
    if (approval.status !== 'approved') continue
    if (approval.scope === 'once') approved.push(approval)
    else approved.unshift(approval)
  }
  return { denied, approved, pending }
}
