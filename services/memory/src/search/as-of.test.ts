import type { Memory, MemoryQueryInput } from '@jamey/contracts'
import { describe, expect, it } from 'vitest'
import { Database } from '../file/database.js'
import type { MemoryRow } from '../model/memory-record.js'
import type { Reach } from '../model/memory-storage.js'
import { openFile, temporaryStore } from '../store/memory-file.support.js'
import { MemoryStore } from '../store/memory-store.js'
import { describeAsOf } from './as-of.contract.js'
import { type Asked, questionFrom, RandomHistory, randomFrom } from './history.support.js'
import { IndexFilter } from './index-filter.js'
import { MemoryIndex } from './memory-index.js'
import { Ranker } from './ranking.js'

describeAsOf('a question as of a time, to a file', openFile)

/** All pages of an answer. */
async function allOf(store: MemoryStore, query: MemoryQueryInput, reach: Reach | undefined) {
  const memories: (Memory & { readonly score: number })[] = []
  let cursor: string | undefined
  let total = 0
  do {
    const page = await store.query({ ...query, limit: 20, cursor }, { reach })
    memories.push(...page.memories)
    total = page.total
    cursor = page.next_cursor
  } while (cursor !== undefined)
  return { memories, total }
}

const nameOf = ({ id, version }: Memory) => `${id} v${version}`
const at = (timeMs: number) => new Date(timeMs).toISOString()

/** Questions, each with the answer of its time, and the time after all of them. */
async function recordedFrom(seed: number) {
  const { store, file, clock } = temporaryStore()
  const random = randomFrom(seed)
  const history = new RandomHistory(store, clock, random)
  const recorded: (Asked & { readonly atMs: number; readonly memories: readonly Memory[] })[] = []
  for (let i = 0; i < 8; i++) {
    await history.go(45)
    for (let k = 0; k < 8; k++) {
      const asked = questionFrom(random)
      const { memories } = await allOf(store, asked.query, asked.reach)
      recorded.push({ ...asked, atMs: clock.now(), memories })
    }
  }
  const fresh = MemoryStore.open({ file, now: clock.now })
  return { store, fresh, file, clock, recorded, history }
}

describe('what a file answers as of a time', () => {
  it.each([1, 2, 3])(
    'is what it answered then, but for what is gone or private since (history %s)',
    async (seed) => {
      const { store, fresh, recorded } = await recordedFrom(seed)
      let compared = 0
      for (const { query, reach, atMs, memories } of recorded) {
        const left: Memory[] = []
        for (const memory of memories) {
          if ((await store.get(memory.id, reach)) !== undefined) left.push(memory)
        }
        const words = query.query?.split(' ')
        // What was found by its neighbours alone may have lost these.
        const own = left.filter(({ content }) => words?.some((word) => content.includes(word)) ?? true)
        for (const asked of [store, fresh]) {
          const found = await allOf(asked, { ...query, as_of: at(atMs) }, reach)
          const names = found.memories.map(nameOf)
          expect({ query, reach, names }).toEqual({
            query,
            reach,
            names: expect.arrayContaining(own.map(nameOf)),
          })
          expect(left.map(nameOf)).toEqual(expect.arrayContaining(names))
          expect([new Set(names).size, found.total]).toEqual([names.length, names.length])
          if (words === undefined) expect(names).toEqual(left.map(nameOf))
          compared += names.length
        }
      }
      expect(compared).toBeGreaterThan(1000)
      await fresh.close()
    },
  )

  it.each([4, 5])('is in the order in which an index of then alone has it (history %s)', async (seed) => {
    const { fresh, file, clock, recorded } = await recordedFrom(seed)
    const database = new Database({ file, busyTimeoutMs: 0 })
    let compared = 0
    for (const { query, atMs } of recorded) {
      if (query.query === undefined) continue
      const found = await allOf(fresh, { query: query.query, as_of: at(atMs) }, undefined)
      const expected = orderOfThen(database, query.query, atMs, clock.now())
      expect(found.memories.map(nameOf)).toEqual(expected.map(({ name }) => name))
      for (const [i, { score }] of found.memories.entries())
        expect(score).toBeCloseTo(expected[i]?.score ?? 0, 5)
      compared += expected.length
    }
    expect(compared).toBeGreaterThan(1000)
    database.close()
    await fresh.close()
  })

  it('leaves the index as it was', async () => {
    const { fresh, file, clock, recorded, history } = await recordedFrom(6)
    const untouched = MemoryStore.open({ file, now: clock.now })
    for (const { query, reach, atMs } of recorded.filter((_, i) => i % 3 === 0)) {
      // Both read what has changed.
      await untouched.query({ query: 'amber' })
      await fresh.query({ ...query, as_of: at(atMs) }, { reach })
      expect(await allOf(fresh, query, reach)).toEqual(await allOf(untouched, query, reach))
      // What is added then takes the places that versions had.
      await history.go(1)
    }
    await untouched.close()
    await fresh.close()
  })
})

type Row = MemoryRow & { readonly seq: number; readonly replaced_at?: number }

/** The order that an index has which knows nothing but what was known and held then, and how rare words are now. */
function orderOfThen(database: Database, words: string, atMs: number, nowMs: number) {
  const present = database.prepare<Row>('SELECT * FROM memories').all()
  const versions = database
    .prepare<Row>('SELECT v.* FROM memory_versions v ORDER BY number')
    .all()
    .filter((row) => row.updated_at <= atMs && (row.replaced_at ?? 0) > atMs)
  const isHeld = ({ valid_to, expires_at }: Row) =>
    (valid_to === null || valid_to > atMs) && (expires_at === null || expires_at > nowMs)
  const then = versions.filter(isHeld)
  const all = new MemoryIndex()
  for (const row of present) all.put(row)
  for (const [i, row] of then.entries()) all.put({ ...row, seq: 1_000_000 + i })
  const { vocabulary, postings, documents, averageLength } = all
  const having = new Map(
    Array.from({ length: vocabulary.size }, (_, term) => [vocabulary.nameOf(term), postings.count(term)]),
  )
  const index = new MemoryIndex({ documents: documents.count, averageLength, having })
  const rows = [...present.filter((row) => row.updated_at <= atMs && isHeld(row)), ...then]
  for (const row of rows) index.put(row)
  const { ranked, best } = new Ranker(index).rank(words, {
    filter: new IndexFilter(index, {}, nowMs),
    depth: rows.length,
    nowMs: atMs,
    textsOf: (docs) => docs.map((doc) => (rows[doc] as Row).content),
  })
  return ranked.map(({ doc, score }) => ({ name: nameOf(rows[doc] as never), score: score / best }))
}
