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

async function opened(model = 'stub', url = server.url, exactUpTo?: number, batch = 8) {
  const remarks: string[] = []
  const store = await PostgresMemory.open({
    address: readDatabaseUrl(url) as DatabaseAddress,
    embeddings: { url: stub.url, model, batch, timeoutMs: 5000, queryMs: 5000 },
    exactUpTo,
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

describe('many vectors', () => {
  const WORDS = ['river', 'stone', 'bread', 'cloud', 'horse', 'glass', 'paper', 'music', 'winter', 'garden']
  const text = (i: number) => [1, 10, 100].map((n) => WORDS[Math.floor(i / n) % 10]).join(' ')
  const EXACT_UP_TO = 100
  /** All connections are one session, so who looks holds up who fills. */
  const PATIENCE = { timeout: 50_000, interval: 500 }
  const scans = async () => {
    await server.sql('SELECT pg_stat_force_next_flush()')
    const sql =
      "SELECT sum(idx_scan)::int AS scans FROM pg_stat_user_indexes WHERE indexrelname LIKE '%_near_%'"
    return (await server.sql<{ scans: number | null }>(sql))[0]?.scans ?? 0
  }
  const indexes = async () => {
    const sql = "SELECT indexdef FROM pg_indexes WHERE indexname LIKE '%_near_%'"
    return (await server.sql<{ indexdef: string }>(sql)).map(({ indexdef }) => indexdef)
  }

  it('have an index, which finds what a comparison with each of them finds, whatever else is asked', async () => {
    await emptied()
    const { store, vectors, idsOf } = await opened('stub', server.url, EXACT_UP_TO, 64)
    const texts = Array.from({ length: 250 }, (_, i) => ({ content: text(i), layer: 'semantic' as const }))
    for (const [source, scope] of [
      ['ada', 'private'],
      ['bob', 'private'],
      ['bob', 'shared'],
    ] as const) {
      const some = source === 'ada' ? texts : texts.slice(0, scope === 'private' ? 100 : 60)
      await store.storeBatch(
        some.map((one, i) => ({ ...one, scope, duplicates: 'keep', tags: i % 50 === 0 ? ['rare'] : [] })),
        { id: `${source}-${scope}`, source },
      )
    }
    await store.store({ content: 'physician alone', layer: 'semantic' }, { id: 'doctor', source: 'ada' })
    await expect.poll(vectors, PATIENCE).toMatchObject({ filled: 411, missing: 0, indexed: true })
    const plain = await opened()
    await expect.poll(plain.vectors).toMatchObject({ indexed: true })
    // So few it would rather compare one by one.
    await server.sql('SET enable_seqscan = off; SET enable_sort = off')
    onTestFinished(() => void server.sql('RESET enable_seqscan; RESET enable_sort'))
    const before = await scans()
    expect((await idsOf('medic alone'))[0]).toBe('doctor')
    await expect.poll(scans).toBeGreaterThan(before)
    // What is exact up to more vectors than there are compares with each of them.
    for (const more of [
      {},
      { limit: 50 },
      { tags: ['rare'] },
      { from: '2100-01-01T00:00:00Z' },
      { owner: 'bob' },
    ]) {
      for (const query of ['stone bread', 'winter ocean', 'physician']) {
        expect([query, more, (await idsOf(query, more)).slice(0, 10)]).toEqual([
          query,
          more,
          (await plain.idsOf(query, more)).slice(0, 10),
        ])
      }
    }
    await store.forget({ id: 'doctor' })
    expect(await idsOf('medic alone')).not.toContain('doctor')
  })

  it('of another model have an index of their own, and that of the old one is gone', async () => {
    await emptied()
    const first = await opened('first', server.url, EXACT_UP_TO, 64)
    const texts = Array.from({ length: 150 }, (_, i) => ({ content: text(i), layer: 'semantic' as const }))
    await first.store.storeBatch(texts, { id: 'all', source: 'ada' })
    await expect.poll(first.vectors, PATIENCE).toMatchObject({ filled: 150, indexed: true })
    expect(await indexes()).toEqual([expect.stringContaining('halfvec(256)')])
    await first.store.close()
    stub.dimension = 64
    onTestFinished(() => {
      stub.dimension = 256
    })
    const second = await opened('second', server.url, EXACT_UP_TO, 64)
    await expect
      .poll(second.vectors, PATIENCE)
      .toMatchObject({ model: 'second', filled: 150, outdated: 0, indexed: true })
    expect(await indexes()).toEqual([expect.stringContaining('halfvec(64)')])
    expect(await second.idsOf('stone bread', { limit: 1 })).toHaveLength(1)
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
