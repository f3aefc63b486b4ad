import { randomUUID } from 'node:crypto'
import { createMiddleware, ToolMessage } from 'langchain'
import { z } from 'zod'
import { clearCall } from '../guard/cleared-call.js'
import { tellRequest } from '../guard/request-words.js'
import type { CallJudge, JsonObject, ToolCall } from '../model/call-judge.js'
import { CallRefusedError, ResultWithheldError } from '../model/errors.js'

export interface LangchainOptions {
  /** Milliseconds that a call waits for a person where one is asked, 300 000 by default. */
  readonly approvalTimeoutMs?: number | undefined
  /**
   * The conversation that calls belong to, by the `context` of the invocation; its `thread_id` by default, and where there
   * is none each invocation is one.
   */
  readonly sessionId?: ((context: unknown) => string) | undefined
}

/** Where a session is kept that nothing else names. A name with an underscore is neither taken from a caller nor given to one. */
const stateSchema = z.object({ _conscienceSession: z.string().optional() })

interface Place {
  readonly context?: unknown
  readonly configurable?: { readonly thread_id?: unknown } | undefined
}

/**
 * For `middleware` of `createAgent`: tells a session the user's words before the agent begins, and has each call of a
 * tool judged. A refusal is a message of the tool with the status `error`; where the session cannot be told the request
 * the invocation rejects.
 */
export function langchainMiddleware(judge: CallJudge, options: LangchainOptions = {}) {
  const { approvalTimeoutMs, sessionId } = options
  const sessionOf = ({ context, configurable }: Place, kept: string | undefined): string | undefined => {
    if (sessionId !== undefined) return sessionId(context)
    const { thread_id } = configurable ?? {}
    return typeof thread_id === 'string' && thread_id !== '' ? thread_id : kept
  }
  return createMiddleware({
    name: 'Conscience',
    stateSchema,
    beforeAgent: async ({ messages, _conscienceSession }, runtime) => {
      const session = sessionOf(runtime, _conscienceSession) ?? randomUUID()
      await tellRequest(judge, session, userTextsOf(messages))
      return { _conscienceSession: session }
    },
    wrapToolCall: async (request, handler) => {
      const { toolCall, state, runtime } = request
      const call = callOf(toolCall, sessionOf(runtime, state._conscienceSession))
      try {
        const cleared = await clearCall(judge, call, { approvalTimeoutMs, signal: runtime.signal })
        const args = cleared.arguments as Record<string, unknown>
        let result: Awaited<ReturnType<typeof handler>>
        try {
          result = await handler({ ...request, toolCall: { ...toolCall, args } })
        } catch (error) {
          // A tool that asks its caller something has not run to its end, and is called again with the answer.
          if (isInterrupt(error)) await cleared.skipped()
          else await cleared.failed(error)
          throw error
        }
        if (ToolMessage.isInstance(result) && result.status === 'error') await cleared.failed(result.content)
        else await cleared.succeeded(ToolMessage.isInstance(result) ? result.content : result)
        return result
      } catch (error) {
        if (!(error instanceof CallRefusedError || error instanceof ResultWithheldError)) throw error
        return new ToolMessage({
          content: error.message,
          name: toolCall.name,
          tool_call_id: toolCall.id ?? '',
          status: 'error',
        })
      }
    },
  })
}

function callOf(
  { name, args, id }: { readonly name: string; readonly args: unknown; readonly id?: string | undefined },
  session: string | undefined,
): ToolCall {
  return {
    tool: name,
    arguments: args as JsonObject,
    ...(session === undefined ? {} : { session_id: session }),
    ...(id === undefined ? {} : { call_id: id }),
  }
}

interface Said {
  readonly type: string
  readonly text: string
  readonly additional_kwargs?: Readonly<Record<string, unknown>>
}

/** Not those that LangChain writes in the user's place, as its summary of a conversation with what tools answered in it. */
function userTextsOf(messages: readonly Said[]): string[] {
  return messages
    .filter(({ type, additional_kwargs = {} }) => type === 'human' && !('lc_source' in additional_kwargs))
    .map(({ text }) => text)
}

/** By its name: LangGraph, whose error it is, is LangChain's own dependency. */
function isInterrupt(error: unknown): boolean {
  return error instanceof Error && error.name === 'GraphInterrupt'
}
