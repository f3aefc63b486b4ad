import { describe, expect, it } from 'vitest'
import { IndexFilter } from '../index-filter.js'
import type { MemoryIndex } from '../memory-index.js'
import { Ranker } from '../ranking.js'
import { boost } from '../score.js'
import { RANKING } from '../settings.js'
import { bestOfAll, bestOfRanking, DAY, Filled, KINDS, type Kind, NOW } from './filled-index.support.js'
import { Impacts } from './impacts.js'

function expectSame(ranker: Ranker, nowMs: number): number {
  const filter = new IndexFilter(ranker.index, {}, nowMs)
  const { best, isTotalAtLeast } = bestOfRanking(ranker, 'common', filter, nowMs)
  expect(best).toEqual(bestOfAll(ranker.index, 'common', filter, nowMs))
  expect(isTotalAtLeast).toBe(true)
  return ranker.scoring.touchedCount
}

interface Promised {
  readonly impacts: Impacts
  readonly list: ReturnType<Impacts['of']>
  readonly nowMs: number
  readonly leastShare: number
}

/** What comes after each part is worth at most what the part says, and not much less. */
function expectPromised(index: MemoryIndex, { impacts, list, nowMs, leastShare }: Promised): void {
  const { scoring } = new Ranker(index)
  const term = { term: index.vocabulary.find('common') ?? 0, weight: 1 }
  const { importance, occurredAt } = index.documents
  scoring.begin()
  scoring.add(term, 1)
  const worths = Array.from(list.entries, (entry) => {
    const doc = entry >>> 8
    const factor = boost(importance[doc] as number, nowMs - (occurredAt[doc] as number))
    return ((scoring.scores[doc] as number) * factor) / scoring.mostOf(term)
  })
  // The most from each place on.
  for (let i = worths.length - 2; i >= 0; i--)
    worths[i] = Math.max(worths[i] as number, worths[i + 1] as number)
  let parts = 0
  for (const { to, rest } of impacts.parts(list, 1)) {
    if (to === list.entries.length) break
    const most = worths[to] as number
    expect(most).toBeLessThanOrEqual(rest)
    expect(most).toBeGreaterThan(rest * leastShare)
    parts++
  }
  expect(parts).toBeGreaterThan(3)
}

describe('the best of a frequent word, from a list in the order of its worth', () => {
  const kinds = Object.keys(KINDS).flatMap((name) => [1, 2].map((seed) => ({ name, seed })))

  it.each(kinds)('are those of all scores where memories are $name (seed $seed)', ({ name, seed }) => {
    const filled = new Filled(KINDS[name] as Kind, seed)
    filled.add(24_000)
    const ranker = new Ranker(filled.index)
    expectSame(ranker, NOW)
    // The same list, with what came since, without what went, and later.
    filled.add(2500)
    expectSame(ranker, NOW + 1000)
    filled.remove(0.3)
    expectSame(ranker, NOW + 20 * 3600 * 1000)
    // Texts have become longer, so all before are worth more.
    filled.add(800, { length: 400, times: 1 })
    expectSame(ranker, NOW + 21 * 3600 * 1000)
    // As of another time: long after, and before most or all of them.
    for (const days of [300, -1, -380, -2000]) expectSame(ranker, NOW + days * DAY)
  })

  it.each(Object.keys(KINDS))('are found among few where memories are %s', (name) => {
    const filled = new Filled(KINDS[name] as Kind, 4)
    filled.add(60_000)
    const ranker = new Ranker(filled.index)
    expect(expectSame(ranker, NOW)).toBeLessThan(6000)
    expect(expectSame(ranker, NOW + 20 * 3600 * 1000)).toBeLessThan(6000)
  })

  it.each(Object.keys(KINDS))('are worth no more than is promised where memories are %s', (name) => {
    const filled = new Filled(KINDS[name] as Kind, 5)
    filled.add(10_000)
    const { index } = filled
    const impacts = new Impacts(index, RANKING)
    const term = index.vocabulary.find('common') ?? 0
    const list = impacts.of(term, NOW)
    expectPromised(index, { impacts, list, nowMs: NOW, leastShare: 0.99 })
    // A list that was made when all texts were shorter, and memories newer.
    filled.add(1000, { length: 400, times: 1 })
    expect(impacts.of(term, NOW + 20 * 3600 * 1000)).toBe(list)
    expectPromised(index, { impacts, list, nowMs: NOW + 20 * 3600 * 1000, leastShare: 0.8 })
  })
})
