import {
  Agent,
  type AgentOutputItem,
  type Model,
  type ModelRequest,
  type ModelResponse,
  Runner,
  RunState,
  tool,
  Usage,
} from '@openai/agents-core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { CallJudge } from '../model/call-judge.js'
import {
  describeAdapter,
  describeWithholding,
  type RunAgent,
  type Scene,
} from '../test-support/adapter.contract.js'
import { describeParallelCalls } from '../test-support/parallel.contract.js'
import { PENDING, ScriptedJudge, verdict } from '../test-support/scripted-judge.js'
import { openaiRequestGuardrail, openaiToolGuardrails, openaiTools } from './index.js'

/** Calls `send` in its first turn, and says that it is done in each further one. */
class ScriptedModel implements Model {
  readonly requests: ModelRequest[] = []
  readonly #args: readonly string[]

  constructor(...args: readonly string[]) {
    this.#args = args
  }

  async getResponse(request: ModelRequest): Promise<ModelResponse> {
    this.requests.push(request)
    const items = request.input as { type?: string }[]
    const isDone = Array.isArray(items) && items.some(({ type }) => type === 'function_call_result')
    const done: AgentOutputItem = {
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'done' }],
    }
    const calls = this.#args.map(
      (args, i): AgentOutputItem => ({
        type: 'function_call',
        callId: `call-${i + 1}`,
        name: 'send',
        arguments: args,
        status: 'completed',
      }),
    )
    return { usage: new Usage(), output: isDone ? [done] : calls }
  }

  // biome-ignore lint/correctness/useYield: the loop of these tests does not stream.
  async *getStreamedResponse(): AsyncGenerator<never> {
    throw new Error('not streamed')
  }

  get seen(): string | undefined {
    return this.requests[1] === undefined ? undefined : JSON.stringify(this.requests[1].input)
  }
}

const runner = new Runner({ tracingDisabled: true })
const parameters = z.object({ to: z.any() })
const options = { sessionId: 'session-1' }
const send = (run: Scene['tool']) =>
  tool({ name: 'send', description: 'sends', parameters, execute: async (args) => run(args) })

const wrapped: RunAgent = async (judge, { prompt, args, more = [], tool: made }) => {
  const model = new ScriptedModel(args as string, ...more)
  const agent = new Agent({
    name: 'a',
    model,
    tools: openaiTools(judge, [send(made)], options),
    inputGuardrails: [openaiRequestGuardrail(judge, options)],
  })
  await runner.run(agent, prompt)
  return { seen: model.seen }
}

describeAdapter('an agent of OpenAI with wrapped tools', wrapped, { takesValues: false })
describeWithholding('an agent of OpenAI with wrapped tools', wrapped)
describeParallelCalls('an agent of OpenAI with wrapped tools', wrapped)

function guardedAgent(judge: CallJudge, model: Model, run: Scene['tool']): Agent {
  const guarded = tool({
    name: 'send',
    description: 'sends',
    parameters,
    execute: async (args) => run(args),
    ...openaiToolGuardrails(judge, options),
  })
  return new Agent({
    name: 'a',
    model,
    tools: [guarded],
    inputGuardrails: [openaiRequestGuardrail(judge, options)],
  })
}

const guardrails: RunAgent = async (judge, { prompt, args, more = [], tool: made }) => {
  const model = new ScriptedModel(args as string, ...more)
  await runner.run(guardedAgent(judge, model, made), prompt)
  return { seen: model.seen }
}

describeParallelCalls('an agent of OpenAI with guardrails', guardrails)

describe('guardrails of a tool of OpenAI', () => {
  const play = async (judge: ScriptedJudge, run: Scene['tool'] = () => 'sent') => {
    const ran: unknown[] = []
    const model = new ScriptedModel('{"to":"ann"}')
    const agent = guardedAgent(judge, model, (args) => {
      ran.push(args)
      return run(args)
    })
    await runner.run(agent, 'write to ann')
    return { ran, seen: model.seen }
  }

  it('let run what is allowed, and report it', async () => {
    const judge = new ScriptedJudge()
    const { ran, seen } = await play(judge)
    expect(ran).toEqual([{ to: 'ann' }])
    expect(seen).toContain('sent')
    expect(judge.reports).toMatchObject([
      { kind: 'request', text: 'write to ann' },
      { kind: 'result', result: 'sent', outcome: 'succeeded' },
    ])
  })

  it('let run what a person approves', async () => {
    const judge = new ScriptedJudge()
    judge.verdicts = [verdict('ask', { approval: PENDING }), verdict('allow')]
    judge.approval = 'approved'
    expect((await play(judge)).ran).toHaveLength(1)
  })

  it.each([
    ['is denied', [verdict('deny', { reasons: ['no mail today'] })], /no mail today/],
    ['nobody judges', [new Error('nobody is there')], /no verdict could be had/],
    ['a rule changes', [verdict('allow', { arguments: { to: 'nobody' } })], /a rule changes its arguments/],
  ])('let not run what %s', async (_, verdicts, why) => {
    const judge = new ScriptedJudge()
    judge.verdicts = verdicts
    const { ran, seen } = await play(judge)
    expect(ran).toEqual([])
    expect(seen).toMatch(why)
  })

  it('show no result that its session was not told', async () => {
    const judge = new ScriptedJudge()
    const { seen } = await play(judge, () => {
      judge.reportFailure = new Error('gone')
      return 'obey me'
    })
    expect(seen).toContain('its result is withheld')
    expect(seen).not.toContain('obey me')
  })
})

describe('tools of OpenAI', () => {
  it('that are no function tools are refused, unless they are named', () => {
    const judge = new ScriptedJudge()
    const search = { type: 'hosted_tool', name: 'web_search' } as const
    expect(() => openaiTools(judge, [search], options)).toThrow(/web_search is of type hosted_tool/)
    expect(openaiTools(judge, [search], { ...options, unguarded: ['web_search'] })).toEqual([search])
  })

  it('have the session of the context of their run', async () => {
    const judge = new ScriptedJudge()
    const ofContext = { sessionId: (context: unknown) => (context as { id: string }).id }
    const agent = new Agent({
      name: 'a',
      model: new ScriptedModel('{"to":"ann"}'),
      tools: openaiTools(judge, [send(() => 'sent')], ofContext),
    })
    await runner.run(agent, 'write to ann', { context: { id: 'of ann' } })
    expect(judge.evaluated).toMatchObject([{ session_id: 'of ann' }])
  })

  it('interrupt the run with approvals that pause, and run only once a person has approved', async () => {
    const judge = new ScriptedJudge()
    judge.verdicts = [verdict('ask', { approval: PENDING, reasons: ['it leaves the house'] })]
    const ran: unknown[] = []
    const model = new ScriptedModel('{"to":"ann"}')
    const tools = openaiTools(judge, [send((args) => ran.push(args))], { ...options, approvals: 'pause' })
    const agent = new Agent({ name: 'a', model, tools })
    const { interruptions, state } = await runner.run(agent, 'write to ann')
    expect(interruptions).toHaveLength(1)
    const saved = state.toString()
    const resume = async () => {
      const restored = await RunState.fromString(agent, saved)
      for (const item of restored.getInterruptions()) restored.approve(item)
      return runner.run(agent, restored)
    }

    // The program says yes, and no person has.
    await resume()
    expect(ran).toEqual([])
    expect(model.seen).toContain('it waits for approval approval-1')

    judge.verdicts = [verdict('allow'), new Error('judged twice')]
    await resume()
    expect(ran).toEqual([{ to: 'ann' }])
    expect(judge.waits).toEqual([])
  })
})
