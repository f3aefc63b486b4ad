import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type DatabaseAddress, readDatabaseUrl } from './database-address.js'
import { MIGRATIONS } from './migrations.js'
import { PostgresMemory } from './postgres-memory.js'
import { PostgresServer } from './postgres-server.support.js'
import { renameIrregularForms } from './renewed-terms.js'

let server: PostgresServer

beforeAll(async () => {
  server = await PostgresServer.start({ settings: ['fsync=off'] })
})
afterAll(() => server.stop())

async function open(url: string): Promise<PostgresMemory> {
  const store = await PostgresMemory.open({ address: readDatabaseUrl(url) as DatabaseAddress })
  onTestFinished(() => store.close())
  return store
}

const STATE = `SELECT (SELECT json_agg(json_build_array(id, terms::text, terms_count) ORDER BY id) FROM jamey_memory.memories) AS memories,
  (SELECT json_agg(json_build_array(word, memories) ORDER BY word) FROM jamey_memory.words WHERE memories > 0) AS words,
  (SELECT json_build_array(memories, terms) FROM jamey_memory.totals) AS totals`

describe('a database from before names had signs', () => {
  it('has their terms when it is opened, and counts them as one that always had them', async () => {
    const url = await server.newDatabase()
    const name = new URL(url).pathname.slice(1)
    const store = await open(url)
    const texts = ['C++ or ++c', 'in Ｃ＃', 'use .NET', 'node.js', 'a plain text', 'A* search']
    for (let i = 0; i < 700; i++) {
      const input = { content: `${texts[i % texts.length]} ${i}`, tags: i % 50 === 0 ? ['F#'] : [] }
      await store.store(input, { id: `m${i}`, source: 'ada' })
    }
    const [whole] = await server.sql(name, STATE)
    await store.close()
    // As the version before left it: no term with a sign, none of them counted.
    await server.sql(
      name,
      `UPDATE jamey_memory.version SET version = 4; DROP INDEX jamey_memory.update_requests_by_memory;
      UPDATE jamey_memory.memories SET terms_count = terms_count - (SELECT coalesce(sum(cardinality(positions)), 0) FROM unnest(terms) WHERE lexeme ~ '[^a-z0-9]'),
        terms = ts_delete(terms, ARRAY(SELECT lexeme FROM unnest(terms) WHERE lexeme ~ '[^a-z0-9]'));
      DELETE FROM jamey_memory.words WHERE word ~ '[^a-z0-9]';
      UPDATE jamey_memory.totals SET terms = (SELECT sum(terms_count) FROM jamey_memory.memories)`,
    )
    expect(await server.sql(name, STATE)).not.toEqual([whole])
    const again = await open(url)
    expect(await server.sql(name, STATE)).toEqual([whole])
    const { memories } = await again.query({ query: 'A*', limit: 1 })
    expect(memories[0]?.content).toMatch(/^A\* search/)
  })
})

describe('a database from before irregular forms were forms of a word', () => {
  it('has the terms of their words when it is opened', async () => {
    const url = await server.newDatabase()
    const name = new URL(url).pathname.slice(1)
    const store = await open(url)
    await store.store({ content: 'She Went where they go' }, { id: 'then', source: 'ada' })
    await store.store({ content: 'a plain text' }, { id: 'other', source: 'ada' })
    const [whole] = await server.sql(name, STATE)
    await store.close()
    await server.sql(
      name,
      `UPDATE jamey_memory.version SET version = ${MIGRATIONS.indexOf(renameIrregularForms)};
      UPDATE jamey_memory.memories SET terms = replace(terms::text, $$'go':2,5$$, $$'go':5 'went':2$$)::tsvector;
      INSERT INTO jamey_memory.words VALUES ('went', 1)`,
    )
    expect(await server.sql(name, STATE)).not.toEqual([whole])
    const again = await open(url)
    expect(await server.sql(name, STATE)).toEqual([whole])
    expect((await again.query({ query: 'gone' })).memories.map(({ id }) => id)).toEqual(['then'])
  })
})
