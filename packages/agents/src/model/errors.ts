import { JameyError } from '@jamey/protocol'
import type { CallDecision, CallRule, CallVerdict } from './call-judge.js'

/**
 * `denied`: the policy says no. `approval-denied`: a person does. `approval-pending`: nobody has answered in time; once
 * somebody does, the same call is allowed. `approval-unavailable`: somebody would have to be asked, and nobody can be.
 * `unjudged`: there is no verdict, `cause` says why. `not-json`: the arguments are nothing that can be judged.
 * `aborted`: whoever made the call took it back.
 */
export type CallRefusedCode =
  | 'denied'
  | 'approval-denied'
  | 'approval-pending'
  | 'approval-unavailable'
  | 'unjudged'
  | 'not-json'
  | 'aborted'

export interface CallRefusal {
  readonly verdict?: CallVerdict | undefined
  readonly cause?: unknown
  readonly retryable?: boolean | undefined
}

/** A call that was not made. Its message is for the model that wanted it: what was refused, why, and what to do now. */
export class CallRefusedError extends JameyError<CallRefusedCode> {
  override readonly name = 'CallRefusedError'
  readonly tool: string
  /** Undefined where there is no verdict. */
  readonly decision: CallDecision | undefined
  readonly reasons: readonly string[]
  readonly rules: readonly CallRule[]
  /** Of the question that a person was or is asked. */
  readonly approvalId: string | undefined

  constructor(code: CallRefusedCode, tool: string, why: string, refusal: CallRefusal = {}) {
    const { verdict, cause, retryable } = refusal
    const message = `The call of ${tool} was not made: ${sentence(why)}${adviceOf(code, retryable)}`
    super(code, message, { cause, retryable })
    this.tool = tool
    this.decision = verdict?.decision
    this.reasons = verdict?.reasons ?? []
    this.rules = verdict?.rules ?? []
    this.approvalId = verdict?.approval?.id
  }
}

/** So that a model neither tries again in vain nor gives up what only takes time. */
function adviceOf(code: CallRefusedCode, retryable = false): string {
  switch (code) {
    case 'denied':
    case 'approval-unavailable':
      return ' The same call gets the same answer: go on without it, or tell the user why it is needed.'
    case 'approval-denied':
      return ' Do not try the same in another form: go on without it, or ask the user.'
    case 'approval-pending':
      return ' Make the same call again later: it is made once a person has approved.'
    case 'unjudged':
      return retryable ? ' Make the same call again later.' : ' Making it again does not help: tell the user.'
    case 'not-json':
      return ' Correct its arguments, and make it again.'
    case 'aborted':
      return ''
  }
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

/**
 * A call was made, and its session could not be told the result, which is withheld: what an agent read unseen it could
 * act upon unseen. `cause` says why. Not retryable, for the call would be made again.
 */
export class ResultWithheldError extends JameyError<'result-withheld'> {
  override readonly name = 'ResultWithheldError'
  readonly tool: string

  constructor(tool: string, why: string, cause?: unknown) {
    const advice = 'It has run, so the same call would run twice: tell the user.'
    super('result-withheld', `${tool} was called; its result is withheld, since ${sentence(why)} ${advice}`, {
      cause,
    })
    this.tool = tool
  }
}

/** The gateway could not be reached, or its answer is none. */
export class JudgeError extends JameyError<'judge-unreachable' | 'judge-refused' | 'judge-answer-invalid'> {
  override readonly name = 'JudgeError'
  /** The HTTP status of an answer; undefined where there was none. */
  readonly status: number | undefined

  constructor(
    code: 'judge-unreachable' | 'judge-refused' | 'judge-answer-invalid',
    message: string,
    options: { status?: number; cause?: unknown; retryable?: boolean } = {},
  ) {
    super(code, message, options)
    this.status = options.status
  }
}

export type MemoryAccessCode = 'memory-unreachable' | 'memory-refused' | 'memory-answer-invalid'

export interface MemoryFailure {
  readonly cause?: unknown
  readonly retryable?: boolean | undefined
  readonly reason?: string | undefined
  readonly status?: number | undefined
}

/** A memory could not be reached, or would not do what it was asked. Nothing is made up in its place. */
export class MemoryAccessError extends JameyError<MemoryAccessCode> {
  override readonly name = 'MemoryAccessError'
  /** The memory's own word for why it refused, such as `memory-version`; undefined where it did not answer. */
  readonly reason: string | undefined
  /** The HTTP status of an answer; undefined where there was none, or no HTTP. */
  readonly status: number | undefined

  constructor(code: MemoryAccessCode, message: string, { reason, status, ...options }: MemoryFailure = {}) {
    super(code, message, options)
    this.reason = reason
    this.status = status
  }
}
