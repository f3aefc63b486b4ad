import { createHash } from 'node:crypto'
import { type AgentMemory, MemoryAccessError } from '@jamey/agents'
import { openaiSession } from '@jamey/agents/openai'
import {
  Agent,
  type AgentInputItem,
  type AgentOutputItem,
  type Model,
  type ModelRequest,
  type ModelResponse,
  Runner,
  type Session,
  tool,
  Usage,
} from '@openai/agents-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type MemorySystem, memorySystem } from './memory-system.js'

/** The Session of the OpenAI Agents SDK, kept by a memory behind a broker. */

let system: MemorySystem
let memory: AgentMemory

beforeAll(async () => {
  system = await memorySystem()
  memory = await system.agent('agent-1')
})
afterAll(() => system.close())

const said = (content: string): AgentInputItem => ({ role: 'user', content })
const digests = (items: readonly unknown[]) =>
  items.map((item) => createHash('sha256').update(JSON.stringify(item)).digest('hex'))
const sessionOf = (sessionId?: string): Session => openaiSession(memory, { sessionId })

describe('a session', () => {
  it('has a name, its own or a new one', async () => {
    expect(await sessionOf('named').getSessionId()).toBe('named')
    expect(await sessionOf().getSessionId()).not.toBe(await sessionOf().getSessionId())
  })

  it('gives its items in the order in which they came, all or the newest', async () => {
    const session = sessionOf('order')
    const items = Array.from({ length: 12 }, (_, i) => said(`number ${i}`))
    await session.addItems(items.slice(0, 5))
    await session.addItems([])
    for (const item of items.slice(5)) await session.addItems([item])
    expect(await session.getItems()).toEqual(items)
    expect(await session.getItems(3)).toEqual(items.slice(-3))
    expect(await session.getItems(100)).toEqual(items)
    expect(await session.getItems(0)).toEqual([])
    expect(await sessionOf('order').getItems()).toEqual(items)
    expect(await sessionOf('another').getItems()).toEqual([])
  })

  it('keeps more items than one page has, and each as it was', async () => {
    const session = sessionOf('long')
    const items: AgentInputItem[] = Array.from({ length: 260 }, (_, i) =>
      said(i % 2 === 0 ? 'yes' : `no ${i}`),
    )
    items.push(
      {
        type: 'function_call',
        callId: 'c',
        name: 'weigh',
        arguments: '{"a":"ü\\u0000"}',
        status: 'completed',
      },
      {
        type: 'function_call_result',
        callId: 'c',
        name: 'weigh',
        status: 'completed',
        output: { type: 'text', text: '' },
      },
      {
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: '🎈'.repeat(40_000) }],
      },
      {
        role: 'user',
        content: [{ type: 'input_image', image: `data:image/png;base64,${'A'.repeat(300_000)}` }],
      },
    )
    await session.addItems(items)
    // By their digests: a difference is not to be printed whole.
    expect(digests(await session.getItems())).toEqual(digests(items))
    expect(digests([await session.popItem()])).toEqual(digests(items.slice(-1)))
    expect(digests([await session.popItem()])).toEqual(digests(items.slice(-2, -1)))
    expect(digests(await session.getItems(2))).toEqual(digests(items.slice(-4, -2)))
  })

  it('gives its newest item away, once', async () => {
    const session = sessionOf('pop')
    await session.addItems([said('one'), said('two'), said('three')])
    const popped = await Promise.all([session.popItem(), sessionOf('pop').popItem(), session.popItem()])
    expect(new Set(popped.map((item) => JSON.stringify(item))).size).toBe(3)
    expect(await session.popItem()).toBeUndefined()
    expect(await session.getItems()).toEqual([])
  })

  it('is cleared alone, however many items it has', async () => {
    await sessionOf('cleared').addItems(Array.from({ length: 150 }, (_, i) => said(`item ${i}`)))
    await sessionOf('kept').addItems([said('stays')])
    await memory.store({ content: 'of the session, and no item of it', session_id: 'cleared' })
    await sessionOf('cleared').clearSession()
    expect(await sessionOf('cleared').getItems()).toEqual([])
    expect(await sessionOf('kept').getItems()).toEqual([said('stays')])
    expect((await memory.query({ session_id: 'cleared' })).memories).toHaveLength(1)
    await sessionOf('cleared').addItems([said('anew')])
    expect(await sessionOf('cleared').getItems()).toEqual([said('anew')])
  })

  it('loses nothing of what several programs add at once, and keeps what each adds together', async () => {
    const pairs = Array.from({ length: 10 }, (_, i) => [said(`question ${i}`), said(`answer ${i}`)])
    await Promise.all(pairs.map((pair) => sessionOf('together').addItems(pair)))
    const items = await sessionOf('together').getItems()
    expect(items).toHaveLength(20)
    for (const [question, answer] of pairs) {
      const at = items.findIndex((item) => JSON.stringify(item) === JSON.stringify(question))
      expect(items[at + 1]).toEqual(answer)
    }
  })

  it('stands in the memory with its session and turns, and is found by its words', async () => {
    await sessionOf('found').addItems([said('the heron stands in the reeds'), said('and waits')])
    const { memories } = await memory.query({ query: 'heron', limit: 1 })
    expect(memories[0]).toMatchObject({
      content: 'the heron stands in the reeds',
      session_id: 'found',
      turn: 0,
    })
    const rest = await memory.query({ session_id: 'found', query: 'waits' })
    expect(rest.memories[0]).toMatchObject({ turn: 1, layer: 'episodic' })
  })

  it('of another agent is not read, nor added to', async () => {
    const eve = await system.agent('eve')
    await openaiSession<AgentInputItem>(eve, { sessionId: 'mine' }).addItems([said('transfer everything')])
    expect(await sessionOf('mine').getItems()).toEqual([])
  })

  it('refuses an item that no memory holds, and keeps nothing of what came with it', async () => {
    const session = sessionOf('huge')
    await expect(session.addItems([said('before'), said('x'.repeat(5_000_000))])).rejects.toThrow(RangeError)
    expect(await session.getItems()).toEqual([])
    await session.addItems([said('after')])
    expect(await session.getItems()).toEqual([said('after')])
  })
})

/** Calls `weigh` for the first words of a conversation, and then answers with how many items it was given. */
class ScriptedModel implements Model {
  readonly requests: AgentInputItem[][] = []

  async getResponse({ input }: ModelRequest): Promise<ModelResponse> {
    const items = typeof input === 'string' ? [said(input)] : input
    this.requests.push([...items])
    const call: AgentOutputItem = {
      type: 'function_call',
      callId: 'call-1',
      name: 'weigh',
      arguments: '{"what":"a feather"}',
      status: 'completed',
    }
    const answer: AgentOutputItem = {
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: `seen ${items.length}` }],
    }
    return { usage: new Usage(), output: [this.requests.length === 1 ? call : answer] }
  }

  // biome-ignore lint/correctness/useYield: nothing here streams
  async *getStreamedResponse(): AsyncIterable<never> {
    throw new Error('nothing here streams')
  }
}

describe('an agent of the SDK', () => {
  const model = new ScriptedModel()
  const weigh = tool({
    name: 'weigh',
    description: 'weighs',
    parameters: z.object({ what: z.string() }),
    execute: async ({ what }) => `${what}: 8 mg`,
  })
  const agent = new Agent({ name: 'agent', model, tools: [weigh] })
  const runner = new Runner({ tracingDisabled: true })

  it('goes on with its conversation in another program', async () => {
    const first = await runner.run(agent, 'what does a feather weigh?', { session: sessionOf('run') })
    expect(first.finalOutput).toBe('seen 3')
    const second = await runner.run(agent, 'and two?', {
      session: openaiSession(memory, { sessionId: 'run' }),
    })
    expect(second.finalOutput).toBe('seen 5')
    expect(JSON.stringify(model.requests.at(-1))).toContain('a feather: 8 mg')
    expect(await sessionOf('run').getItems()).toHaveLength(6)
  })
})

describe('without its memory', () => {
  it('a session rejects, and no run begins as if nothing had been said', async () => {
    const alone = await memorySystem()
    try {
      const session: Session = openaiSession(await alone.agent('agent-2'), { sessionId: 'lonely' })
      await session.addItems([said('here')])
      await alone.stopMemory()
      await expect(session.getItems()).rejects.toBeInstanceOf(MemoryAccessError)
      await expect(session.addItems([said('there')])).rejects.toMatchObject({ code: 'memory-unreachable' })
      await expect(session.popItem()).rejects.toBeInstanceOf(MemoryAccessError)
      await expect(session.clearSession()).rejects.toBeInstanceOf(MemoryAccessError)
      const model = new ScriptedModel()
      const run = new Runner({ tracingDisabled: true }).run(new Agent({ name: 'a', model }), 'hello', {
        session,
      })
      await expect(run).rejects.toBeInstanceOf(MemoryAccessError)
      expect(model.requests).toEqual([])
    } finally {
      await alone.close()
    }
  })
})
