// A hook of Claude Code, run for each prompt, call and result; its settings name it.
import { text } from 'node:stream/consumers'
import { httpJudge } from '@jamey/agents'
import { claudeHooks } from '@jamey/agents/claude'

const judge = httpJudge({ url: process.env.JAMEY_URL ?? 'http://127.0.0.1:8080' })
let untold
const report = async (told) => {
  await judge.report(told).catch((error) => {
    untold = error
    throw error
  })
}
const input = JSON.parse(await text(process.stdin))
const hooks = claudeHooks({ ...judge, report })
const [hook] = hooks[input.hook_event_name][0].hooks
const answer = await hook(input, input.tool_use_id, { signal: new AbortController().signal })
// The next process would not know of a result that waits to be told, so nothing goes on.
const isLost = untold !== undefined && 'tool_name' in input
const stopReason = `Its session could not be told a result: ${untold?.message}`
console.log(JSON.stringify(isLost ? { continue: false, stopReason } : answer))
