// An agent of the Claude Agent SDK, with the tools of Claude Code.
import { query } from '@anthropic-ai/claude-agent-sdk'
import { httpJudge } from '@jamey/agents'
import { claudeHooks } from '@jamey/agents/claude'

const judge = httpJudge({ url: process.env.JAMEY_URL ?? 'http://127.0.0.1:8080' })
const hooks = claudeHooks(judge, { grants: true })

for await (const message of query({ prompt: process.argv[2], options: { hooks, settingSources: [] } })) {
  if (message.type === 'result') console.log(message.result)
}
