import type { CallJudge, CallVerdict, SessionReport, ToolCall } from '@jamey/agents'
import { judgeCall, judgedCall, linksFrom, type Policy, Session } from '@jamey/conscience'

/**
 * A conscience within this process: a policy and one session, which lasts as long as the process. Nobody can be asked but
 * the client's user, and no rule finds the user's own words.
 */
export function policyJudge(policy: Policy, now: () => number): CallJudge {
  const session = new Session()
  return {
    evaluate: async (call) => verdictOf(policy, call, session, now()),
    // There is no question to wait for: no verdict has one.
    waitForApproval: async () => 'expired',
    report: async (report) => record(report, session, now()),
  }
}

function verdictOf(policy: Policy, asked: ToolCall, session: Session, now: number): CallVerdict {
  const { tool, annotations, intent, cwd, call_id: id } = asked
  const call = { tool, arguments: { ...asked.arguments }, annotations, intent, cwd }
  const verdict = judgeCall(policy, call, { session, now, links: linksFrom(policy.facts.workspace) })
  const { decision, rules, reasons, arguments: changed } = verdict
  // The call that is made is remembered, not the one that was asked about.
  session.called(
    judgedCall({ ...call, ...(changed === undefined ? {} : { arguments: changed }) }, verdict, id),
    now,
  )
  return {
    decision,
    rules,
    reasons: reasons.length === 0 && decision === 'ask' ? ['no rule knows it'] : reasons,
    ...(changed === undefined ? {} : { arguments: changed }),
  }
}

function record(report: SessionReport, session: Session, now: number): void {
  if (report.kind === 'request') session.request(report.text, now)
  else {
    const { call_id: callId, tool, result, outcome } = report
    session.result({ callId, tool, result, outcome }, now)
  }
}
