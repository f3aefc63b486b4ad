import type { AgentMemory } from '@jamey/agents'
import { aiSdkMemoryTools } from '@jamey/agents/ai-sdk'
import { mastraHooks } from '@jamey/agents/mastra'
import { Agent } from '@mastra/core/agent'
import type { MastraModelConfig } from '@mastra/core/llm'
import { RequestContext } from '@mastra/core/request-context'
import { createTool } from '@mastra/core/tools'
import type { MockLanguageModelV4 } from 'ai/test'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  describeAdapter,
  describeWithholding,
  type RunAgent,
  type Scene,
} from '../../packages/agents/src/test-support/adapter.contract.js'
import { describeParallelCalls } from '../../packages/agents/src/test-support/parallel.contract.js'
import { ScriptedJudge, verdict } from '../../packages/agents/src/test-support/scripted-judge.js'
import { scriptedModel, shownTo } from './scripted-model.js'

/** Mastra's agent, which asks for Node 22, in its own loop. */

const send = (run: Scene['tool']) =>
  createTool({
    id: 'send',
    description: 'sends',
    inputSchema: z.object({ to: z.unknown() }),
    execute: async (args) => run(args),
  })

/** The declarations of both are of different versions of one package. */
const given = (model: MockLanguageModelV4) => model as unknown as MastraModelConfig
const agentOf = (model: MockLanguageModelV4, run: Scene['tool'], hooks: ReturnType<typeof mastraHooks>) =>
  new Agent({ id: 'a', name: 'a', instructions: 'x', model: given(model), tools: { send: send(run) }, hooks })

const generate: RunAgent = async (judge, { prompt, args, more = [], tool: run }) => {
  const model = scriptedModel([args as string, ...more])
  await agentOf(model, run, mastraHooks(judge, { sessionId: 'session-1' })).generate(prompt)
  return { seen: shownTo(model) }
}

const stream: RunAgent = async (judge, { prompt, args, more = [], tool: run }) => {
  const model = scriptedModel([args as string, ...more])
  const agent = agentOf(model, run, mastraHooks(judge, { sessionId: 'session-1' }))
  await (await agent.stream(prompt)).consumeStream()
  return { seen: shownTo(model) }
}

for (const [name, run] of [
  ['generate of Mastra', generate],
  ['stream of Mastra', stream],
] as const) {
  describeAdapter(name, run, { takesValues: false })
  describeWithholding(name, run)
  describeParallelCalls(name, run)
}

describe('hooks of Mastra', () => {
  it('take the session of each run from its request context', async () => {
    const judge = new ScriptedJudge()
    const sessionId = (context: unknown) => String((context as RequestContext).get('conversation'))
    for (const conversation of ['one', 'two']) {
      const requestContext = new RequestContext([['conversation', conversation]])
      const agent = agentOf(scriptedModel(['{"to":"ann"}']), () => 'sent', mastraHooks(judge, { sessionId }))
      await agent.generate('write to ann', { requestContext })
    }
    expect(judge.evaluated.map(({ session_id }) => session_id)).toEqual(['one', 'two'])
  })

  it('tell a session of a tool that failed', async () => {
    const judge = new ScriptedJudge()
    const fails = () => {
      throw new Error('the post office is closed')
    }
    const { seen } = await generate(judge, { prompt: 'write', args: '{"to":"ann"}', tool: fails })
    expect(seen).toContain('the post office is closed')
    expect(judge.reports[1]).toMatchObject({ outcome: 'failed', is_error: true })
  })

  it('see tools that a run brings with it', async () => {
    const judge = new ScriptedJudge()
    judge.verdicts = [verdict('deny', { reasons: ['no mail today'] })]
    const ran: unknown[] = []
    const model = scriptedModel(['{"to":"ann"}'])
    const hooks = mastraHooks(judge, { sessionId: 's' })
    const agent = new Agent({ id: 'a', name: 'a', instructions: 'x', model: given(model), hooks })
    await agent.generate('write', { toolsets: { mail: { send: send((args) => ran.push(args)) } } })
    expect(ran).toEqual([])
    expect(shownTo(model)).toContain('no mail today')
  })

  it('leave in the arguments nothing that was not judged', async () => {
    const judge = new ScriptedJudge()
    judge.verdicts = [verdict('allow', { arguments: { to: 'nobody' } })]
    const { beforeToolCall, afterToolCall } = mastraHooks(judge, { sessionId: 's' })
    const input = { to: 'ann', copy: 'eve' }
    await beforeToolCall({ toolName: 'send', input, context: {} })
    expect(input).toEqual({ to: 'nobody' })
    const frozen = Object.freeze({ to: 'ann' })
    await expect(beforeToolCall({ toolName: 'send', input: frozen, context: {} })).rejects.toThrow(
      'could not be put in the place',
    )
    await expect(afterToolCall({ toolName: 'send', input, context: {}, output: 'x' })).rejects.toThrow(
      'without having been judged',
    )
  })
})

describe('memory tools of the AI SDK', () => {
  it('are tools of Mastra as well', async () => {
    const stored: unknown[] = []
    const memory = {
      store: async (data: unknown) => {
        stored.push(data)
        return { memory: { id: 'memory-7' } }
      },
    } as unknown as AgentMemory
    const model = scriptedModel(['{"content":"Ann takes the train."}'], { tool: 'store_memory' })
    const tools = aiSdkMemoryTools(memory)
    const hooks = mastraHooks(new ScriptedJudge(), { sessionId: 's' })
    await new Agent({ id: 'a', name: 'a', instructions: 'x', model: given(model), tools, hooks }).generate(
      'x',
    )
    expect(stored).toMatchObject([{ content: 'Ann takes the train.' }])
    expect(shownTo(model)).toContain('memory-7')
  })
})
