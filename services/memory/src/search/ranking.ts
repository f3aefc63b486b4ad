import { Best } from './best.js'
import { NONE } from './documents.js'
import type { MemoryIndex } from './memory-index.js'
import { type AskedWord, askedWords } from './question.js'
import { boost, MOST_BOOST } from './score.js'
import { Scoring, type WeightedTerm } from './scoring.js'
import { wordsOf } from './words.js'

export const TUNING = {
  window: 200,
  neighbourWeight: 0.6,
  decay: 0.7,
  reach: 2,
  beforeFactor: 1,
  afterFactor: 1,
  shortness: 0,
  feedbackDocs: 0,
  feedbackTerms: 10,
  feedbackWeight: 0.4,
  feedbackLeastLength: 0,
  pair: 0,
  near: 0,
  sessionWeight: 0,
  boost: 1,
}

export interface Ranked {
  readonly doc: number
  readonly score: number
}

export interface Ranking {
  /** The best first, as many as were asked for; those behind are not sorted. */
  readonly ranked: readonly Ranked[]
  readonly total: number
  /** The score that nothing can exceed. */
  readonly best: number
}

export interface RankingOptions {
  /** True for a document that may be found. */
  readonly fits: (doc: number) => boolean
  /** Number of documents that have to be in order. */
  readonly depth: number
  readonly nowMs: number
  /** The texts of documents, in the same order. */
  readonly textsOf: (docs: readonly number[]) => readonly string[]
}

export class Ranker {
  readonly index: MemoryIndex
  readonly #scoring: Scoring

  constructor(index: MemoryIndex) {
    this.index = index
    this.#scoring = new Scoring(index)
  }

  rank(text: string, options: RankingOptions): Ranking {
    const asked = askedWords(this.index, text)
    if (asked.length === 0) return { ranked: [], total: 0, best: 1 }
    const scoring = this.#scoring
    scoring.begin()
    for (const { terms } of asked) for (const term of terms) scoring.add(term)
    if (TUNING.feedbackDocs > 0) this.#feedBack(asked, options)
    const { best, total } = this.#select(Math.max(options.depth, TUNING.window), options)
    const all = best.sorted()
    const window = all.slice(0, TUNING.window)
    if (TUNING.pair > 0 || TUNING.near > 0) this.#addProximity(asked, window, options)
    const ranked = this.#withNeighbours(window, all.slice(TUNING.window), options)
    return {
      ranked,
      total: Math.max(total, ranked.length),
      best: this.#bestRelevance(ranked, options) * MOST_BOOST,
    }
  }

  #select(limit: number, { fits, nowMs }: RankingOptions): { best: Best; total: number } {
    const { scores, touched, touchedCount } = this.#scoring
    const { occurredAt, importance } = this.index.documents
    const best = new Best(limit, occurredAt)
    let total = 0
    for (let i = 0; i < touchedCount; i++) {
      const doc = touched[i] as number
      if (!fits(doc)) continue
      total++
      const score = scores[doc] as number
      if (score * MOST_BOOST < best.threshold) continue
      best.offer(doc, score * boost(importance[doc] as number, nowMs - (occurredAt[doc] as number)))
    }
    return { best, total }
  }

  #feedBack(asked: readonly AskedWord[], options: RankingOptions): void {
    const { documents, vocabulary } = this.index
    const { best } = this.#select(TUNING.feedbackDocs, options)
    const top = best
      .sorted()
      .filter(({ doc }) => (documents.length[doc] as number) >= TUNING.feedbackLeastLength)
    if (top.length === 0) return
    const sum = top.reduce((all, { score }) => all + score, 0)
    const weights = new Map<number, number>()
    const texts = options.textsOf(top.map(({ doc }) => doc))
    for (const [i, { score }] of top.entries()) {
      const counts = new Map<number, number>()
      let length = 0
      for (const word of wordsOf(texts[i] ?? '')) {
        const term = vocabulary.find(word)
        if (term === undefined || this.index.isStop(term)) continue
        counts.set(term, (counts.get(term) ?? 0) + 1)
        length++
      }
      for (const [term, count] of counts) {
        weights.set(term, (weights.get(term) ?? 0) + ((score / sum) * count) / length)
      }
    }
    const had = new Set(asked.flatMap(({ terms }) => terms.map(({ term }) => term)))
    const chosen = [...weights]
      .map(([term, weight]) => ({ term, value: weight * this.#scoring.rarity(term) }))
      .filter(({ term }) => this.index.postings.count(term) > 1)
      .sort((a, b) => b.value - a.value)
      .slice(0, TUNING.feedbackTerms)
    const whole = chosen.reduce((all, { value }) => all + value, 0)
    for (const { term, value } of chosen) {
      const weight = (value / whole) * asked.length * TUNING.feedbackWeight
      this.#scoring.add({ term, weight })
      void had
    }
  }

  #addProximity(asked: readonly AskedWord[], window: readonly Ranked[], { textsOf }: RankingOptions): void {
    if (asked.length < 2) return
    const { vocabulary } = this.index
    const { scores } = this.#scoring
    const place = new Map<number, number>()
    for (const [i, { terms }] of asked.entries()) for (const { term } of terms) place.set(term, i)
    const rarities = asked.map(({ terms }) =>
      Math.max(...terms.map((one: WeightedTerm) => this.#scoring.rarity(one.term))),
    )
    const texts = textsOf(window.map(({ doc }) => doc))
    for (const [i, { doc }] of window.entries()) {
      let last = -1
      let lastAt = -100
      const got = new Map<number, number>()
      for (const [at, word] of wordsOf((texts[i] ?? '').slice(0, 8000)).entries()) {
        const term = vocabulary.find(word)
        const which = term === undefined ? undefined : place.get(term)
        if (which === undefined) continue
        if (last >= 0 && last !== which) {
          const distance = at - lastAt
          const key = Math.min(last, which) * 64 + Math.max(last, which)
          const isOrdered = which === last + 1
          const value = (isOrdered && distance <= 2 ? TUNING.pair : 0) + (distance <= 8 ? TUNING.near : 0)
          const worth = value * Math.min(rarities[last] as number, rarities[which] as number)
          if (worth > (got.get(key) ?? 0)) got.set(key, worth)
        }
        last = which
        lastAt = at
      }
      for (const worth of got.values()) scores[doc] = (scores[doc] as number) + worth
    }
  }

  #withNeighbours(
    window: readonly Ranked[],
    rest: readonly Ranked[],
    { fits, nowMs }: RankingOptions,
  ): Ranked[] {
    const { occurredAt, importance, session } = this.index.documents
    const best = new Best(Number.POSITIVE_INFINITY, occurredAt)
    const seen = new Set<number>()
    const sessions = new Map<number, number>()
    if (TUNING.sessionWeight > 0) {
      for (const { doc, score } of window) {
        const s = session[doc] as number
        if (s !== NONE) sessions.set(s, (sessions.get(s) ?? 0) + score)
      }
    }
    const consider = (doc: number): void => {
      if (seen.has(doc)) return
      seen.add(doc)
      if (!fits(doc)) return
      const own = this.#scoring.scores[doc] as number
      const s = session[doc] as number
      const total =
        own + this.#neighbourScore(doc, fits) + TUNING.sessionWeight * Math.log(1 + (sessions.get(s) ?? 0))
      best.offer(doc, total * boost(importance[doc] as number, nowMs - (occurredAt[doc] as number)))
    }
    for (const { doc } of window) {
      consider(doc)
      this.#eachNeighbour(doc, (neighbour) => consider(neighbour))
    }
    const ranked = best.sorted()
    const least = ranked.at(-1)?.score ?? 0
    const behind = rest.filter(({ doc }) => !seen.has(doc))
    return [...ranked, ...behind.map(({ doc, score }) => ({ doc, score: Math.min(score, least) }))]
  }

  /** The greatest relevance, without recency and importance. */
  #bestRelevance(ranked: readonly Ranked[], { nowMs }: RankingOptions): number {
    const { occurredAt, importance } = this.index.documents
    return ranked.reduce(
      (best, { doc, score }) =>
        Math.max(best, score / boost(importance[doc] as number, nowMs - (occurredAt[doc] as number))),
      Number.MIN_VALUE,
    )
  }

  #neighbourScore(doc: number, fits: (doc: number) => boolean): number {
    const { length } = this.index.documents
    let most = 0
    this.#eachNeighbour(doc, (neighbour, distance, isBefore) => {
      const own = this.#scoring.scores[neighbour] as number
      if (own === 0 || !fits(neighbour)) return
      const factor = isBefore ? TUNING.beforeFactor : TUNING.afterFactor
      most = Math.max(most, own * factor * TUNING.decay ** (distance - 1))
    })
    const short = TUNING.shortness === 0 ? 1 : TUNING.shortness / (TUNING.shortness + (length[doc] as number))
    return most * TUNING.neighbourWeight * short
  }

  #eachNeighbour(doc: number, visit: (neighbour: number, distance: number, isBefore: boolean) => void): void {
    const { turn, before, after } = this.index.documents
    const own = turn[doc] as number
    for (let at = before[doc] as number; at !== NONE; at = before[at] as number) {
      const distance = own - (turn[at] as number)
      if (distance > TUNING.reach) break
      visit(at, Math.max(1, distance), true)
    }
    for (let at = after[doc] as number; at !== NONE; at = after[at] as number) {
      const distance = (turn[at] as number) - own
      if (distance > TUNING.reach) break
      visit(at, Math.max(1, distance), false)
    }
  }
}
