import { MockLanguageModelV3 } from 'ai/test'

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

/** Calls Bash with what the user wrote, and then repeats what it was told of it. */
export const model = new MockLanguageModelV3({
  doGenerate: async ({ prompt }) => {
    const last = prompt.at(-1)
    const isAsked = last.role === 'user'
    const reason = isAsked ? 'tool-calls' : 'stop'
    const content = isAsked
      ? {
          type: 'tool-call',
          toolCallId: 'call-1',
          toolName: 'Bash',
          input: JSON.stringify({ command: last.content[0].text }),
        }
      : { type: 'text', text: `told: ${last.content[0].output.value}` }
    return { content: [content], finishReason: { unified: reason, raw: reason }, usage, warnings: [] }
  },
})
