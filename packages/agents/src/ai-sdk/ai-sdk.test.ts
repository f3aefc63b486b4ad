import { generateText, stepCountIs, streamText, type ToolSet, tool } from 'ai'
import { MockLanguageModelV3, simulateReadableStream } from 'ai/test'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  describeAdapter,
  describeWithholding,
  type RunAgent,
  type Scene,
} from '../test-support/adapter.contract.js'
import { describeParallelCalls } from '../test-support/parallel.contract.js'
import { PENDING, ScriptedJudge, verdict } from '../test-support/scripted-judge.js'
import { aiSdkTools } from './index.js'

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

/** Calls `send` in its first turn, and says that it is done in each further one. */
function scriptedModel(...args: readonly string[]): MockLanguageModelV3 {
  let turn = 0
  const calls = args.map(
    (input, i) => ({ type: 'tool-call', toolCallId: `call-${i + 1}`, toolName: 'send', input }) as const,
  )
  return new MockLanguageModelV3({
    doGenerate: async () => {
      turn++
      const content = turn === 1 ? calls : [{ type: 'text', text: 'done' } as const]
      const reason = turn === 1 ? 'tool-calls' : 'stop'
      return { content, finishReason: { unified: reason, raw: reason }, usage, warnings: [] }
    },
    doStream: async () => {
      turn++
      const reason = turn === 1 ? 'tool-calls' : 'stop'
      const parts =
        turn === 1
          ? calls
          : ([
              { type: 'text-start', id: 't' },
              { type: 'text-delta', id: 't', delta: 'done' },
              { type: 'text-end', id: 't' },
            ] as const)
      const finish = { type: 'finish', finishReason: { unified: reason, raw: reason }, usage } as const
      return { stream: simulateReadableStream({ chunks: [...parts, finish], initialDelayInMs: null }) }
    },
  })
}

const send = (run: Scene['tool']) =>
  tool({
    description: 'sends',
    inputSchema: z.object({ to: z.unknown() }),
    execute: async (args) => run(args),
  })

const seenBy = (model: MockLanguageModelV3, calls: readonly { prompt: unknown }[]): string | undefined =>
  model === undefined || calls[1] === undefined ? undefined : JSON.stringify(calls[1].prompt)

const generate: RunAgent = async (judge, { prompt, args, more = [], tool: run }) => {
  const model = scriptedModel(args as string, ...more)
  const tools = aiSdkTools(judge, { send: send(run) }, { sessionId: 'session-1' })
  await generateText({ model, tools, prompt, stopWhen: stepCountIs(3) })
  return { seen: seenBy(model, model.doGenerateCalls) }
}

const stream: RunAgent = async (judge, { prompt, args, more = [], tool: run }) => {
  const model = scriptedModel(args as string, ...more)
  const tools = aiSdkTools(judge, { send: send(run) }, { sessionId: 'session-1' })
  await streamText({ model, tools, prompt, stopWhen: stepCountIs(3) }).consumeStream()
  return { seen: seenBy(model, model.doStreamCalls) }
}

describeAdapter('generateText of the AI SDK', generate, { takesValues: false })
describeAdapter('streamText of the AI SDK', stream, { takesValues: false })
describeWithholding('generateText', generate)
describeWithholding('streamText', stream)
describeParallelCalls('generateText', generate)
describeParallelCalls('streamText', stream)

describe('tools of the AI SDK', () => {
  it('that have no execute are refused, unless they are named', () => {
    const judge = new ScriptedJudge()
    const tools: ToolSet = { ask: tool({ inputSchema: z.object({}) }) }
    expect(() => aiSdkTools(judge, tools, { sessionId: 's' })).toThrow(/Tool ask has no execute/)
    expect(aiSdkTools(judge, tools, { sessionId: 's', unguarded: ['ask'] })['ask']).toBe(tools['ask'])
  })

  it('that yield several results show the last one, when its session was told', async () => {
    const judge = new ScriptedJudge()
    const model = scriptedModel('{"to":"ann"}')
    const counting = tool({
      inputSchema: z.object({ to: z.string() }),
      async *execute() {
        yield 'first'
        yield 'last'
      },
    })
    const tools = aiSdkTools(judge, { send: counting }, { sessionId: 's' })
    await generateText({ model, tools, prompt: 'count', stopWhen: stepCountIs(3) })
    expect(judge.reports[1]).toMatchObject({ result: 'last' })
    expect(seenBy(model, model.doGenerateCalls)).toContain('last')
  })

  it('with approvals of the SDK pause, and run only once a person has approved them for the conscience', async () => {
    const judge = new ScriptedJudge()
    const ran: unknown[] = []
    const tools = aiSdkTools(
      judge,
      { send: send((args) => ran.push(args)) },
      { sessionId: 's', approvals: 'pause' },
    )
    judge.verdicts = [verdict('ask', { approval: PENDING, reasons: ['it leaves the house'] })]
    const prompt = { role: 'user', content: 'write to ann' } as const
    const pause = async () => {
      const model = scriptedModel('{"to":"ann"}')
      const { content, response } = await generateText({ model, tools, messages: [prompt] })
      const request = content.find(({ type }) => type === 'tool-approval-request')
      if (request?.type !== 'tool-approval-request') return expect.fail('it did not pause')
      const answer = {
        type: 'tool-approval-response',
        approvalId: request.approvalId,
        approved: true,
      } as const
      return [prompt, ...response.messages, { role: 'tool' as const, content: [answer] }]
    }
    const model = () =>
      new MockLanguageModelV3({
        doGenerate: async () => ({
          content: [{ type: 'text', text: 'done' }],
          finishReason: { unified: 'stop', raw: 'stop' },
          usage,
          warnings: [],
        }),
      })

    // The program says yes, and no person has.
    const first = model()
    await generateText({ model: first, tools, messages: await pause() })
    expect(ran).toEqual([])
    expect(JSON.stringify(first.doGenerateCalls[0]?.prompt)).toContain('it waits for approval approval-1')

    const messages = await pause()
    judge.verdicts = [verdict('allow')]
    await generateText({ model: model(), tools, messages })
    expect(ran).toEqual([{ to: 'ann' }])
    expect(judge.waits).toEqual([])
  })

  it('that were allowed before they run are judged once', async () => {
    const judge = new ScriptedJudge()
    const tools = aiSdkTools(judge, { send: send(() => 'sent') }, { sessionId: 's', approvals: 'pause' })
    const model = scriptedModel('{"to":"ann"}')
    await generateText({ model, tools, prompt: 'write to ann', stopWhen: stepCountIs(3) })
    expect(judge.evaluated).toHaveLength(1)
    expect(judge.reports).toHaveLength(2)
  })
})
