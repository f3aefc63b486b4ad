import { describe, expect, it } from 'vitest'
import { Impacts } from './impacts.js'
import { IndexFilter } from './index-filter.js'
import { MemoryIndex } from './memory-index.js'
import { Ranker, WINDOW } from './ranking.js'
import { boost } from './score.js'
import { RANKING } from './settings.js'

const NOW = Date.parse('2026-05-01T12:00:00Z')
const DAY = 24 * 3600 * 1000
const DEPTH = WINDOW

type Random = () => number
interface Kind {
  readonly ageMs: (random: Random) => number
  readonly importance: (random: Random) => number
}

function randomFrom(seed: number): Random {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const usual = () => 0.5
const KINDS: Readonly<Record<string, Kind>> = {
  'a year old': { ageMs: () => 365 * DAY, importance: usual },
  new: { ageMs: () => 0, importance: usual },
  'of all ages': { ageMs: (random) => random() ** 3 * 1000 * DAY, importance: (random) => random() },
  'old but for one in a thousand, some of these in the future': {
    ageMs: (random) => (random() < 0.001 ? -DAY + 10 * DAY * random() : 400 * DAY),
    importance: usual,
  },
  'of no importance but for one in a thousand': {
    ageMs: () => 400 * DAY,
    importance: (random) => (random() < 0.001 ? 1 : 0),
  },
}

/** An index of memories that all have one word, of a kind. */
class Filled {
  readonly index = new MemoryIndex()
  readonly random: Random
  readonly #kind: Kind

  constructor(kind: Kind, seed: number) {
    this.random = randomFrom(seed)
    this.#kind = kind
  }

  /** Those of `length` words have the one about every other time at most; `times` puts it in more often. */
  add(count: number, { length = 40, times = 12 } = {}): void {
    for (let i = 0; i < count; i++) {
      const frequency = 1 + Math.floor(this.random() ** 2 * times)
      const facts = {
        ...{ seq: this.index.documents.count + 1, owner: 'a', scope: 'private', layer: 'semantic' },
        ...{
          importance: this.#kind.importance(this.random),
          occurredAt: NOW - this.#kind.ageMs(this.random),
        },
        ...{ expiresAt: Number.POSITIVE_INFINITY, sessionId: undefined, turn: undefined, isDated: false },
        ...{ validFrom: Number.NEGATIVE_INFINITY, validTo: Number.POSITIVE_INFINITY },
      }
      this.index.putCounted(facts, frequency + Math.floor(this.random() * length), [['common', frequency]])
    }
  }

  remove(share: number): void {
    const { count, seq } = this.index.documents
    for (let doc = 0; doc < count; doc++) {
      if (this.random() < share) this.index.remove(seq[doc] as number)
    }
  }
}

/** The best by the scores of all that have the word. */
function byAll(index: MemoryIndex, nowMs: number): { doc: number; score: number }[] {
  const { scoring } = new Ranker(index)
  const { importance, occurredAt } = index.documents
  scoring.begin()
  scoring.add({ term: index.vocabulary.find('common') ?? 0, weight: 1 }, 1)
  scoring.filter(new IndexFilter(index, {}, nowMs))
  return Array.from(scoring.fitting.subarray(0, scoring.fittingCount), (doc) => {
    const factor = boost(importance[doc] as number, nowMs - (occurredAt[doc] as number))
    return { doc, score: (scoring.scores[doc] as number) * factor }
  })
    .sort(
      (a, b) =>
        b.score - a.score || (occurredAt[b.doc] as number) - (occurredAt[a.doc] as number) || b.doc - a.doc,
    )
    .slice(0, DEPTH)
}

function byLists(ranker: Ranker, nowMs: number) {
  const filter = new IndexFilter(ranker.index, {}, nowMs)
  const textsOf = (docs: readonly number[]) => docs.map(() => '')
  const { ranked, isTotalAtLeast } = ranker.rank('common', { filter, depth: DEPTH, nowMs, textsOf })
  return { best: ranked.slice(0, DEPTH).map(({ doc, score }) => ({ doc, score })), isTotalAtLeast }
}

function expectSame(ranker: Ranker, nowMs: number): number {
  const { best, isTotalAtLeast } = byLists(ranker, nowMs)
  expect(best).toEqual(byAll(ranker.index, nowMs))
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
  let parts = 0
  for (const { to, rest } of impacts.parts(list, 1)) {
    if (to === list.entries.length) break
    const most = worths.slice(to).reduce((best, one) => Math.max(best, one), 0)
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
