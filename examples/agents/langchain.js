// An agent of LangChain. Its model is yours: `export const model = ...` in model.js.
import { httpJudge } from '@jamey/agents'
import { langchainMiddleware } from '@jamey/agents/langchain'
import { createAgent, tool } from 'langchain'
import { z } from 'zod'
import { model } from './model.js'

const judge = httpJudge({ url: process.env.JAMEY_URL ?? 'http://127.0.0.1:8080' })
const shell = tool(
  async ({ command }) => {
    console.log(`runs: ${command}`)
    return 'done'
  },
  { name: 'Bash', description: 'Runs a command.', schema: z.object({ command: z.string() }) },
)
const agent = createAgent({ model, tools: [shell], middleware: [langchainMiddleware(judge)] })

const { messages } = await agent.invoke({ messages: [{ role: 'user', content: process.argv[2] }] })
console.log(messages.at(-1).text)
