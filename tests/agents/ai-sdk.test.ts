import { aiSdkToolApproval, aiSdkTools } from '@jamey/agents/ai-sdk'
import { generateText, isStepCount, type ModelMessage, tool } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  describeAdapter,
  describeWithholding,
  type RunAgent,
  type Scene,
} from '../../packages/agents/src/test-support/adapter.contract.js'
import { describeParallelCalls } from '../../packages/agents/src/test-support/parallel.contract.js'
import { PENDING, ScriptedJudge, verdict } from '../../packages/agents/src/test-support/scripted-judge.js'

/** Version 7 of the AI SDK, which asks for Node 22; version 6 is tested beside its adapter. */

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

/** Calls `send` in its first `calls` turns, and says that it is done in each further one. */
function scriptedModel(args: string, calls = 1, more: readonly string[] = []): MockLanguageModelV4 {
  let turn = 0
  return new MockLanguageModelV4({
    doGenerate: async () => {
      const isCall = ++turn <= calls
      const reason = isCall ? 'tool-calls' : 'stop'
      const made = [args, ...more].map(
        (input, i) =>
          ({ type: 'tool-call', toolCallId: `call-${turn + i}`, toolName: 'send', input }) as const,
      )
      const content = isCall ? made : [{ type: 'text', text: 'done' } as const]
      return { content, finishReason: { unified: reason, raw: reason }, usage, warnings: [] }
    },
  })
}

const send = (run: Scene['tool']) =>
  tool({
    description: 'sends',
    inputSchema: z.object({ to: z.unknown() }),
    execute: async (args) => run(args),
  })
const options = { sessionId: 'session-1' }
const shownTo = ({ doGenerateCalls }: MockLanguageModelV4, turn: number): string | undefined =>
  doGenerateCalls[turn] === undefined ? undefined : JSON.stringify(doGenerateCalls[turn].prompt)

const run: RunAgent = async (judge, { prompt, args, more, tool: made }) => {
  const model = scriptedModel(args as string, 1, more)
  await generateText({
    model,
    tools: aiSdkTools(judge, { send: send(made) }, options),
    prompt,
    stopWhen: isStepCount(3),
  })
  return { seen: shownTo(model, 1) }
}

describeAdapter('version 7 of the AI SDK', run, { takesValues: false })
describeWithholding('version 7 of the AI SDK', run)
describeParallelCalls('version 7 of the AI SDK', run)

describe('toolApproval of the AI SDK', () => {
  const prompt: ModelMessage = { role: 'user', content: 'write to ann' }
  const play = async (
    judge: ScriptedJudge,
    model: MockLanguageModelV4,
    messages: ModelMessage[] = [prompt],
  ) => {
    const ran: unknown[] = []
    const made = send((args) => {
      ran.push(args)
      return 'sent'
    })
    const { content, response } = await generateText({
      model,
      tools: aiSdkTools(judge, { send: made }, { ...options, approvals: 'pause' }),
      toolApproval: aiSdkToolApproval(judge, options),
      messages,
      stopWhen: isStepCount(3),
    })
    return { ran, content, messages: [...messages, ...response.messages] }
  }

  it('approves what is allowed, which is judged once', async () => {
    const judge = new ScriptedJudge()
    const { ran } = await play(judge, scriptedModel('{"to":"ann"}'))
    expect(ran).toEqual([{ to: 'ann' }])
    expect(judge.evaluated).toHaveLength(1)
  })

  it.each([
    ['is denied', verdict('deny', { reasons: ['no mail today'] }), 'no mail today'],
    ['nobody judges', new Error('gone'), 'no verdict could be had'],
  ])('denies what %s', async (_, answer, why) => {
    const judge = new ScriptedJudge()
    judge.verdicts = [answer]
    const model = scriptedModel('{"to":"ann"}')
    expect((await play(judge, model)).ran).toEqual([])
    expect(shownTo(model, 1)).toContain(why)
  })

  it('pauses for what a person is asked about, and runs it only once a person has approved it', async () => {
    const judge = new ScriptedJudge()
    judge.verdicts = [verdict('ask', { approval: PENDING, reasons: ['it leaves the house'] })]
    const paused = await play(judge, scriptedModel('{"to":"ann"}'))
    const request = paused.content.find(({ type }) => type === 'tool-approval-request')
    if (request?.type !== 'tool-approval-request') expect.fail('it did not pause')
    expect(request).toMatchObject({ reason: expect.stringContaining('it leaves the house') })
    const yes: ModelMessage = {
      role: 'tool',
      content: [{ type: 'tool-approval-response', approvalId: request.approvalId, approved: true }],
    }
    const answered = [...paused.messages, yes]

    // The program says yes, and no person has.
    expect((await play(judge, scriptedModel('', 0), answered)).ran).toEqual([])
    judge.verdicts = [verdict('allow'), new Error('judged twice')]
    expect((await play(judge, scriptedModel('', 0), answered)).ran).toEqual([{ to: 'ann' }])
    expect(judge.waits).toEqual([])
  })
})
