import { timesIn } from './asked-times.js'
import { Best } from './best.js'
import { FEEDBACK_TEXTS, feedbackShare, feedbackTerms } from './feedback.js'
import type { IndexFilter } from './index-filter.js'
import type { MemoryIndex } from './memory-index.js'
import { bitOf, eachNeighbour, neighbourScore } from './neighbours.js'
import { proximity } from './proximity.js'
import { type AskedWord, askedWords } from './question.js'
import { boost, MOST_BOOST } from './score.js'
import { Scoring } from './scoring.js'

/** As many of the best by their words alone are looked at again, with their neighbours. */
const WINDOW = 200
/** The texts of so many of them are read. */
const READ = 50
/** Share of the best score that is added to what happened when the question says. */
const TIME_SHARE = 0.25

export interface Ranked {
  readonly doc: number
  readonly score: number
}

export interface Ranking {
  /** The best first: as many as had to be in order, or more. */
  readonly ranked: readonly Ranked[]
  /** Number of documents that fit. */
  readonly total: number
  /** The score of the best one, were it new and important. */
  readonly best: number
  readonly parts: ReadonlyMap<number, RankedParts>
}

/** What the score of a document consists of, before recency and importance. */
export interface RankedParts {
  readonly own: number
  near: number
  time: number
  neighbours: number
}

export interface RankingOptions {
  readonly filter: IndexFilter
  /** Number of documents that have to be in order. */
  readonly depth: number
  readonly nowMs: number
  /** The texts of documents, in the same order. */
  readonly textsOf: (docs: readonly number[]) => readonly string[]
}

const NOTHING: Ranking = { ranked: [], total: 0, best: 1, parts: new Map() }

/** Puts the documents of an index in order for one question after another. */
export class Ranker {
  readonly index: MemoryIndex
  readonly scoring: Scoring

  constructor(index: MemoryIndex) {
    this.index = index
    this.scoring = new Scoring(index)
  }

  /**
   * All documents that have a word of the question are scored, and the best of them once more by what only a text
   * and its neighbours tell. Neighbours come in that have none of the words.
   */
  rank(text: string, options: RankingOptions): Ranking {
    const asked = askedWords(this.index, text)
    if (asked.length === 0) return NOTHING
    this.scoring.begin()
    for (const [i, { terms }] of asked.entries()) for (const term of terms) this.scoring.add(term, bitOf(i))
    this.scoring.filter(options.filter)
    const total = this.scoring.fittingCount
    const depth = Math.max(options.depth, WINDOW)
    const first = this.#select(depth, options.nowMs)
    const all = this.#widen(asked, first, options) ? this.#select(depth, options.nowMs) : first
    const window = all.slice(0, WINDOW)
    const parts = this.#parts(window, text, asked, options)
    const ranked = this.#withNeighbours(window, parts, asked, options)
    const least = ranked.at(-1)?.score ?? 0
    for (const { doc, score } of all.slice(WINDOW)) {
      if (!parts.has(doc)) ranked.push({ doc, score: Math.min(score, least) })
    }
    return {
      ranked,
      total: Math.max(total, ranked.length),
      best: this.#best(parts) * MOST_BOOST,
      parts,
    }
  }

  rarities(asked: readonly AskedWord[]): number[] {
    return asked.map(({ terms }) =>
      Math.max(...terms.map(({ term, weight }) => weight * this.scoring.rarity(term))),
    )
  }

  #select(limit: number, nowMs: number): Ranked[] {
    const { scores, fitting, fittingCount } = this.scoring
    const { occurredAt, importance } = this.index.documents
    const best = new Best(limit, occurredAt)
    let { threshold } = best
    for (let i = 0; i < fittingCount; i++) {
      const doc = fitting[i] as number
      const score = scores[doc] as number
      if (score * MOST_BOOST < threshold) continue
      best.offer(doc, score * boost(importance[doc] as number, nowMs - (occurredAt[doc] as number)))
      threshold = best.threshold
    }
    return best.sorted()
  }

  /** Adds what the terms of the best texts are worth; false where these are too short to learn from. */
  #widen(asked: readonly AskedWord[], best: readonly Ranked[], { textsOf }: RankingOptions): boolean {
    const top = best.slice(0, FEEDBACK_TEXTS)
    const lengths = top.map(({ doc }) => this.index.documents.length[doc] as number)
    if (feedbackShare(lengths) === 0) return false
    const texts = textsOf(top.map(({ doc }) => doc)).map((text, i) => ({
      text,
      score: (top[i] as Ranked).score,
      length: lengths[i] as number,
    }))
    const terms = feedbackTerms(this.index, this.scoring, texts, asked.length)
    for (const term of terms) this.scoring.addToTouched(term)
    return terms.length > 0
  }

  /** The parts of the score that need the text or the time of each. */
  #parts(
    window: readonly Ranked[],
    text: string,
    asked: readonly AskedWord[],
    { textsOf, nowMs }: RankingOptions,
  ): Map<number, RankedParts> {
    const { scores } = this.scoring
    const { occurredAt } = this.index.documents
    const parts = new Map<number, RankedParts>()
    for (const { doc } of window)
      parts.set(doc, { own: scores[doc] as number, near: 0, time: 0, neighbours: 0 })
    const most = this.#best(parts)
    const times = timesIn(text, nowMs)
    for (const [doc, part] of times.length === 0 ? [] : parts) {
      const at = occurredAt[doc] as number
      if (times.some(({ from, to }) => at >= from && at < to)) part.time = most * TIME_SHARE
    }
    if (asked.length < 2) return parts
    const places = new Map(asked.flatMap(({ terms }, i) => terms.map(({ term }) => [term, i] as const)))
    const rarities = this.rarities(asked)
    const read = window.slice(0, READ).map(({ doc }) => doc)
    for (const [i, one] of textsOf(read).entries()) {
      const part = parts.get(read[i] as number) as RankedParts
      part.near = proximity(one, this.index.vocabulary, { places, rarities })
    }
    return parts
  }

  /** The window and its neighbours, the best first; their parts are added to those of the window. */
  #withNeighbours(
    window: readonly Ranked[],
    parts: Map<number, RankedParts>,
    asked: readonly AskedWord[],
    { filter, nowMs }: RankingOptions,
  ): Ranked[] {
    const { scoring } = this
    const { documents } = this.index
    const { occurredAt, importance } = documents
    const rarities = this.rarities(asked)
    const add = (neighbour: number): void => {
      if (parts.has(neighbour) || !filter.fits(neighbour)) return
      parts.set(neighbour, { own: scoring.scores[neighbour] as number, near: 0, time: 0, neighbours: 0 })
    }
    for (const { doc } of window) eachNeighbour(documents, doc, add)
    const best = new Best(parts.size, occurredAt)
    for (const [doc, part] of parts) {
      part.neighbours = neighbourScore(documents, scoring, rarities, doc, filter)
      best.offer(doc, sum(part) * boost(importance[doc] as number, nowMs - (occurredAt[doc] as number)))
    }
    return best.sorted()
  }

  /** The greatest score of these, without recency and importance. */
  #best(parts: ReadonlyMap<number, RankedParts>): number {
    let best = Number.MIN_VALUE
    for (const part of parts.values()) best = Math.max(best, sum(part))
    return best
  }
}

function sum({ own, near, time, neighbours }: RankedParts): number {
  return own + near + time + neighbours
}
