// An agent of the AI SDK. Its model is yours: `export const model = ...` in model.js.
import { httpJudge } from '@jamey/agents'
import { aiSdkTools } from '@jamey/agents/ai-sdk'
import { generateText, stepCountIs, tool } from 'ai'
import { z } from 'zod'
import { model } from './model.js'

const judge = httpJudge({ url: process.env.JAMEY_URL ?? 'http://127.0.0.1:8080' })
const shell = tool({
  description: 'Runs a command.',
  inputSchema: z.object({ command: z.string() }),
  execute: async ({ command }) => {
    console.log(`runs: ${command}`)
    return 'done'
  },
})
const tools = aiSdkTools(judge, { Bash: shell }, { sessionId: crypto.randomUUID() })

const { text } = await generateText({ model, tools, prompt: process.argv[2], stopWhen: stepCountIs(5) })
console.log(text)
