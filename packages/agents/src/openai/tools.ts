import { clearAhead } from '../guard/clearances.js'
import { guardCall } from '../guard/guard-call.js'
import type { CallJudge, JsonObject } from '../model/call-judge.js'
import { CallRefusedError, ResultWithheldError } from '../model/errors.js'
import { callOf, type OpenAiOptions, type Run, sessionOf } from './call.js'

export interface OpenAiToolsOptions extends OpenAiOptions {
  /** Milliseconds that a call waits for a person where one is asked, 300 000 by default. */
  readonly approvalTimeoutMs?: number | undefined
  /**
   * `wait` (the default): a call that a person is asked about waits within its time. `pause`: the run is interrupted, as
   * the SDK has it for `needsApproval`, and goes on when the program approves; what counts is the answer that a person
   * gave the conscience.
   */
  readonly approvals?: 'wait' | 'pause' | undefined
  /** Tools that stay as they are. Those that are no function tools have to be named here. */
  readonly unguarded?: readonly string[] | undefined
}

/** Any tool of the SDK. */
interface NamedTool {
  readonly type: string
  readonly name: string
}

interface Details {
  readonly toolCall?: { readonly callId?: string }
  readonly signal?: AbortSignal
}

/** Of a function tool, what is changed. */
interface FunctionTool extends NamedTool {
  readonly invoke: (run: Run, input: string, details?: Details) => Promise<unknown>
  readonly needsApproval: (run: Run, input: unknown, callId?: string) => Promise<boolean>
}

/**
 * The same tools, each of which runs only what the conscience allows; the model is told of a refusal in the place of a
 * result. Throws `TypeError` for a tool that is no function tool and not named in `unguarded`: it is run by somebody else.
 */
export function openaiTools<Tool extends NamedTool>(
  judge: CallJudge,
  tools: readonly Tool[],
  options: OpenAiToolsOptions,
): Tool[] {
  const { unguarded = [] } = options
  return tools.map((tool) => {
    if (unguarded.includes(tool.name)) return tool
    if (!isFunctionTool(tool)) {
      throw new TypeError(
        `Tool ${tool.name} is of type ${tool.type}, which cannot be guarded; name it in 'unguarded'.`,
      )
    }
    return guardedTool(judge, tool, options)
  })
}

function guardedTool<Tool extends FunctionTool>(
  judge: CallJudge,
  tool: Tool,
  options: OpenAiToolsOptions,
): Tool {
  const { approvals = 'wait' } = options
  const approvalTimeoutMs = approvals === 'pause' ? 0 : options.approvalTimeoutMs
  const invoke = async (run: Run, input: string, details?: Details): Promise<unknown> => {
    try {
      const call = callOf(tool.name, input, sessionOf(options, run), details?.toolCall?.callId)
      const made = (args: JsonObject) => tool.invoke(run, JSON.stringify(args), details)
      return await guardCall(judge, call, made, { approvalTimeoutMs, signal: details?.signal })
    } catch (error) {
      if (error instanceof CallRefusedError || error instanceof ResultWithheldError) return error.message
      throw error
    }
  }
  if (approvals === 'wait') return { ...tool, invoke }
  const needsApproval = async (run: Run, input: unknown, callId?: string): Promise<boolean> => {
    try {
      const call = callOf(tool.name, JSON.stringify(input), sessionOf(options, run), callId)
      await clearAhead(judge, call, { approvalTimeoutMs: 0 })
    } catch (error) {
      if (error instanceof CallRefusedError && error.code === 'approval-pending') return true
      // Whatever else keeps it from being made, `invoke` finds again, and tells the model.
    }
    return tool.needsApproval(run, input, callId)
  }
  return { ...tool, invoke, needsApproval }
}

function isFunctionTool<Tool extends NamedTool>(tool: Tool): tool is Tool & FunctionTool {
  return tool.type === 'function' && 'invoke' in tool && typeof tool.invoke === 'function'
}
