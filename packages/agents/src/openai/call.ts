import type { JsonObject, ToolCall } from '../model/call-judge.js'
import { CallRefusedError } from '../model/errors.js'

export interface OpenAiOptions {
  /**
   * The conversation that calls belong to, one for each user's; a function is given the `context` of the run, where one
   * agent serves many.
   */
  readonly sessionId: string | ((context: unknown) => string)
}

/** A run of the SDK, as far as it is read. */
export interface Run {
  readonly context: unknown
}

export function sessionOf({ sessionId }: OpenAiOptions, { context }: Run): string {
  return typeof sessionId === 'function' ? sessionId(context) : sessionId
}

/** A call as its model wrote it. Throws `CallRefusedError` where its arguments are no JSON. */
export function callOf(tool: string, text: string, sessionId: string, callId: string | undefined): ToolCall {
  let args: unknown
  try {
    // The SDK takes no text for no arguments.
    args = text.trim() === '' ? {} : JSON.parse(text)
  } catch (error) {
    throw new CallRefusedError('not-json', tool, 'its arguments are no JSON.', { cause: error })
  }
  const call = { tool, arguments: args as JsonObject, session_id: sessionId }
  return callId === undefined ? call : { ...call, call_id: callId }
}
