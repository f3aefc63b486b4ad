import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type EmbeddingStub, embeddingStub } from '../../vectors/embedding-stub.support.js'
import { type DatabaseAddress, readDatabaseUrl } from '../database-address.js'
import { PostgresMemory } from '../postgres-memory.js'
import { PostgresServer } from '../postgres-server.support.js'
import { VectorServer } from './vector-server.support.js'

let server: VectorServer
let stub: EmbeddingStub

beforeAll(async () => {
  stub = await embeddingStub()
  server = await VectorServer.start()
  await server.sql('CREATE SCHEMA extensions; CREATE EXTENSION vector SCHEMA extensions')
})
afterAll(async () => {
  await server.stop()
  await stub.close()
})

const ada = { owner: 'ada' }

async function opened(model = 'stub', url = server.url) {
  const remarks: string[] = []
  const store = await PostgresMemory.open({
    address: readDatabaseUrl(url) as DatabaseAddress,
    embeddings: { url: stub.url, model, batch: 8, timeoutMs: 5000, queryMs: 5000 },
    onWithoutVectors: (why) => remarks.push(why),
  })
  onTestFinished(() => store.close())
  const put = (id: string, content: string, more = {}) =>
    store.store({ content, layer: 'semantic', ...more }, { id, source: 'ada' })
  const vectors = async () => (await store.statsOf()).index['vectors']
  const idsOf = async (query: string, more = {}) => {
    const { memories } = await store.query({ query, ...more }, { reach: ada })
    return memories.map(({ id }) => id)
  }
  return { store, put, vectors, idsOf, remarks }
}

async function emptied(): Promise<void> {
  await server.sql('DROP SCHEMA IF EXISTS jamey_memory CASCADE')
}

describe('memories in PostgreSQL with pgvector', () => {
  it('are found by their meaning beside their words, each by what it fits', async () => {
    await emptied()
    const { store, put, vectors, idsOf } = await opened()
    await put('vehicle', 'the vehicle needs new tyres')
    await put('paint', 'a car made of paper')
    await put('soup', 'onion soup for the evening')
    await put('hidden', 'an automobile that is a secret', { scope: 'private', tags: ['secret'] })
    await store.store({ content: 'the automobile of bob' }, { id: 'of-bob', source: 'bob' })
    await expect.poll(vectors).toMatchObject({ model: 'stub', dimension: 256, filled: 5, missing: 0 })
    const found = await store.query({ query: 'automobile tyres', explain: true }, { reach: ada })
    expect(found.memories[0]).toMatchObject({ id: 'vehicle', why: { terms: [{ word: 'tyres' }] } })
    expect(found.memories[0]?.why?.meaning?.similarity).toBeGreaterThan(0.5)
    expect(found.memories.map(({ id }) => id).sort()).toEqual(['hidden', 'paint', 'soup', 'vehicle'])
    expect(found).toMatchObject({ total: 4, total_is_at_least: true })
    expect(found.memories.at(-1)?.id).toBe('soup')
    expect(found.memories.every(({ score }) => score > 0 && score <= 1)).toBe(true)
    // Nothing has the word, and one thing says it.
    expect((await idsOf('physician automobile', { limit: 3 })).slice(0, 3).sort()).toEqual([
      'hidden',
      'paint',
      'vehicle',
    ])
    expect(await idsOf('automobile', { tags: ['secret'] })).toEqual(['hidden'])
    expect(await store.statsOf(ada)).toMatchObject({ index: { vectors: { model: 'stub', dimension: 256 } } })
    expect((await store.statsOf(ada)).index['vectors']).not.toHaveProperty('filled')
  })

  it('have the vector of the text that they have, also when it was changed, and none when they are gone', async () => {
    await emptied()
    const { store, put, vectors, idsOf } = await opened()
    await put('one', 'the physician is glad')
    await put('two', 'onions and leeks')
    await expect.poll(vectors).toMatchObject({ filled: 2 })
    expect((await idsOf('doctor'))[0]).toBe('one')
    await store.update({ id: 'one', content: 'leeks alone' })
    await store.update({ id: 'two', content: 'the medic of the village' })
    await expect.poll(vectors).toMatchObject({ filled: 2, missing: 0 })
    expect((await idsOf('doctor'))[0]).toBe('two')
    // What is not the text does not make another vector.
    const asked = stub.requests.length
    await store.update({ id: 'two', importance: 1 })
    expect(await vectors()).toMatchObject({ filled: 2, missing: 0 })
    await store.forget({ id: 'two' })
    expect(await vectors()).toMatchObject({ filled: 1 })
    expect(stub.requests.length).toBe(asked)
  })

  it('that were there before are given vectors, and others when the model is another', async () => {
    await emptied()
    const plain = await PostgresMemory.open({ address: readDatabaseUrl(server.url) as DatabaseAddress })
    for (let i = 0; i < 20; i++)
      await plain.store(
        { content: `text number ${i} of the sea`, layer: 'semantic' },
        { id: `m${i}`, source: 'ada' },
      )
    await plain.close()
    const first = await opened('first')
    await expect.poll(first.vectors).toMatchObject({ model: 'first', filled: 20, missing: 0, outdated: 0 })
    await first.store.close()
    stub.dimension = 64
    onTestFinished(() => {
      stub.dimension = 256
    })
    const second = await opened('second')
    await expect
      .poll(second.vectors)
      .toMatchObject({ model: 'second', dimension: 64, filled: 20, outdated: 0 })
    expect(await second.idsOf('ocean', { limit: 1 })).toHaveLength(1)
  })

  it('are found by their words while the endpoint is away, and it is told why', async () => {
    await emptied()
    stub.answer = (_, response) => void response.writeHead(500).end()
    onTestFinished(() => {
      stub.answer = undefined
    })
    const { store, put, vectors, idsOf } = await opened()
    await put('one', 'the physician is glad')
    await expect.poll(vectors).toMatchObject({ missing: 1, fault: expect.stringContaining('500') })
    expect(await idsOf('physician')).toEqual(['one'])
    const { memories } = await store.query({ query: 'physician', explain: true }, { reach: ada })
    expect(memories[0]?.why?.meaning?.missing).toContain('500')
  })
})

it('memories in a database without pgvector are found by their words, which is told once and in the statistics', async () => {
  const bare = await PostgresServer.start({ settings: ['fsync=off'] })
  onTestFinished(() => bare.stop())
  const { put, vectors, idsOf, store, remarks } = await opened('stub', await bare.newDatabase())
  await put('one', 'the physician is glad')
  expect(await idsOf('physician')).toEqual(['one'])
  expect(await idsOf('doctor')).toEqual([])
  expect(remarks).toEqual([expect.stringContaining('CREATE EXTENSION vector')])
  expect(await vectors()).toEqual({ model: 'stub', fault: remarks[0] })
  const { memories } = await store.query({ query: 'physician', explain: true })
  expect(memories[0]?.why?.meaning).toEqual({ missing: remarks[0] })
})
