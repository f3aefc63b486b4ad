import { describe, expect, it } from 'vitest'
import { openFile, temporaryStore } from '../store/memory-file.support.js'
import { searchWords } from './question.js'
import { describeRecall } from './recall.contract.js'
import { RECENCY_HALF_LIFE_MS, score } from './score.js'

describeRecall('recall from a file', openFile)

describe('words of a question', () => {
  it('takes each word once, and no more than 64', () => {
    expect(searchWords('ab "東京" Zü, Zu')).toEqual(['ab', '東京', 'zu'])
    expect(searchWords('x x b '.repeat(50))).toEqual(['x', 'b'])
    expect(searchWords(Array.from({ length: 100 }, (_, i) => `w${i}`).join(' '))).toHaveLength(64)
  })

  it.each([
    ['de', 'was ist in der Küche auf dem Tisch', ['kuche', 'tisch']],
    ['fr', 'qui est dans la cuisine avec nous', ['cuisine']],
    ['es', 'quién está en la cocina con nosotros', ['cocina']],
    ['en', 'who is in the kitchen with us', ['kitchen']],
  ])('leaves out what says nothing in a question in %s', (_, question, words) => {
    expect(searchWords(question)).toEqual(words)
  })
})

describe('a score', () => {
  it('halves recency after 30 days and counts the future as now', () => {
    const facts = { relevance: 1, importance: 0 }
    expect(score({ ...facts, ageMs: 0 }) - score({ ...facts, ageMs: RECENCY_HALF_LIFE_MS })).toBeCloseTo(
      0.025 / 1.1,
      9,
    )
    expect(score({ ...facts, ageMs: -1e12 })).toBe(score({ ...facts, ageMs: 0 }))
    expect(score({ relevance: 1e-12, importance: 0, ageMs: 1e13 })).toBeGreaterThan(0)
  })
})

describe('a list of a session, or with a tag, that most memories have', () => {
  it('is the same whether the index is there or not', async () => {
    const { store, clock } = temporaryStore()
    for (let i = 0; i < 120; i++) {
      await clock.advance(i % 3 === 0 ? 1000 : 0)
      const most = i % 10 === 0 ? {} : { session_id: 's', turn: (i * 7) % 120, tags: ['Most'] }
      const brief = i % 11 === 0 ? { ttl_seconds: 60 } : {}
      await store.store(
        { content: `memory ${i}`, ...most, ...brief },
        { id: `m${i}`, source: `agent-${i % 2}` },
      )
    }
    await clock.advance(30_000)
    const lists = async () => {
      const found: unknown[] = []
      for (const wanted of [{ session_id: 's' }, { tags: ['most'] }, { session_id: 's', tags: ['most'] }]) {
        for (const reach of [undefined, { owner: 'agent-1' }]) {
          let cursor: string | undefined
          do {
            const page = await store.query({ ...wanted, limit: 23, cursor }, { reach })
            found.push([page.total, page.truncated, ...page.memories.map(({ id, score }) => [id, score])])
            cursor = page.next_cursor
          } while (cursor !== undefined)
          found.push((await store.query({ ...wanted, offset: 7, limit: 5 }, { reach })).memories)
        }
      }
      return found
    }
    const before = await lists()
    expect(before.length).toBeGreaterThan(20)
    expect((await store.query({ query: 'memory' })).total).toBeGreaterThan(0)
    expect(await lists()).toEqual(before)
    await store.forget({ ids: ['m1', 'm2', 'm3'] })
    await store.update({ id: 'm4', tags: [] })
    const changed = await lists()
    expect(changed).not.toEqual(before)
    await store.query({ query: 'memory' })
    expect(await lists()).toEqual(changed)
  })
})
