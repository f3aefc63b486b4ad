import type { ApprovalAnswer, CallJudge, CallVerdict, SessionReport, ToolCall } from '../model/call-judge.js'

/** A verdict with nothing in it but what is given. */
export function verdict(decision: CallVerdict['decision'], facts: Partial<CallVerdict> = {}): CallVerdict {
  return { decision, reasons: [], rules: [], ...facts }
}

export const PENDING = { id: 'approval-1', expires_at: '2026-11-30T12:00:00Z' }

/** Answers as its fields say, and remembers what it was asked. */
export class ScriptedJudge implements CallJudge {
  readonly evaluated: ToolCall[] = []
  readonly reports: SessionReport[] = []
  readonly waits: { id: string; timeoutMs: number }[] = []
  readonly withdrawals: { id: string; because: string }[] = []
  /** In this order; the last one stays. An error is rejected with. */
  verdicts: (CallVerdict | Error)[] = [verdict('allow')]
  approval: ApprovalAnswer | Error = 'expired'
  reportFailure: Error | undefined

  async evaluate(call: ToolCall): Promise<CallVerdict> {
    this.evaluated.push(call)
    const next = this.verdicts.length > 1 ? this.verdicts.shift() : this.verdicts[0]
    if (next === undefined || next instanceof Error) throw next ?? new Error('no verdict is left')
    return next
  }

  async waitForApproval(id: string, { timeoutMs }: { timeoutMs: number }): Promise<ApprovalAnswer> {
    this.waits.push({ id, timeoutMs })
    if (this.approval instanceof Error) throw this.approval
    return this.approval
  }

  async withdraw(id: string, { because }: { because: string }): Promise<'withdrawn' | ApprovalAnswer> {
    this.withdrawals.push({ id, because })
    return 'withdrawn'
  }

  async report(report: SessionReport): Promise<void> {
    if (this.reportFailure !== undefined) throw this.reportFailure
    this.reports.push(report)
  }
}
