import type { CallJudge, JsonObject, ToolCall } from '../model/call-judge.js'
import { claimCall } from './clearances.js'
import type { GuardOptions } from './cleared-call.js'

export interface GuardCallOptions<Result> extends GuardOptions {
  /** The part of a result that the agent sees, and its session is told; all of it by default. */
  readonly seen?: ((result: Result) => unknown) | undefined
}

/**
 * Makes a call that a conscience allows: has it judged, waits for a person where one is asked, runs it with the
 * arguments that were judged or that a rule put in their place, and reports what it brought to the call's session.
 *
 * Rejects with `CallRefusedError` where `run` was not called, with what `run` rejects with, and with
 * `ResultWithheldError` where it ran and its session could not be told.
 */
export async function guardCall<Result>(
  judge: CallJudge,
  call: ToolCall,
  run: (args: JsonObject) => Result | Promise<Result>,
  options: GuardCallOptions<Result> = {},
): Promise<Result> {
  const cleared = await claimCall(judge, call, options)
  let result: Result
  try {
    result = await run(cleared.arguments)
  } catch (error) {
    await cleared.failed(error)
    throw error
  }
  await cleared.succeeded(options.seen === undefined ? result : options.seen(result))
  return result
}
