import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EmbeddingSettings } from '../model/embeddings.js'
import type { MemoryStorage } from '../model/memory-storage.js'
import { temporaryFile } from '../store/memory-file.support.js'
import { type EmbeddingStub, embeddingStub } from '../vectors/embedding-stub.support.js'
import { openThreadedMemory } from './threaded-memory.js'

/** A memory in its threads beside an endpoint of embeddings. */

let stub: EmbeddingStub
let file: string
let memory: MemoryStorage | undefined

beforeEach(async () => {
  stub = await embeddingStub()
  file = temporaryFile()
})
afterEach(async () => {
  await memory?.close()
  memory = undefined
  await stub.close()
})

const open = async (settings: Partial<EmbeddingSettings> = {}): Promise<MemoryStorage> => {
  const embeddings = { url: stub.url, model: 'm', batch: 8, timeoutMs: 5000, queryMs: 2000, ...settings }
  memory = await openThreadedMemory({ file, embeddings })
  return memory
}
const store = (content: string, source = 'ann', more: object = {}) =>
  (memory as MemoryStorage).store({ content, layer: 'semantic', ...more }, { id: content, source })
const query = (words: string, owner = 'ann', more: object = {}) =>
  (memory as MemoryStorage).query({ query: words, explain: true, ...more }, { reach: { owner } })
const found = async (...given: Parameters<typeof query>) =>
  (await query(...given)).memories.map(({ content }) => content)
/** Until the vectors of so many memories are in the file. */
const filled = (count: number) =>
  expect
    .poll(
      async () =>
        (await query('x', 'ann', { limit: 100 })).memories.filter(({ why }) => why?.['meaning']).length,
    )
    .toBe(count)

describe('what means the same', () => {
  it('is found beside what has the words, and by its meaning alone', async () => {
    await open()
    await store('the physician comes on Tuesday')
    await store('a lecture on botany')
    await store('violins are in the attic')
    await filled(3)
    expect((await found('doctor'))[0]).toBe('the physician comes on Tuesday')
    const { memories, total_is_at_least } = await query('violins')
    expect(memories[0]).toMatchObject({
      content: 'violins are in the attic',
      score: 1,
      why: { meaning: { similarity: expect.closeTo(0.7, 0) } },
    })
    expect(total_is_at_least).toBe(true)
    expect(stub.requests[0]).toMatchObject({ path: '/v1/embeddings', model: 'm' })
  })

  it('is never somebody else’s, nor what a condition leaves out', async () => {
    await open()
    await store('my car is red', 'ann')
    await store('the automobile of Bob', 'bob')
    await store('the vehicle of all', 'bob', { scope: 'shared' })
    await store('an automobile of old', 'ann', { tags: ['old'] })
    await filled(3)
    expect((await found('car', 'ann')).sort()).toEqual([
      'an automobile of old',
      'my car is red',
      'the vehicle of all',
    ])
    expect(await found('car', 'ann', { tags: ['old'] })).toEqual(['an automobile of old'])
    expect(await found('car', 'eve')).toEqual(['the vehicle of all'])
  })

  it('is found among what a condition on metadata leaves, though it has none of the words', async () => {
    await open()
    const shop = { metadata: { project: 'shop' } }
    await store('a car wash', 'ann', shop)
    await store('an automobile in the yard', 'ann', shop)
    await store('the vehicle of another project', 'ann', { metadata: { project: 'farm' } })
    await filled(3)
    const inShop = await found('car', 'ann', { where: { project: 'shop' } })
    expect(inShop.sort()).toEqual(['a car wash', 'an automobile in the yard'])
  })

  it('is forgotten with its memory', async () => {
    await open()
    await store('the sea is cold')
    await store('a violin')
    await filled(2)
    await memory?.forget({ id: 'the sea is cold' }, 'request', { owner: 'ann' })
    expect(await found('ocean')).toEqual(['a violin'])
  })

  it('is that of the text as it is now', async () => {
    await open()
    await store('the sea is cold')
    await store('a violin')
    await filled(2)
    await memory?.update({ id: 'the sea is cold', content: 'the physician is cold' }, 'request', {
      owner: 'ann',
    })
    await expect.poll(() => found('doctor')).toContain('the physician is cold')
    expect((await found('doctor'))[0]).toBe('the physician is cold')
  })
})

describe('an endpoint that does not do', () => {
  it('costs a question its time at the most, and says why in the answer', async () => {
    stub.answer = () => {}
    await open({ queryMs: 50, timeoutMs: 50 })
    await store('the sea is cold')
    const { memories, total } = await query('sea')
    expect({ total, memories }).toMatchObject({
      total: 1,
      memories: [
        { why: { meaning: { missing: 'The endpoint of embeddings failed: no answer within 50 ms.' } } },
      ],
    })
    const asked = stub.requests.length
    await query('cold')
    expect(stub.requests.filter(({ input }) => input.includes('cold'))).toEqual([])
    expect(stub.requests.length).toBeLessThanOrEqual(asked + 1)
    stub.answer = undefined
    await stub.until(() => stub.requests.length > asked)
  })

  it('is asked again until all have their vectors', async () => {
    let failures = 1
    stub.answer = ({ input }, response) => {
      if (input.includes('the sea is cold') && failures-- > 0) response.writeHead(500).end()
      else {
        stub.answer = undefined
        response.writeHead(503).end()
      }
    }
    await open()
    await store('the sea is cold')
    await filled(1)
  })

  it('leaves the memory as it is where it gives nothing that is valid', async () => {
    stub.answer = (_, response) => response.end('{"data": "none"}')
    await open()
    await store('the sea is cold')
    const { memories } = await query('sea')
    expect(memories).toMatchObject([{ why: { meaning: { missing: expect.stringContaining('not valid') } } }])
  })
})

describe('vectors', () => {
  it('are there after a restart, and only what is missing is made', async () => {
    await open()
    await store('a car')
    await filled(1)
    await memory?.close()
    stub.requests.length = 0
    await open()
    await store('a violin')
    await filled(2)
    const texts = stub.requests.flatMap(({ input }) => input)
    expect(texts).toContain('a violin')
    expect(texts).not.toContain('a car')
  })

  it('of another model are made anew, and not mixed', async () => {
    await open()
    await store('a car')
    await store('a violin')
    await filled(2)
    await memory?.close()
    stub.dimension = 64
    await open({ model: 'other' })
    await filled(2)
    expect((await found('automobile'))[0]).toBe('a car')
    stub.dimension = 128
    await store('the sea')
    // The answer to the next text has another dimension: all are made again.
    await filled(3)
    expect((await found('ocean'))[0]).toBe('the sea')
  })
})
