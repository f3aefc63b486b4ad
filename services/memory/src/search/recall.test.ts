import { describe, expect, it } from 'vitest'
import { openFile } from '../store/memory-file.support.js'
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
