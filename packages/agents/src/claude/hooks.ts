import { forgetOldest } from '../guard/bounded-map.js'
import { type ClearedCall, clearCall, type GuardOptions } from '../guard/cleared-call.js'
import { tellRequest } from '../guard/request-words.js'
import type { CallJudge, JsonObject } from '../model/call-judge.js'
import { messageOf } from '../model/failure.js'
import { APPROVAL_TIMEOUT_MS } from '../model/limits.js'
import { ReportQueue } from './report-queue.js'

export interface ClaudeHooksOptions extends Pick<GuardOptions, 'approvalTimeoutMs'> {
  /**
   * True: what the conscience allows needs no other permission. False by default: the rules of Claude Code and
   * `canUseTool` decide about it as ever, so that these hooks can only make an agent stricter.
   */
  readonly grants?: boolean | undefined
}

/** Of what Claude Code tells a hook, what is read here. */
interface HookInput {
  readonly hook_event_name: string
  readonly session_id: string
  readonly cwd?: unknown
  readonly tool_name?: unknown
  readonly tool_input?: unknown
  readonly tool_use_id?: unknown
  readonly tool_response?: unknown
  readonly error?: unknown
  readonly prompt?: unknown
  readonly source?: unknown
}

interface HookOutput {
  decision?: 'block'
  reason?: string
  hookSpecificOutput?: {
    hookEventName: 'PreToolUse'
    permissionDecision?: 'allow' | 'deny'
    permissionDecisionReason?: string
    updatedInput?: Record<string, unknown>
  }
}

interface Matcher {
  hooks: ((
    input: HookInput,
    toolUseId: string | undefined,
    options: { signal: AbortSignal },
  ) => Promise<HookOutput>)[]
  /** Seconds. */
  timeout: number
  onFailure: 'block'
}

export interface ClaudeHooks {
  UserPromptSubmit: Matcher[]
  PreToolUse: Matcher[]
  PostToolUse: Matcher[]
  PostToolUseFailure: Matcher[]
}

/** For all that a hook does besides waiting for a person. */
const HOOK_SECONDS = 60
/** Calls that run; of those beyond, their reports do not name the evaluation. */
const MAXIMUM_RUNNING = 1_000

/**
 * For `hooks` of the Claude Agent SDK: a prompt is told to the session as the user's words, each call is judged before it
 * runs, and its result is told before the next one is judged. Where any of it fails the prompt or the call is blocked,
 * also where a hook itself fails (`onFailure`), since hooks let pass by default.
 */
export function claudeHooks(judge: CallJudge, options: ClaudeHooksOptions = {}): ClaudeHooks {
  const hooks = new Hooks(judge, options)
  const { approvalTimeoutMs = APPROVAL_TIMEOUT_MS } = options
  const matcher = (hook: Matcher['hooks'][number], seconds = HOOK_SECONDS): Matcher[] => [
    { hooks: [hook], timeout: seconds, onFailure: 'block' },
  ]
  return {
    UserPromptSubmit: matcher((input) => hooks.prompted(input)),
    PreToolUse: matcher(
      (input, _, { signal }) => hooks.called(input, signal),
      HOOK_SECONDS + Math.ceil(approvalTimeoutMs / 1000),
    ),
    PostToolUse: matcher((input) => hooks.finished(input, 'succeeded', input.tool_response)),
    PostToolUseFailure: matcher((input) => hooks.finished(input, 'failed', input.error)),
  }
}

class Hooks {
  readonly #judge: CallJudge
  readonly #options: ClaudeHooksOptions
  readonly #reports: ReportQueue
  readonly #running = new Map<string, ClearedCall>()

  constructor(judge: CallJudge, options: ClaudeHooksOptions) {
    this.#judge = judge
    this.#options = options
    this.#reports = new ReportQueue(judge)
  }

  /** Words of a timer, another agent or a task (`source`) are nobody's request, and no result of a call either. */
  async prompted({ session_id, prompt, source }: HookInput): Promise<HookOutput> {
    if (source !== undefined && source !== 'user' && source !== 'sdk') return {}
    try {
      await tellRequest(this.#judge, session_id, [String(prompt)])
      return {}
    } catch (error) {
      return {
        decision: 'block',
        reason: `The conscience could not be told the request: ${messageOf(error)}`,
      }
    }
  }

  async called(input: HookInput, signal: AbortSignal): Promise<HookOutput> {
    const hookEventName = 'PreToolUse'
    const { approvalTimeoutMs, grants = false } = this.#options
    const call = {
      tool: String(input.tool_name),
      arguments: input.tool_input as JsonObject,
      session_id: input.session_id,
      call_id: String(input.tool_use_id),
      ...(typeof input.cwd === 'string' && input.cwd !== '' ? { cwd: input.cwd } : {}),
    }
    try {
      await this.#reports.flush(input.session_id)
      const cleared = await clearCall(this.#judge, call, { approvalTimeoutMs, signal })
      this.#remember(call.call_id, cleared)
      const { arguments: changed } = cleared.verdict
      return {
        hookSpecificOutput: {
          hookEventName,
          ...(grants ? { permissionDecision: 'allow' } : {}),
          ...(changed === undefined ? {} : { updatedInput: { ...changed } }),
        },
      }
    } catch (error) {
      const permissionDecisionReason = messageOf(error)
      return { hookSpecificOutput: { hookEventName, permissionDecision: 'deny', permissionDecisionReason } }
    }
  }

  async finished(input: HookInput, outcome: 'succeeded' | 'failed', result: unknown): Promise<HookOutput> {
    const callId = String(input.tool_use_id)
    const evaluationId = this.#running.get(callId)?.verdict.evaluation_id
    this.#running.delete(callId)
    await this.#reports.report({
      session_id: input.session_id,
      kind: 'result',
      tool: String(input.tool_name),
      call_id: callId,
      arguments: input.tool_input as JsonObject,
      result,
      is_error: outcome === 'failed',
      outcome,
      ...(evaluationId === undefined ? {} : { evaluation_id: evaluationId }),
    })
    return {}
  }

  #remember(callId: string, cleared: ClearedCall): void {
    this.#running.set(callId, cleared)
    forgetOldest(this.#running, MAXIMUM_RUNNING)
  }
}
