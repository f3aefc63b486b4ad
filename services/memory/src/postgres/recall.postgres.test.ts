import type { MemoryQueryInput, MemoryRecalled } from '@jamey/contracts'
import { FakeClock } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { temporaryStore } from '../store/memory-file.support.js'
import { type DatabaseAddress, readDatabaseUrl } from './database-address.js'
import { PostgresMemory } from './postgres-memory.js'
import { PostgresServer } from './postgres-server.support.js'

/** The same questions to a file and to PostgreSQL: one finds what the other finds. */

const TEXTS: Readonly<Record<string, string>> = {
  lisbon: 'We met in Lisboa in May, and walked along the river until the ferries stopped',
  cafe: 'The café on the corner opens at seven',
  customers: 'Customers asked about deleting their records twice',
  strasse: 'Die Straße heißt Lindenallee',
  tokyo: '東京 で会いました',
  hamlet: 'To be, or not to be',
  penguins: 'penguin penguin penguin',
  penguin: 'one penguin among many other birds of the southern seas, seen from the ship in winter',
  ship: 'The ship leaves the harbour at noon',
  invoice: "The invoice of O'Neill & Sons is due on 2026-05-30",
  deploy: 'Deployment failed: connection refused by db-7 (port 5432)',
  fix: 'Deployed again after the connection pool was fixed',
}

let server: PostgresServer

beforeAll(async () => {
  server = await PostgresServer.start({ settings: ['fsync=off'] })
})
afterAll(() => server.stop())

async function filled() {
  const { store: file, clock } = temporaryStore()
  const database = await PostgresMemory.open({
    address: readDatabaseUrl(await server.newDatabase()) as DatabaseAddress,
    now: clock.now,
  })
  onTestFinished(() => database.close())
  for (const [id, content] of Object.entries(TEXTS)) {
    for (const store of [file, database]) {
      const tags = id.startsWith('penguin') ? ['Birds', 'south'] : ['work']
      await store.store({ content, tags, layer: 'semantic' }, { id, source: 'agent-1' })
    }
  }
  const ask = async (query: MemoryQueryInput) => ({
    file: await file.query(query),
    database: await database.query(query),
  })
  return { ask, database }
}

const idsOf = ({ memories }: MemoryRecalled) => memories.map(({ id }) => id)

describe('a question', () => {
  it('finds in PostgreSQL what it finds in a file, in the same order', async () => {
    const { ask } = await filled()
    const questions = [
      'lisboa',
      'LISBOA',
      'lis',
      'cafe',
      'CAFÉ',
      'customer',
      'delete records',
      'strasse',
      'straße',
      'linden',
      '東京',
      'birds',
      'penguin',
      'when did we meet in lisboa',
      'What is on the corner?',
      'to be or not to be',
      'lisbao',
      'penguin ship',
      'deployment connection',
      "o'neill",
      '2026-05-30',
      'db-7 port',
      'nothing-like-it',
      '!? "" --',
      'the ferry from the harbour in winter',
      'conection refused',
      'x'.repeat(10_000),
    ]
    for (const query of questions) {
      const { file, database } = await ask({ query })
      expect({ query, ids: idsOf(database), total: database.total }).toEqual({
        query,
        ids: idsOf(file),
        total: file.total,
      })
      for (const [i, { score }] of database.memories.entries()) {
        expect(Math.abs(score - (file.memories[i]?.score ?? 0))).toBeLessThan(0.1)
      }
    }
    expect(idsOf((await ask({ query: 'lisbao' })).database)).toEqual(['lisbon'])
    expect(idsOf((await ask({ query: 'penguin' })).database)).toEqual(['penguins', 'penguin'])
  })

  it('is words, never syntax', async () => {
    const { database } = await filled()
    for (const query of [
      `lisboa' | 'x`,
      `lisboa" OR "x`,
      `lisboa'; DROP TABLE jamey_memory.memories; --`,
      'lisboa & !x',
      'lisboa:*',
      'lisboa\\',
      "lisboa'':A",
      '<-> lisboa',
      'lisboa\0',
    ]) {
      expect([query, idsOf(await database.query({ query }))]).toEqual([
        query,
        expect.arrayContaining(['lisbon']),
      ])
    }
  })

  it('is narrowed by tags, layers and times as in a file', async () => {
    const { ask } = await filled()
    const queries: MemoryQueryInput[] = [
      { tags: ['birds'] },
      { tags: ['BIRDS', 'south'] },
      { tags: ['birds', 'work'] },
      { query: 'penguin', tags: ['work'] },
      { layers: ['episodic'] },
      { query: 'ship', layers: ['semantic'] },
      { from: '2026-05-01T12:00:00Z' },
      { to: '2026-05-01T11:59:59Z' },
      { limit: 3 },
      { limit: 3, offset: 10 },
      { limit: 3, offset: 50 },
      { query: 'deployed', limit: 1 },
      { query: 'deployed', limit: 1, offset: 1 },
      { query: 'deployed', offset: 5 },
    ]
    for (const query of queries) {
      const { file, database } = await ask(query)
      expect({ query, ids: idsOf(database), total: database.total }).toEqual({
        query,
        ids: idsOf(file),
        total: file.total,
      })
    }
  })

  it('gets pages that end where they have as many bytes as one may', async () => {
    const { store: file, clock } = temporaryStore()
    const database = await PostgresMemory.open({
      address: readDatabaseUrl(await server.newDatabase()) as DatabaseAddress,
      now: clock.now,
    })
    onTestFinished(() => database.close())
    for (let i = 0; i < 7; i++) {
      const content = `part ${i} ${'\u00e9'.repeat(25_000)}`
      for (const store of [file, database]) await store.store({ content }, { id: `m${i}`, source: 'agent-1' })
    }
    for (const query of ['', 'part']) {
      const pages = await Promise.all([0, 5].map((offset) => database.query({ query, limit: 100, offset })))
      expect(pages.map(({ memories }) => memories.length)).toEqual([5, 2])
      expect(pages.map(({ total, truncated }) => [total, truncated])).toEqual([
        [7, true],
        [7, undefined],
      ])
      expect(pages.flatMap(idsOf)).toEqual(
        idsOf(await file.query({ query, limit: 100 })).concat(
          idsOf(await file.query({ query, limit: 100, offset: 5 })),
        ),
      )
    }
  })

  it('reaches its owner and what is shared, and nobody else', async () => {
    const clock = new FakeClock(Date.parse('2026-05-01T12:00:00.000Z'))
    const address = readDatabaseUrl(await server.newDatabase()) as DatabaseAddress
    const store = await PostgresMemory.open({ address, now: clock.now })
    onTestFinished(() => store.close())
    await store.store({ content: 'a secret of ana' }, { id: 'private', source: 'ana' })
    await store.store({ content: 'a secret for all', scope: 'shared' }, { id: 'shared', source: 'ana' })
    for (const query of ['secret', '']) {
      expect(idsOf(await store.query({ query }, { reach: { owner: 'bob' } }))).toEqual(['shared'])
      expect((await store.query({ query }, { reach: { owner: 'ana' } })).total).toBe(2)
      expect((await store.query({ query }, { reach: { owner: 'bob', isOwnOnly: true } })).total).toBe(0)
    }
    expect(await store.get('private', { owner: 'bob' })).toBeUndefined()
    expect(await store.forget({ id: 'shared' }, 'r1', { owner: 'bob' })).toEqual({ forgotten: 0 })
  })
})

describe('words', () => {
  it('are counted, and gone with the last memory that had them', async () => {
    const url = await server.newDatabase()
    const store = await PostgresMemory.open({ address: readDatabaseUrl(url) as DatabaseAddress })
    onTestFinished(() => store.close())
    const words = () =>
      server.sql<{ word: string; memories: string }>(
        new URL(url).pathname.slice(1),
        'SELECT word, memories FROM jamey_memory.words ORDER BY word',
      )
    await store.store({ content: 'apples apples pears' }, { id: 'a', source: 'agent-1' })
    await store.store({ content: 'apple plums' }, { id: 'b', source: 'agent-1' })
    expect(await words()).toEqual([
      { word: 'appl', memories: '2' },
      { word: 'pear', memories: '1' },
      { word: 'plum', memories: '1' },
    ])
    await store.forget({ id: 'a' })
    expect(await words()).toEqual([
      { word: 'appl', memories: '1' },
      { word: 'plum', memories: '1' },
    ])
    expect((await store.stats()).memories).toBe(1)
  })
})
