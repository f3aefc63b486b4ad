import { topics } from '@jamey/contracts'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FakeBus } from '../service/bus.support.js'
import { createMemory, type MemoryOptions } from '../service/memory-service.js'
import { fakeClock, temporaryFile } from './memory-file.support.js'
import { MemoryStore } from './memory-store.js'
import { NearTexts } from './near-texts.js'

const {
  memory,
  memory: { others },
} = topics
const ada = { clientId: 'ada' }
const bob = { clientId: 'bob' }
const eve = { clientId: 'eve' }

async function started(options: Partial<MemoryOptions> = {}) {
  const bus = new FakeBus()
  const clock = fakeClock()
  const open = async (settings: Parameters<typeof MemoryStore.open>[0]) => MemoryStore.open(settings)
  const service = createMemory({ file: temporaryFile(), bus: bus.asBus(), clock, open, ...options })
  onTestFinished(() => service.stop({ graceMs: 0 }))
  await service.start()
  return { bus, clock }
}

const STORY =
  'The ferry to the island leaves from the northern quay every morning before the market opens, and the captain waits for nobody, not even for the mayor, who once had to swim after it in his best coat'

describe('texts', () => {
  it.each([
    [`${STORY}.`, true],
    [STORY.toUpperCase(), true],
    [STORY.replace('every morning', 'each  morning'), false],
    [STORY.replace('captain', 'skipper'), false],
    [`${STORY} and hat`, true],
    [STORY.replace(', not even', ', even'), false],
    [`${STORY} in 1952`, false],
    ['another story of the island and its ferry that nobody tells any more today', false],
  ])('nearly the same or not: %j', (text, isNear) => {
    const near = new NearTexts()
    expect(near.add(1, 'ada', STORY)).toBeUndefined()
    expect(near.add(2, 'ada', text)).toBe(isNear ? 1 : undefined)
    expect(near.add(3, 'bob', STORY)).toBeUndefined()
  })
})

describe('memories that are consolidated', () => {
  it('are one where they are nearly the same, under the older id, and nothing of it is lost', async () => {
    const { bus, clock } = await started()
    const messageId = 'second'
    const first = await bus.request(memory.store, { content: STORY, tags: ['ferry'] }, ada)
    await clock.advance(1000)
    const second = { content: `${STORY} and hat`, tags: ['coat'], importance: 0.9, idempotency_key: 'k' }
    await bus.request(memory.store, second, { ...ada, messageId })
    await bus.request(memory.store, { content: STORY }, bob)
    expect(await bus.request(memory.consolidate, { dry_run: true }, ada)).toEqual({
      merged: 1,
      promoted: 0,
      evicted: 0,
    })
    expect(await bus.request(memory.query, {}, ada)).toMatchObject({ total: 2 })
    expect(await bus.request(memory.consolidate, {}, ada)).toEqual({ merged: 1, promoted: 0, evicted: 0 })
    const { id } = first.memory
    expect(await bus.request(memory.query, {}, ada)).toMatchObject({
      total: 1,
      memories: [
        { id, content: second.content, count: 2, version: 2, tags: ['ferry', 'coat'], importance: 0.9 },
      ],
    })
    expect((await bus.request(memory.history, { id }, ada)).versions[1]).toMatchObject({ content: STORY })
    const again = await bus.request(memory.store, second, { ...ada, messageId })
    expect(again).toMatchObject({ created: false, merged: true, memory: { id, count: 2 } })
    expect(await bus.request(memory.store, second, ada)).toMatchObject({
      created: false,
      memory: { id, count: 2 },
    })
    await expect(bus.request(memory.store, second, { ...bob, messageId })).rejects.toMatchObject({
      kind: 'memory-conflict',
    })
    expect(await bus.request(memory.consolidate, {}, ada)).toEqual({ merged: 0, promoted: 0, evicted: 0 })
    expect(await bus.request(others.query, {}, eve)).toMatchObject({ total: 2 })
  })

  it('stay for good where they are recalled often or marked, and others’ where somebody may', async () => {
    const { bus } = await started()
    const often = await bus.request(memory.store, { content: 'the code of the door is under the mat' }, ada)
    await bus.request(memory.store, { content: 'a marked one', metadata: { keep: true } }, ada)
    await bus.request(memory.store, { content: 'neither', metadata: { keep: false } }, ada)
    const ask = (count_recall?: boolean) =>
      bus.request(memory.query, { query: 'door code', count_recall }, ada)
    for (let i = 0; i < 4; i++) await ask()
    for (let i = 0; i < 9; i++) await ask(false)
    expect(await bus.request(memory.consolidate, { dry_run: true }, ada)).toMatchObject({ promoted: 1 })
    await ask()
    expect(await bus.request(memory.consolidate, { layer: 'episodic' }, ada)).toMatchObject({ promoted: 0 })
    expect(await bus.request(memory.consolidate, {}, bob)).toMatchObject({ promoted: 0 })
    expect(await bus.request(others.consolidate, { owner: 'ada' }, eve)).toMatchObject({ promoted: 2 })
    expect(await bus.request(memory.get, { id: often.memory.id }, ada)).toMatchObject({
      memory: { layer: 'long_term', expires_at: null, version: 2 },
    })
    expect(await bus.request(memory.query, { layers: ['short_term'] }, ada)).toMatchObject({ total: 1 })
  })

  it('are no more than their budget: the least important go, and of these the old', async () => {
    const { bus, clock } = await started({ budgets: { episodic: 2 } })
    for (const [content, importance] of [
      ['first', 0.9],
      ['second', 0.1],
      ['third', 0.5],
      ['fourth', 0.5],
    ] as const) {
      await bus.request(memory.store, { content, importance, layer: 'episodic' }, ada)
      await clock.advance(1000)
    }
    await bus.request(memory.store, { content: 'of another layer' }, ada)
    await bus.request(memory.store, { content: 'of another owner', layer: 'episodic' }, bob)
    expect(await bus.request(memory.consolidate, { dry_run: true }, ada)).toMatchObject({ evicted: 2 })
    expect(await bus.request(memory.consolidate, {}, ada)).toMatchObject({ evicted: 2 })
    const left = await bus.request(memory.query, { layers: ['episodic'] }, ada)
    expect(left.memories.map(({ content }) => content)).toEqual(['fourth', 'first'])
    expect(await bus.request(others.query, {}, eve)).toMatchObject({ total: 4 })
  })
})
