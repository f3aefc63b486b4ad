import { simulateReadableStream } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

export interface Script {
  /** The tool that is called, `send` by default. */
  readonly tool?: string
  /** Number of turns in which it is called, 1 by default. */
  readonly turns?: number
}

/**
 * A model of the AI SDK, version 7: calls a tool in its first turns, once for each of `args`, and says that it is done in
 * each further one.
 */
export function scriptedModel(
  args: readonly string[],
  { tool: toolName = 'send', turns = 1 }: Script = {},
): MockLanguageModelV4 {
  let turn = 0
  const next = () => {
    const isCall = ++turn <= turns
    const calls = args.map(
      (input, i) => ({ type: 'tool-call', toolCallId: `call-${turn + i}`, toolName, input }) as const,
    )
    const finishReason = { unified: isCall ? 'tool-calls' : 'stop', raw: 'scripted' } as const
    return { calls: isCall ? calls : undefined, finishReason }
  }
  return new MockLanguageModelV4({
    doGenerate: async () => {
      const { calls, finishReason } = next()
      const content = calls ?? [{ type: 'text', text: 'done' } as const]
      return { content, finishReason, usage, warnings: [] }
    },
    doStream: async () => {
      const { calls, finishReason } = next()
      const words = [
        { type: 'text-start', id: 't' },
        { type: 'text-delta', id: 't', delta: 'done' },
        { type: 'text-end', id: 't' },
      ] as const
      const chunks = [...(calls ?? words), { type: 'finish', finishReason, usage } as const]
      return { stream: simulateReadableStream({ chunks, initialDelayInMs: null, chunkDelayInMs: null }) }
    },
  })
}

/** What the model was shown in its second turn, as JSON text; undefined where there was none. */
export function shownTo({ doGenerateCalls, doStreamCalls }: MockLanguageModelV4): string | undefined {
  const second = [...doGenerateCalls, ...doStreamCalls][1]
  return second === undefined ? undefined : JSON.stringify(second.prompt)
}
