import type { CallEvaluation } from '@jamey/contracts'
import type { Ask } from '../approvals/coverage.js'
import type { Findings } from '../thread/evaluation-message.js'
import { reasonsOfPolicy } from './call-verdict.js'

/** The question to people about a call. */
export function askOf(asked: {
  readonly found: Findings
  readonly evaluation: CallEvaluation
  readonly requestedBy: string
  readonly sentBy: string
}): Ask {
  const { found, evaluation, requestedBy, sentBy } = asked
  const asking = found.rules.filter(({ decision }) => decision === 'ask')
  return {
    tool: evaluation.tool,
    arguments: evaluation.arguments,
    changedArguments: found.arguments,
    intent: evaluation.intent,
    cwd: evaluation.cwd,
    callDigest: found.callDigest ?? '',
    changedCallDigest: found.changedCallDigest,
    reasons: reasonsOfPolicy(found, true),
    rules: asking.map(({ name }) => name),
    policyVersion: found.policyVersion,
    requestedBy,
    sentBy,
    sessionId: evaluation.session_id,
    approvers: asking.some(({ approvers }) => approvers === 2) ? 2 : 1,
  }
}
