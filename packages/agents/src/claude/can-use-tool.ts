import { clearCall, type GuardOptions } from '../guard/cleared-call.js'
import type { CallJudge, JsonObject } from '../model/call-judge.js'
import { messageOf } from '../model/failure.js'

export interface ClaudeCanUseToolOptions extends Pick<GuardOptions, 'approvalTimeoutMs'> {
  /** The conversation that calls belong to. Without one each is judged by itself: results are reported by hooks alone. */
  readonly sessionId?: string | undefined
}

type PermissionResult =
  | { behavior: 'allow'; updatedInput: Record<string, unknown> }
  | { behavior: 'deny'; message: string }

/**
 * For `canUseTool` of the Claude Agent SDK: Claude Code asks it about the calls that its own rules neither permit nor
 * deny, and about no others, and tells it no results. `claudeHooks` sees all of both.
 */
export function claudeCanUseTool(
  judge: CallJudge,
  options: ClaudeCanUseToolOptions = {},
): (
  toolName: string,
  input: Record<string, unknown>,
  asked: { signal: AbortSignal; toolUseID: string },
) => Promise<PermissionResult> {
  const { approvalTimeoutMs, sessionId } = options
  return async (tool, input, { signal, toolUseID }) => {
    const session = sessionId === undefined ? {} : { session_id: sessionId }
    const call = { tool, arguments: input as JsonObject, call_id: toolUseID, ...session }
    try {
      const cleared = await clearCall(judge, call, { approvalTimeoutMs, signal })
      return { behavior: 'allow', updatedInput: { ...cleared.arguments } }
    } catch (error) {
      return { behavior: 'deny', message: messageOf(error) }
    }
  }
}
