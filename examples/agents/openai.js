// An agent of the OpenAI Agents SDK. Its model is yours: `export const model = ...` in model.js.
import { httpJudge } from '@jamey/agents'
import { openaiRequestGuardrail, openaiTools } from '@jamey/agents/openai'
import { Agent, Runner, tool } from '@openai/agents-core'
import { z } from 'zod'
import { model } from './model.js'

const judge = httpJudge({ url: process.env.JAMEY_URL ?? 'http://127.0.0.1:8080' })
const session = { sessionId: crypto.randomUUID() }
const shell = tool({
  name: 'Bash',
  description: 'Runs a command.',
  parameters: z.object({ command: z.string() }),
  execute: async ({ command }) => {
    console.log(`runs: ${command}`)
    return 'done'
  },
})
const agent = new Agent({
  name: 'operator',
  model,
  tools: openaiTools(judge, [shell], session),
  inputGuardrails: [openaiRequestGuardrail(judge, session)],
})

const { finalOutput } = await new Runner({ tracingDisabled: true }).run(agent, process.argv[2])
console.log(finalOutput)
