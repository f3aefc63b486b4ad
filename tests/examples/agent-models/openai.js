import { Usage } from '@openai/agents-core'

/** Calls Bash with what the user wrote, and then repeats what it was told of it. */
export const model = {
  getResponse: async ({ input }) => {
    const last = input.at(-1)
    const output =
      last.type === 'function_call_result'
        ? {
            type: 'message',
            role: 'assistant',
            status: 'completed',
            content: [{ type: 'output_text', text: `told: ${last.output.text ?? last.output}` }],
          }
        : {
            type: 'function_call',
            callId: 'call-1',
            name: 'Bash',
            status: 'completed',
            arguments: JSON.stringify({ command: last.content }),
          }
    return { usage: new Usage(), output: [output] }
  },
}
