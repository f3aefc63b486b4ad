import { aiSdkToolApproval, aiSdkTools } from '@jamey/agents/ai-sdk'
import { generateText, isStepCount, type ModelMessage, tool } from 'ai'
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
import { PENDING, ScriptedJudge, verdict } from '../../packages/agents/src/test-support/scripted-judge.js'
import { scriptedModel, shownTo } from './scripted-model.js'

/** Version 7 of the AI SDK, which asks for Node 22; version 6 is tested beside its adapter. */

const send = (run: Scene['tool']) =>
  tool({
    description: 'sends',
    inputSchema: z.object({ to: z.unknown() }),
    execute: async (args) => run(args),
  })
const options = { sessionId: 'session-1' }

const run: RunAgent = async (judge, { prompt, args, more = [], tool: made }) => {
  const model = scriptedModel([args as string, ...more])
  await generateText({
    model,
    tools: aiSdkTools(judge, { send: send(made) }, options),
    prompt,
    stopWhen: isStepCount(3),
  })
  return { seen: shownTo(model) }
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
    const { ran } = await play(judge, scriptedModel(['{"to":"ann"}']))
    expect(ran).toEqual([{ to: 'ann' }])
    expect(judge.evaluated).toHaveLength(1)
  })

  it.each([
    ['is denied', verdict('deny', { reasons: ['no mail today'] }), 'no mail today'],
    ['nobody judges', new Error('gone'), 'no verdict could be had'],
  ])('denies what %s', async (_, answer, why) => {
    const judge = new ScriptedJudge()
    judge.verdicts = [answer]
    const model = scriptedModel(['{"to":"ann"}'])
    expect((await play(judge, model)).ran).toEqual([])
    expect(shownTo(model)).toContain(why)
  })

  it('pauses for what a person is asked about, and runs it only once a person has approved it', async () => {
    const judge = new ScriptedJudge()
    judge.verdicts = [verdict('ask', { approval: PENDING, reasons: ['it leaves the house'] })]
    const paused = await play(judge, scriptedModel(['{"to":"ann"}']))
    const request = paused.content.find(({ type }) => type === 'tool-approval-request')
    if (request?.type !== 'tool-approval-request') expect.fail('it did not pause')
    expect(request).toMatchObject({ reason: expect.stringContaining('it leaves the house') })
    const yes: ModelMessage = {
      role: 'tool',
      content: [{ type: 'tool-approval-response', approvalId: request.approvalId, approved: true }],
    }
    const answered = [...paused.messages, yes]

    // The program says yes, and no person has.
    expect((await play(judge, scriptedModel([], { turns: 0 }), answered)).ran).toEqual([])
    judge.verdicts = [verdict('allow'), new Error('judged twice')]
    expect((await play(judge, scriptedModel([], { turns: 0 }), answered)).ran).toEqual([{ to: 'ann' }])
    expect(judge.waits).toEqual([])
  })
})
