import { describe, expect, it } from 'vitest'
import type { Filter } from '../filter.js'
import { IndexFilter } from '../index-filter.js'
import { Ranker } from '../ranking.js'
import { bestOfAll, bestOfRanking, DAY, Filled, KINDS, type Kind, NOW } from './filled-index.support.js'

const MEMORIES = 30_000
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
