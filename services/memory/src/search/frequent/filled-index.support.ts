import type { DocumentFacts } from '../documents.js'
import type { IndexFilter } from '../index-filter.js'
import { MemoryIndex } from '../memory-index.js'
import { Ranker, WINDOW } from '../ranking.js'
import { boost } from '../score.js'

export const NOW = Date.parse('2026-05-01T12:00:00Z')
export const DAY = 24 * 3600 * 1000

export type Random = () => number
export interface Kind {
  readonly ageMs: (random: Random) => number
  readonly importance: (random: Random) => number
}

export function randomFrom(seed: number): Random {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const usual = () => 0.5
export const KINDS: Readonly<Record<string, Kind>> = {
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

/** Frequent words, each with the share of the memories that have it. */
export const FREQUENT = { alpha: 0.95, beta: 0.9, gamma: 0.85, delta: 0.8, epsilon: 0.75 } as const

/** An index of memories that all have one word, of a kind. */
export class Filled {
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
      this.index.putCounted(this.#facts('a'), frequency + Math.floor(this.random() * length), [
        ['common', frequency],
      ])
    }
  }

  /** As many as are said, of a length, with these words. */
  addOf(count: number, length: number, counts: readonly (readonly [string, number])[]): void {
    for (let i = 0; i < count; i++) this.index.putCounted(this.#facts('a'), length, counts)
  }

  /** Those that have some of several frequent words, and one of a hundred a rare one, of three owners. */
  addMixed(count: number): void {
    const { random } = this
    for (let i = 0; i < count; i++) {
      const counts: [string, number][] = []
      for (const [word, share] of Object.entries(FREQUENT)) {
        if (random() < share) counts.push([word, 1 + Math.floor(random() ** 3 * 6)])
      }
      if (random() < 0.01) counts.push(['rare', 1])
      const length = counts.reduce((sum, [, one]) => sum + one, Math.floor(random() * 30))
      this.index.putCounted(this.#facts(`owner-${i % 3}`), length, counts)
    }
  }

  /** Conversations of eight turns among memories without; one of eight memories is in the layer that says so. */
  addConversations(count: number): void {
    const { random } = this
    for (let i = 0; i < count; i++) {
      const isTurn = i % 8 === 0
      const counts: [string, number][] = []
      for (const word of ['alpha', 'beta'])
        if (random() < 0.6) counts.push([word, 1 + Math.floor(random() * 4)])
      if (random() < 0.01) counts.push(['rare', 1])
      const facts = this.#facts(isTurn ? 'talker' : 'writer')
      const turn = { layer: 'episodic', sessionId: `talk-${Math.floor(i / 64)}`, turn: (i / 8) % 8 }
      this.index.putCounted(isTurn ? { ...facts, ...turn } : facts, 4 + Math.floor(random() * 30), counts)
    }
  }

  remove(share: number): void {
    const { count, seq } = this.index.documents
    for (let doc = 0; doc < count; doc++) {
      if (this.random() < share) this.index.remove(seq[doc] as number)
    }
  }

  #facts(owner: string): DocumentFacts {
    return {
      ...{ seq: this.index.documents.count + 1, owner, scope: 'private', layer: 'semantic' },
      ...{
        importance: this.#kind.importance(this.random),
        occurredAt: NOW - this.#kind.ageMs(this.random),
      },
      ...{ expiresAt: Number.POSITIVE_INFINITY, sessionId: undefined, turn: undefined, isDated: false },
      ...{ validFrom: Number.NEGATIVE_INFINITY, validTo: Number.POSITIVE_INFINITY },
    }
  }
}

export interface Found {
  readonly doc: number
  readonly score: number
}

/** The best by the scores of all that have a word, the rarest word first as in a ranking. */
export function bestOfAll(index: MemoryIndex, words: string, filter: IndexFilter, nowMs: number): Found[] {
  const { scoring } = new Ranker(index)
  const { importance, occurredAt } = index.documents
  scoring.begin()
  const terms = words.split(' ').map((word) => ({ term: index.vocabulary.find(word) ?? 0, weight: 1 }))
  terms.sort((a, b) => scoring.rarity(b.term) - scoring.rarity(a.term))
  for (const [i, term] of terms.entries()) scoring.add(term, 1 << i)
  scoring.filter(filter)
  const fitting = scoring.fitting.subarray(0, scoring.fittingCount)
  const scores = Float64Array.from(fitting, (doc) => {
    return (
      (scoring.scores[doc] as number) * boost(importance[doc] as number, nowMs - (occurredAt[doc] as number))
    )
  })
  const least = scores.slice().sort().at(-WINDOW) ?? 0
  return Array.from(fitting, (doc, i) => ({ doc, score: scores[i] as number }))
    .filter(({ score }) => score >= least)
    .sort(
      (a, b) =>
        b.score - a.score || (occurredAt[b.doc] as number) - (occurredAt[a.doc] as number) || b.doc - a.doc,
    )
    .slice(0, WINDOW)
}

/** What a ranking finds, which reads lists in the order of their worth. */
export function bestOfRanking(ranker: Ranker, words: string, filter: IndexFilter, nowMs: number) {
  const textsOf = (docs: readonly number[]) => docs.map(() => '')
  const { ranked, isTotalAtLeast } = ranker.rank(words, { filter, depth: WINDOW, nowMs, textsOf })
  const best: Found[] = ranked.slice(0, WINDOW).map(({ doc, score }) => ({ doc, score }))
  return { best, isTotalAtLeast }
}
