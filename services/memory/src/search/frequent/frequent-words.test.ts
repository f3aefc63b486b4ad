import { describe, expect, it } from 'vitest'
import type { Filter } from '../filter.js'
import { IndexFilter } from '../index-filter.js'
import { MemoryIndex } from '../memory-index.js'
import { Ranker } from '../ranking.js'
import {
  bestOfAll,
  bestOfRanking,
  DAY,
  Filled,
  KINDS,
  type Kind,
  NOW,
  randomFrom,
} from './filled-index.support.js'

const MEMORIES = 30_000

/** Texts of some sixty words about forty topics, of which nearly all have two frequent words. */
function longTexts(count: number): { index: MemoryIndex; texts: readonly string[] } {
  const random = randomFrom(7)
  const index = new MemoryIndex()
  const texts = Array.from({ length: count }, (_, i) => {
    const words = Array.from({ length: 30 + Math.floor(random() * 60) }, () => {
      const isOfTopic = random() < 0.4
      return `w${Math.floor(isOfTopic ? 3000 + (i % 40) * 20 + random() * 20 : random() ** 2 * 3000)}`
    })
    for (const word of ['alpha', 'beta']) {
      const times = random() < 0.9 ? 1 + Math.floor(random() * 4) : 0
      for (let k = 0; k < times; k++) words[Math.floor(random() * words.length)] = word
    }
    return words.join(' ')
  })
  for (const [i, content] of texts.entries()) {
    const facts = { owner: 'a', scope: 'private', layer: 'semantic', importance: 0.5, expires_at: null }
    const occurred_at = NOW - Math.floor(random() * 400) * DAY
    index.put({ seq: i + 1, content, tags: '[]', metadata: '{}', created_at: NOW, occurred_at, ...facts })
  }
  return { index, texts }
}
const FILTERS: readonly Filter[] = [{}, { reach: { owner: 'owner-1' } }, { fromMs: NOW - 500 * DAY }]

describe('the best of several frequent words', () => {
  const questions = [
    'alpha',
    'alpha beta',
    'delta epsilon',
    'alpha epsilon',
    'gamma delta epsilon',
    'alpha beta gamma delta',
    'alpha beta gamma delta epsilon',
    'rare alpha beta',
  ]

  it.each(Object.keys(KINDS))('are those of all scores where memories are %s', (name) => {
    const filled = new Filled(KINDS[name] as Kind, 3)
    filled.addMixed(MEMORIES)
    const { index } = filled
    const ranker = new Ranker(index)
    const expectSame = (nowMs: number, first = 0): void => {
      for (const [i, words] of questions.entries()) {
        const wanted = FILTERS[(first + i) % FILTERS.length] as Filter
        const filter = new IndexFilter(index, wanted, nowMs)
        const found = bestOfRanking(ranker, words, filter, nowMs).best
        expect({ words, wanted, found }).toEqual({
          words,
          wanted,
          found: bestOfAll(index, words, filter, nowMs),
        })
      }
    }
    expectSame(NOW)
    // The same lists, with what came since, without what went, and later.
    filled.addMixed(4000)
    filled.remove(0.2)
    expectSame(NOW + 20 * 3600 * 1000, 1)
    expectSame(NOW - 300 * DAY, 2)
  })

  it.each(Object.keys(KINDS))('are found among few where memories are %s', (name) => {
    const filled = new Filled(KINDS[name] as Kind, 4)
    filled.addMixed(MEMORIES)
    const ranker = new Ranker(filled.index)
    const looked = (words: string): number => {
      // Lists of several words are made when these are asked for again.
      for (let i = 0; i < 2; i++) bestOfRanking(ranker, words, new IndexFilter(filled.index, {}, NOW), NOW)
      return ranker.scoring.touchedCount
    }
    expect(looked('alpha')).toBeLessThan(MEMORIES / 20)
    expect(looked('delta epsilon')).toBeLessThan(MEMORIES / 5)
    expect(looked('alpha beta')).toBeLessThan(MEMORIES / 5)
  })

  it('are the same whether their lists are there or not, with what their texts say beside the words', () => {
    const { index, texts } = longTexts(24_000)
    const ranker = new Ranker(index)
    const ask = () => {
      const filter = new IndexFilter(index, {}, NOW)
      const textsOf = (docs: readonly number[]) => docs.map((doc) => texts[doc] as string)
      return ranker.rank('alpha beta', { filter, depth: 200, nowMs: NOW, textsOf })
    }
    // Lists are made when words are asked for together again.
    const [first, second] = [ask(), ask()]
    expect([first.isTotalAtLeast, second.isTotalAtLeast]).toEqual([false, true])
    const bestOf = ({ ranked }: typeof first) => ranked.slice(0, 30).map(({ doc }) => doc)
    expect(bestOf(second)).toEqual(bestOf(first))
  })

  it('are found beside rare words that more texts have than a page has room for', () => {
    const filled = new Filled(KINDS['a year old'] as Kind, 6)
    const { index } = filled
    filled.addOf(20_100, 20, [['alpha', 1]])
    filled.addOf(300, 20, [['rare', 1]])
    filled.addOf(1, 20, [['alpha', 12]])
    const filter = new IndexFilter(index, {}, NOW)
    const { best } = bestOfRanking(new Ranker(index), 'rare alpha', filter, NOW)
    expect(best).toEqual(bestOfAll(index, 'rare alpha', filter, NOW))
  })

  it('are worth what their neighbours are, though the search did not come by these', () => {
    const filled = new Filled(KINDS['of all ages'] as Kind, 5)
    filled.addConversations(120_000)
    const { index } = filled
    const ranker = new Ranker(index)
    // The same memories: those of one owner are few, and scored one by one; by their layer they are not known before.
    const whole = new IndexFilter(index, { reach: { owner: 'talker', isOwnOnly: true } }, NOW)
    const early = new IndexFilter(index, { layers: ['episodic'] }, NOW)
    expect([whole.few?.length, early.few]).toEqual([15_000, undefined])
    for (const words of ['alpha', 'beta', 'alpha beta', 'rare alpha', 'rare alpha beta']) {
      const expected = bestOfRanking(ranker, words, whole, NOW)
      const found = bestOfRanking(ranker, words, early, NOW)
      expect({ words, ...found }).toEqual({ words, ...expected, isTotalAtLeast: true })
    }
  })
})
