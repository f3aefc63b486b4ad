import type { MemoryQueryInput, MemoryStoreInput, MemoryWhere } from '@jamey/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Database } from '../../file/database.js'
import { temporaryFile, temporaryStore } from '../../store/memory-file.support.js'
import type { MemoryStore } from '../../store/memory-store.js'
import { filterCondition } from '../filter.js'
import { IndexKeeper } from '../index-keeper.js'
import { MemberColumns } from './member-columns.js'
import { meets, type Scalar, whereCondition } from './where.js'

const EXACT = fc.integer({ min: -5, max: 5 })
const SHORT = fc.constantFrom('', 'a', 'B', 'ab', 'é', '\u{1f600}', '\uffee', '1', 'true', 'null')
const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  ...[SHORT, EXACT, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null)],
)
const bound = fc.oneof(SHORT, EXACT)
const wanted: fc.Arbitrary<MemoryWhere[string]> = fc.oneof(
  scalar,
  fc.record({ in: fc.array(scalar, { minLength: 1, maxLength: 4 }) }),
  fc.record({ gt: bound, lte: bound }, { requiredKeys: ['gt'] }),
  fc.record({ gte: bound, lt: bound }, { requiredKeys: ['lt'] }),
)

describe('a condition on a member of the metadata', () => {
  it('is met by the values by which its SQL is', () => {
    const database = new Database({ file: temporaryFile(), busyTimeoutMs: 0 })
    fc.assert(
      fc.property(scalar, wanted, (value, condition) => {
        const conditions = whereCondition({ member: condition })
        const sql = conditions.map((one) => one.sql).join(' AND ')
        const found = database
          .prepare(`SELECT 1 FROM (SELECT ? AS metadata) m WHERE ${sql}`)
          .all(JSON.stringify({ member: value }), ...conditions.flatMap(({ values }) => values))
        expect(meets(value, condition)).toBe(found.length === 1)
      }),
      { numRuns: 3000 },
    )
    database.close()
  })
})

async function put(store: MemoryStore, count: number, memoryOf: (i: number) => Partial<MemoryStoreInput>) {
  const { memories } = store.stats()
  const each = (_: unknown, k: number) => {
    const i = memories + k
    const memory = { content: `memory ${i}`, layer: 'semantic', ...memoryOf(i) } as const
    return store.store(memory, { id: `m${i}`, source: 'ada' })
  }
  await Promise.all(Array.from({ length: count }, each))
}

const QUESTIONS: readonly MemoryQueryInput[] = [
  { where: { project: 'one' } },
  { where: { project: { in: ['two', 7, null] } } },
  { where: { 'nested.size': { gte: 10, lt: 20 } } },
  { where: { project: 'one', 'nested.size': 3 } },
  { origin: 'page-2' },
  { origin: 'page-1', where: { project: { gt: 'one' } } },
  { where: {} },
  { where: { nested: 3 } },
  { where: { absent: 'one' } },
]

describe('columns of members', () => {
  it('have what the file has, in slices, and what was added or changed since', async () => {
    const { store, file, clock } = temporaryStore()
    const projects = ['one', 'two', 7, null, ['one'], { one: 'one' }]
    await put(store, 5000, (i) => ({
      metadata: { project: projects[i % 6], nested: i % 5 === 0 ? 3 : { size: i % 40 } },
      ...(i % 3 === 0 ? { origin: `page-${i % 4}` } : {}),
    }))
    const database = new Database({ file, busyTimeoutMs: 0 })
    const keeper = new IndexKeeper(database)
    keeper.catchUp(Number.POSITIVE_INFINITY)
    const { index } = keeper
    const columns = new MemberColumns(database, index)
    const expectSame = () => {
      keeper.catchUp(Number.POSITIVE_INFINITY)
      for (const { where, origin } of QUESTIONS) {
        while (!columns.catchUp({ where, origin }, index.documents.count, 0));
        const { sql, values } = filterCondition({ where, origin }, clock.now())
        const expected = database
          .prepare<{ seq: number }>(`SELECT m.seq FROM memories m WHERE ${sql} ORDER BY m.seq`)
          .all(...values)
          .map(({ seq }) => seq)
        const meeting = (columns.meeting({ where, origin }) ?? []).map((docs) => new Set(docs))
        const { documents } = index
        const living = Array.from({ length: documents.count }, (_, doc) => doc).filter((doc) => {
          const isLiving = documents.find(documents.seq[doc] as number) === doc
          return isLiving && meeting.every((docs) => docs.has(doc))
        })
        const seqs = living.map((doc) => documents.seq[doc] as number).sort((a, b) => a - b)
        expect({ where, origin, seqs }).toEqual({ where, origin, seqs: expected })
      }
    }
    expectSame()
    await put(store, 300, (i) => ({ metadata: { project: i % 2 === 0 ? 'one' : 'three' } }))
    for (let i = 0; i < 40; i++) await store.update({ id: `m${i}`, metadata: { project: 'two' } })
    for (let i = 100; i < 140; i++) await store.forget({ id: `m${i}` })
    expectSame()
    database.close()
  })

  it('are none where a member has too many values, and the file is asked', async () => {
    const { store, file } = temporaryStore()
    await put(store, 4400, (i) => ({ metadata: { note: `${i % 4300} `.padEnd(1000, '.') } }))
    const database = new Database({ file, busyTimeoutMs: 0 })
    const keeper = new IndexKeeper(database)
    keeper.catchUp(Number.POSITIVE_INFINITY)
    const columns = new MemberColumns(database, keeper.index)
    const where = { note: '7 '.padEnd(1000, '.') }
    expect(columns.catchUp({ where }, keeper.index.documents.count, Number.POSITIVE_INFINITY)).toBe(true)
    expect(columns.meeting({ where })).toBeUndefined()
    database.close()
    await store.query({ query: 'memory' })
    for (const query of [{}, { query: 'memory' }]) {
      expect((await store.query({ ...query, where })).memories.map(({ id }) => id).sort()).toEqual([
        'm4307',
        'm7',
      ])
    }
  })
})
