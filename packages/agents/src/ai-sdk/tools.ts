import { clearAhead } from '../guard/clearances.js'
import type { GuardOptions } from '../guard/cleared-call.js'
import { guardCall } from '../guard/guard-call.js'
import { userTextsIn } from '../guard/message-text.js'
import { tellRequest } from '../guard/request-words.js'
import type { CallDecision, CallJudge, JsonObject, ToolCall } from '../model/call-judge.js'
import { CallRefusedError } from '../model/errors.js'
import { isRetryable, messageOf } from '../model/failure.js'

export interface AiSdkOptions {
  /**
   * The conversation that calls belong to, one for each user's: the words of the user and the results of its calls count
   * for all calls of it.
   */
  readonly sessionId: string
}

export interface AiSdkToolsOptions extends AiSdkOptions {
  /** Milliseconds that a call waits for a person where one is asked, 300 000 by default. */
  readonly approvalTimeoutMs?: number | undefined
  /**
   * `wait` (the default): a call that a person is asked about waits within its time. `pause`: the run ends with an
   * approval request, as the SDK has it for `needsApproval`, and goes on when the program answers that; what counts is
   * the answer that a person gave the conscience.
   */
  readonly approvals?: 'wait' | 'pause' | undefined
  /** Tools that stay as they are. Those without `execute`, which run elsewhere, have to be named here. */
  readonly unguarded?: readonly string[] | undefined
}

/** The facts of its call that the SDK, of every version since 5, tells a tool. */
interface ExecutionOptions {
  readonly toolCallId?: string
  readonly messages?: unknown
  readonly abortSignal?: AbortSignal
}

/** Of a tool of the SDK, what is changed. */
interface Executable {
  readonly execute: (input: unknown, options: ExecutionOptions) => unknown
}

/**
 * The same tools, each of which runs only what the conscience allows. A refusal is thrown by `execute`, so that the SDK
 * tells the model of it. Of a tool that yields several results the last one alone is seen.
 *
 * Throws `TypeError` for a tool without `execute` that is not named in `unguarded`.
 */
export function aiSdkTools<Tools extends object>(
  judge: CallJudge,
  tools: Tools,
  options: AiSdkToolsOptions,
): Tools {
  const { unguarded = [] } = options
  const guarded = Object.entries(tools).map(([name, tool]: [string, unknown]) => {
    if (unguarded.includes(name)) return [name, tool]
    if (!isExecutable(tool)) {
      throw new TypeError(
        `Tool ${name} has no execute, so nothing here runs it that could be guarded; name it in 'unguarded'.`,
      )
    }
    return [name, guardedTool(judge, name, tool, options)]
  })
  return Object.fromEntries(guarded) as Tools
}

function guardedTool(judge: CallJudge, name: string, tool: Executable, options: AiSdkToolsOptions): object {
  const { sessionId, approvals = 'wait' } = options
  const approvalTimeoutMs = approvals === 'pause' ? 0 : options.approvalTimeoutMs
  const execute = async (input: unknown, execution: ExecutionOptions): Promise<unknown> => {
    const call = callOf(name, input, sessionId, execution)
    await tellMessages(judge, call, execution.messages)
    const run = (args: JsonObject) => lastOf(tool.execute(args, execution))
    return guardCall(judge, call, run, { approvalTimeoutMs, signal: execution.abortSignal })
  }
  if (approvals === 'wait') return { ...tool, execute }
  const needsApproval = async (input: unknown, execution: ExecutionOptions): Promise<boolean> => {
    // The SDK asks once more when the program has answered, and takes the answer for a forgery where none was needed.
    if (wasAskedFor(execution.messages, execution.toolCallId)) return true
    const call = callOf(name, input, sessionId, execution)
    return (await approvalOf(judge, call, execution.messages)).decision === 'ask'
  }
  return { ...tool, execute, needsApproval }
}

/** The decision before a call runs: `deny` with why, for whatever is neither allowed nor to be asked about. */
export async function approvalOf(
  judge: CallJudge,
  call: ToolCall,
  messages: unknown,
  options: GuardOptions = {},
): Promise<{ decision: CallDecision; reason?: string }> {
  try {
    await tellMessages(judge, call, messages)
    await clearAhead(judge, call, { ...options, approvalTimeoutMs: 0 })
    return { decision: 'allow' }
  } catch (error) {
    const isPending = error instanceof CallRefusedError && error.code === 'approval-pending'
    return { decision: isPending ? 'ask' : 'deny', reason: messageOf(error) }
  }
}

export function callOf(
  tool: string,
  input: unknown,
  sessionId: string,
  { toolCallId }: ExecutionOptions,
): ToolCall {
  const call = { tool, arguments: (input ?? {}) as JsonObject, session_id: sessionId }
  return toolCallId === undefined ? call : { ...call, call_id: toolCallId }
}

/** Tells a call's session what its messages have of the user's words; a call whose session cannot be told is refused. */
export async function tellMessages(
  judge: CallJudge,
  { tool, session_id }: ToolCall,
  messages: unknown,
): Promise<void> {
  if (session_id === undefined) return
  try {
    await tellRequest(judge, session_id, userTextsIn(messages, 'text'))
  } catch (error) {
    const why = `its session could not be told the request: ${messageOf(error)}`
    throw new CallRefusedError('unjudged', tool, why, { cause: error, retryable: isRetryable(error) })
  }
}

/** True where the program was asked to approve this call. */
function wasAskedFor(messages: unknown, toolCallId: string | undefined): boolean {
  if (!Array.isArray(messages) || toolCallId === undefined) return false
  return (messages as readonly { readonly content?: unknown }[])
    .flatMap(({ content }) => (Array.isArray(content) ? (content as readonly unknown[]) : []))
    .some((part) => {
      const { type, toolCallId: asked } = part as { readonly type?: unknown; readonly toolCallId?: unknown }
      return type === 'tool-approval-request' && asked === toolCallId
    })
}

function isExecutable(tool: unknown): tool is Executable {
  return typeof tool === 'object' && tool !== null && 'execute' in tool && typeof tool.execute === 'function'
}

async function lastOf(result: unknown): Promise<unknown> {
  if (typeof result !== 'object' || result === null || !(Symbol.asyncIterator in result)) return result
  let last: unknown
  for await (const value of result as AsyncIterable<unknown>) last = value
  return last
}
