import { topics } from '@jamey/contracts'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FakeBus } from '../service/bus.support.js'
import { createMemory, type MemoryOptions } from '../service/memory-service.js'
import { describeConsolidation } from './consolidation.contract.js'
import { fakeClock, openFile, temporaryFile } from './memory-file.support.js'
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

describeConsolidation('memories of a file that are consolidated', openFile)

describe('recalls over the bus', () => {
  it('make a memory one for good, where they count', async () => {
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
})
