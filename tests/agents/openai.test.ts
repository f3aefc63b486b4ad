import { openaiRequestGuardrail, openaiTools } from '@jamey/agents/openai'
import {
  Agent,
  type AgentOutputItem,
  type Model,
  type ModelRequest,
  Runner,
  tool,
  Usage,
} from '@openai/agents'
import { z } from 'zod'
import {
  describeAdapter,
  describeWithholding,
  type RunAgent,
} from '../../packages/agents/src/test-support/adapter.contract.js'
import { describeParallelCalls } from '../../packages/agents/src/test-support/parallel.contract.js'

/** The newest version of the OpenAI Agents SDK, which asks for Node 22; an earlier one is tested beside its adapter. */

const done: AgentOutputItem = {
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: 'done' }],
}
const options = { sessionId: 'session-1' }
const runner = new Runner({ tracingDisabled: true })

const run: RunAgent = async (judge, { prompt, args, more = [], tool: made }) => {
  const requests: ModelRequest[] = []
  const calls = [args as string, ...more].map(
    (text, i): AgentOutputItem => ({
      type: 'function_call',
      callId: `call-${i + 1}`,
      name: 'send',
      arguments: text,
      status: 'completed',
    }),
  )
  const model: Model = {
    getResponse: async (request) => ({
      usage: new Usage(),
      output: requests.push(request) === 1 ? calls : [done],
    }),
    // biome-ignore lint/correctness/useYield: the loop of these tests does not stream.
    getStreamedResponse: async function* () {
      throw new Error('not streamed')
    },
  }
  const parameters = z.object({ to: z.any() })
  const send = tool({ name: 'send', description: 'sends', parameters, execute: async (args) => made(args) })
  const agent = new Agent({
    name: 'a',
    model,
    tools: openaiTools(judge, [send], options),
    inputGuardrails: [openaiRequestGuardrail(judge, options)],
  })
  await runner.run(agent, prompt)
  return { seen: requests[1] === undefined ? undefined : JSON.stringify(requests[1].input) }
}

describeAdapter('the newest OpenAI Agents SDK', run, { takesValues: false })
describeWithholding('the newest OpenAI Agents SDK', run)
describeParallelCalls('the newest OpenAI Agents SDK', run)
