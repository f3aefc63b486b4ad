import { callOf, tellMessages } from '../ai-sdk/tools.js'
import { type ClearedCall, clearCall } from '../guard/cleared-call.js'
import type { CallJudge, JsonObject } from '../model/call-judge.js'
import { CallRefusedError } from '../model/errors.js'

export interface MastraOptions {
  /**
   * The conversation that calls belong to, one for each user's; a function is given the `requestContext` of the run,
   * where one agent serves many.
   */
  readonly sessionId: string | ((requestContext: unknown) => string)
  /** Milliseconds that a call waits for a person where one is asked, 300 000 by default. */
  readonly approvalTimeoutMs?: number | undefined
}

/** A call as Mastra tells of it before; it tells the same again, with the result, after it. */
interface Called {
  readonly toolName: string
  readonly input: unknown
  readonly context: unknown
}

/** Of a call's context, what is read. */
interface Context {
  readonly toolCallId?: string
  readonly messages?: unknown
  readonly abortSignal?: AbortSignal
  readonly requestContext?: unknown
}

export interface MastraHooks {
  beforeToolCall: (called: Called) => Promise<void>
  afterToolCall: (called: Called & { readonly output?: unknown; readonly error?: unknown }) => Promise<void>
}

/**
 * For `hooks` of Mastra's `Agent`: whatever tools it has, only what the conscience allows runs, and only a result that
 * its session was told is seen. A refusal is thrown, which Mastra tells the model. Hooks that are given to a single run
 * take the place of the agent's, so none must be given there.
 */
export function mastraHooks(judge: CallJudge, options: MastraOptions): MastraHooks {
  const { sessionId, approvalTimeoutMs } = options
  /** By the context of the call, which both hooks get. */
  const running = new WeakMap<object, ClearedCall>()
  return {
    beforeToolCall: async ({ toolName, input, context }) => {
      const { requestContext, abortSignal: signal, messages, ...of } = (context ?? {}) as Context
      const session = typeof sessionId === 'function' ? sessionId(requestContext) : sessionId
      const call = callOf(toolName, input, session, of)
      await tellMessages(judge, call, messages)
      const cleared = await clearCall(judge, call, { approvalTimeoutMs, signal })
      try {
        takeOver(input, cleared.arguments)
      } catch (cause) {
        await cleared.skipped()
        const why = 'what was judged could not be put in the place of its arguments.'
        throw new CallRefusedError('denied', toolName, why, { verdict: cleared.verdict, cause })
      }
      if (isObject(context)) running.set(context, cleared)
    },
    afterToolCall: async ({ toolName, context, output, error }) => {
      const cleared = isObject(context) ? running.get(context) : undefined
      if (cleared === undefined) throw new Error(`${toolName} was called without having been judged.`)
      if (error === undefined) await cleared.succeeded(output)
      else await cleared.failed(error)
    },
  }
}

/** A hook cannot hand on other arguments, but the object that the tool gets next: what was judged is what stands in it. */
function takeOver(input: unknown, judged: JsonObject): void {
  if (!isObject(input)) {
    if (Object.keys(judged).length > 0) throw new TypeError('the call has no object of arguments')
    return
  }
  for (const name of Reflect.ownKeys(input)) {
    if (!Reflect.deleteProperty(input, name)) throw new TypeError('the arguments cannot be changed')
  }
  for (const [name, value] of Object.entries(judged)) {
    Object.defineProperty(input, name, { value, enumerable: true, writable: true, configurable: true })
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
