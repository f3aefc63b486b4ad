import { forgetOldest } from '../guard/bounded-map.js'
import { claimCall } from '../guard/clearances.js'
import type { ClearedCall, GuardOptions } from '../guard/cleared-call.js'
import { userTextsIn } from '../guard/message-text.js'
import { tellRequest } from '../guard/request-words.js'
import type { CallJudge } from '../model/call-judge.js'
import { CallRefusedError } from '../model/errors.js'
import { messageOf } from '../model/failure.js'
import { callOf, type OpenAiOptions, type Run, sessionOf } from './call.js'

type Behavior = { type: 'allow' } | { type: 'rejectContent'; message: string }

interface ToolCallData {
  readonly context: Run
  readonly toolCall: { readonly name: string; readonly callId: string; readonly arguments: string }
}

interface InputGuardrail {
  type: 'tool_input'
  name: string
  run: (data: ToolCallData) => Promise<{ behavior: Behavior }>
}

interface OutputGuardrail {
  type: 'tool_output'
  name: string
  run: (data: ToolCallData & { readonly output: unknown }) => Promise<{ behavior: Behavior }>
}

const NAME = 'conscience'
/** Calls between their two guardrails; the results of the oldest are withheld. */
const MAXIMUM_RUNNING = 1_000

/**
 * For `inputGuardrails` and `outputGuardrails` of a function tool, both of them: only what the conscience allows runs,
 * and only a result that its session was told is seen. A guardrail cannot change arguments, so a call of which a rule
 * changes them is refused; `openaiTools` makes it.
 */
export function openaiToolGuardrails(
  judge: CallJudge,
  options: OpenAiOptions & Pick<GuardOptions, 'approvalTimeoutMs'>,
): { inputGuardrails: InputGuardrail[]; outputGuardrails: OutputGuardrail[] } {
  const running = new Map<string, ClearedCall>()
  const { approvalTimeoutMs } = options
  const keyOf = ({ context, toolCall }: ToolCallData) =>
    JSON.stringify([sessionOf(options, context), toolCall.callId])
  const before = async (data: ToolCallData): Promise<void> => {
    const { name, arguments: text, callId } = data.toolCall
    const call = callOf(name, text, sessionOf(options, data.context), callId)
    const cleared = await claimCall(judge, call, { approvalTimeoutMs })
    if (cleared.verdict.arguments !== undefined) {
      await cleared.skipped()
      const why = 'a rule changes its arguments, which a guardrail cannot; the tool has to be wrapped.'
      throw new CallRefusedError('denied', name, why, { verdict: cleared.verdict })
    }
    running.set(keyOf(data), cleared)
    forgetOldest(running, MAXIMUM_RUNNING)
  }
  const after = async (data: ToolCallData & { readonly output: unknown }): Promise<void> => {
    const cleared = running.get(keyOf(data))
    if (cleared === undefined) throw new Error(`${data.toolCall.name} was called without having been judged.`)
    running.delete(keyOf(data))
    await cleared.succeeded(data.output)
  }
  return {
    inputGuardrails: [{ type: 'tool_input', name: NAME, run: (data) => behaviorOf(before(data)) }],
    outputGuardrails: [{ type: 'tool_output', name: NAME, run: (data) => behaviorOf(after(data)) }],
  }
}

/**
 * For `inputGuardrails` of an agent: tells the session the user's words before the model sees them, and ends the run
 * where that fails.
 */
export function openaiRequestGuardrail(
  judge: CallJudge,
  options: OpenAiOptions,
): {
  name: string
  runInParallel: false
  execute: (data: { readonly input: unknown; readonly context: Run }) => Promise<{
    tripwireTriggered: boolean
    outputInfo: unknown
  }>
} {
  return {
    name: NAME,
    runInParallel: false,
    execute: async ({ input, context }) => {
      try {
        await tellRequest(judge, sessionOf(options, context), userTextsOf(input))
        return { tripwireTriggered: false, outputInfo: {} }
      } catch (error) {
        return { tripwireTriggered: true, outputInfo: { reason: messageOf(error) } }
      }
    },
  }
}

async function behaviorOf(passing: Promise<void>): Promise<{ behavior: Behavior }> {
  try {
    await passing
    return { behavior: { type: 'allow' } }
  } catch (error) {
    return { behavior: { type: 'rejectContent', message: messageOf(error) } }
  }
}

/** The user's messages of a run's input, which is a text or a list of items. */
function userTextsOf(input: unknown): string[] {
  return typeof input === 'string' ? [input] : userTextsIn(input, 'input_text')
}
