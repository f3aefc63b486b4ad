import type { CallJudge } from '../model/call-judge.js'
import { type AiSdkOptions, approvalOf, callOf } from './tools.js'

/** A call as the SDK, since version 7, tells of it before it runs. */
interface ApprovalRequest {
  readonly toolCall: { readonly toolName: string; readonly toolCallId: string; readonly input: unknown }
  readonly messages: unknown
}

type ApprovalStatus = { type: 'approved' } | { type: 'user-approval' | 'denied'; reason?: string }

/**
 * For `toolApproval` of the AI SDK, since version 7: what the conscience allows is approved, what it asks about waits
 * for the program, and everything else, as where it cannot be reached, is denied. Beside it the tools are those of
 * `aiSdkTools` with `approvals: 'pause'`: they make the calls with what a rule put in the place of their arguments,
 * report results, and run nothing that the program approves and no person has approved.
 */
export function aiSdkToolApproval(
  judge: CallJudge,
  { sessionId }: AiSdkOptions,
): (request: ApprovalRequest) => Promise<ApprovalStatus> {
  return async ({ toolCall: { toolName, toolCallId, input }, messages }) => {
    const call = callOf(toolName, input, sessionId, { toolCallId })
    const { decision, reason } = await approvalOf(judge, call, messages)
    if (decision === 'allow') return { type: 'approved' }
    const type = decision === 'ask' ? 'user-approval' : 'denied'
    return reason === undefined ? { type } : { type, reason }
  }
}
