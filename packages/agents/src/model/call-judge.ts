/** A JSON object, as the arguments of a tool are one. */
export type JsonObject = { readonly [name: string]: unknown }

/** Hints of a server about its tool, in the words of MCP. A policy believes them only of servers that it trusts. */
export interface ToolAnnotations {
  readonly readOnlyHint?: boolean | undefined
  readonly destructiveHint?: boolean | undefined
  readonly idempotentHint?: boolean | undefined
  readonly openWorldHint?: boolean | undefined
}

/** A call of a tool that an agent wants to make. Its fields are those of the wire. */
export interface ToolCall {
  readonly tool: string
  readonly arguments: JsonObject
  readonly annotations?: ToolAnnotations | undefined
  /** The agent's own word for why it makes the call. It can only speak against the call. */
  readonly intent?: string | undefined
  /** The folder that it is made in, where that is known: it is judged there and in the workspace. */
  readonly cwd?: string | undefined
  /** Calls and results of one session are judged together: what the user asked for, where a value comes from. */
  readonly session_id?: string | undefined
  /** The framework's own identifier of the call, by which its result is known again. */
  readonly call_id?: string | undefined
}

export type CallDecision = 'allow' | 'ask' | 'deny'

/** A rule of the policy that applied to a call. */
export interface CallRule {
  readonly name: string
  readonly decision: string
  readonly reason?: string | undefined
}

/** A question that a person answers, who is not the one who asked. */
export interface PendingApproval {
  readonly id: string
  /** ISO 8601. */
  readonly expires_at?: string | undefined
}

/** The answer of a conscience about a call. Only `allow` means that it may be made. */
export interface CallVerdict {
  readonly decision: CallDecision
  readonly reasons: readonly string[]
  readonly rules: readonly CallRule[]
  /** The arguments to make the call with instead, where a rule changes them. */
  readonly arguments?: JsonObject | undefined
  /** Where it is `ask`: whom to wait for. Without one nobody can be asked. */
  readonly approval?: PendingApproval | undefined
  readonly evaluation_id?: string | undefined
}

/** The rest that a session is told besides its calls: the user's own words, and what became of a call. */
export type SessionReport =
  | { readonly session_id: string; readonly kind: 'request'; readonly text: string }
  | {
      readonly session_id: string
      readonly kind: 'result'
      readonly tool: string
      readonly call_id?: string | undefined
      readonly arguments?: JsonObject | undefined
      /** As the agent sees it. */
      readonly result: unknown
      readonly is_error?: boolean | undefined
      /** `skipped`: it was allowed, and not made all the same. */
      readonly outcome: 'succeeded' | 'failed' | 'skipped'
      readonly evaluation_id?: string | undefined
    }

export type ApprovalAnswer = 'approved' | 'denied' | 'expired'

/** A conscience as agents need it, over whichever way it is reached. */
export interface CallJudge {
  /** Rejects when no verdict can be had: whoever asks must then not make the call. */
  evaluate(call: ToolCall, options?: { readonly signal?: AbortSignal | undefined }): Promise<CallVerdict>
  /**
   * Several at once, as a model makes several calls in one turn; each settles for itself, in their order. Never rejects.
   * Without it they are asked about one by one.
   */
  evaluateAll?(
    calls: readonly ToolCall[],
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<readonly PromiseSettledResult<CallVerdict>[]>
  /** Waits until a pending approval is answered or the time is over, which is `expired`, too. */
  waitForApproval(
    approvalId: string,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<ApprovalAnswer>
  /**
   * Asks people no longer, where somebody else has answered. Resolves with `withdrawn`, or with what they answered
   * before, which counts then. Without it people are asked until it expires.
   */
  withdraw?(
    approvalId: string,
    options: { readonly because: string; readonly signal?: AbortSignal | undefined },
  ): Promise<'withdrawn' | ApprovalAnswer>
  /** Resolves when the session has it, durably. */
  report(report: SessionReport): Promise<void>
}
