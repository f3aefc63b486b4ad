import { Best } from './best.js'
import { type FrequentTerm, FrequentWords } from './frequent/frequent-words.js'
import { ROUNDING } from './frequent/impacts.js'
import type { IndexFilter } from './index-filter.js'
import type { MemoryIndex } from './memory-index.js'
import { type AskedWord, askedWords } from './question.js'
import { boost, MOST_BOOST } from './score.js'
import { MOST_TOLD_APART, Scoring } from './scoring.js'
import { RANKING, type RankingSettings } from './settings.js'
import { timesIn } from './signals/asked-times.js'
import { feedbackShare, feedbackTerms } from './signals/feedback.js'
import { bitOf, eachNeighbour, FOUND_TURNS, neighbourScores, TURNS } from './signals/neighbours.js'
import { proximity } from './signals/proximity.js'
import { asksForTime, tellsTime } from './signals/told-times.js'

/** As many of the best by their words alone are looked at again, with their neighbours. */
export const WINDOW = 200
/** The texts of so many of them are read. */
export const READ = 50
/** Share of the best score that is added to what happened when the question says. */
const TIME_SHARE = 0.25
/** The same for what says a time when the question is for one. */
const TOLD_TIME_SHARE = 0.15
/** Words that more texts have take longer to score than all others together. */
const COMMON = 20_000

export interface Ranked {
  readonly doc: number
  readonly score: number
}

export interface Ranking {
  /** The best first: as many as had to be in order, or more. */
  readonly ranked: readonly Ranked[]
  /** Number of documents that fit. */
  readonly total: number
  /** True where those were not counted that have none but the commonest words of the question. */
  readonly isTotalAtLeast: boolean
  /** The score of the best one, were it new and important. */
  readonly best: number
  /** Those of the best, which were looked at more closely. */
  readonly parts: ReadonlyMap<number, RankedParts>
  readonly asked: readonly AskedWord[]
}

/** What the score of a document consists of, before recency and importance. */
export interface RankedParts {
  readonly own: number
  near: number
  time: number
  neighbours: number
}

/** A word of a question with its bit in `had`. */
interface RankedWord {
  readonly terms: AskedWord['terms']
  readonly bit: number
  readonly rarity: number
}

export interface RankingOptions {
  readonly filter: IndexFilter
  /** Number of documents that have to be in order. */
  readonly depth: number
  readonly nowMs: number
  /** True where that is a time gone by: lists of frequent words are in the order of now, and are not made anew for it. */
  readonly isOfThen?: boolean | undefined
  /** The texts of documents, in the same order. */
  readonly textsOf: (docs: readonly number[]) => readonly string[]
}

const NOTHING: Ranking = {
  ranked: [],
  total: 0,
  isTotalAtLeast: false,
  best: 1,
  parts: new Map(),
  asked: [],
}

/** Puts the documents of an index in order for one question after another. */
export class Ranker {
  readonly index: MemoryIndex
  readonly scoring: Scoring
  readonly #settings: RankingSettings
  readonly #frequent: FrequentWords

  constructor(index: MemoryIndex, settings: RankingSettings = RANKING) {
    this.index = index
    this.#settings = settings
    this.scoring = new Scoring(index, settings)
    this.#frequent = new FrequentWords(this.scoring)
  }

  /**
   * All documents that have a word of the question are scored, and the best of them once more by what only a text
   * and its neighbours tell. Neighbours come in that have none of the words.
   */
  rank(text: string, options: RankingOptions): Ranking {
    const asked = askedWords(this.index, text)
    if (asked.length === 0) return NOTHING
    const depth = Math.max(options.depth, WINDOW)
    const words = this.#rarestFirst(asked)
    const isPruned = this.#addWords(words, depth, options)
    this.scoring.endWhole()
    const total = this.scoring.fittingCount
    const all = this.#select(depth, options.nowMs)
    const window = this.#widened(all.slice(0, WINDOW), asked, options)
    if (isPruned) this.#addNeighbours(window, words)
    const parts = this.#parts(window, text, asked, options)
    const ranked = this.#withNeighbours(window, parts, asked, options)
    const least = ranked.at(-1)?.score ?? 0
    for (const { doc, score } of all.slice(WINDOW)) {
      if (!parts.has(doc)) ranked.push({ doc, score: Math.min(score, least) })
    }
    return {
      ranked,
      total: Math.max(total, ranked.length),
      isTotalAtLeast: isPruned,
      best: this.#best(parts) * MOST_BOOST,
      parts,
      asked,
    }
  }

  rarities(asked: readonly AskedWord[]): number[] {
    return asked.map(({ terms }) => this.#rarity(terms))
  }

  /**
   * Scores what has a word of the question, the rarest words first. Where these alone have filled the page with scores
   * that a text of the commonest words would not reach, the latter only add to what was found: a question costs what
   * its rare words cost (as in MaxScore; Turtle and Flood 1995). True where that was so.
   */
  #addWords(words: readonly RankedWord[], depth: number, options: RankingOptions): boolean {
    const { filter, nowMs, isOfThen } = options
    const { scoring } = this
    scoring.begin()
    if (filter.few !== undefined) {
      for (const { terms, bit } of words) for (const term of terms) scoring.add(term, bit, filter.few)
      scoring.filter(filter)
      return false
    }
    const common = words.filter(({ terms }) => terms.some(({ term }) => this.#isCommon(term)))
    for (const { terms, bit } of words) {
      if (!terms.some(({ term }) => this.#isCommon(term))) for (const term of terms) scoring.add(term, bit)
    }
    scoring.filter(filter)
    if (common.length === 0) return false
    const lists = common.flatMap(({ terms, bit }) => terms.map((term) => ({ ...term, bit })))
    const reach = lists.reduce((sum, term) => sum + scoring.mostOf(term), 0) * MOST_BOOST
    const least = this.#least(depth, nowMs)
    if (least > reach * (1 + ROUNDING)) {
      for (const { terms, bit } of common) for (const term of terms) scoring.addToTouched(term, bit)
      return true
    }
    if (isOfThen || words.length > MOST_TOLD_APART || !this.#frequent.mayAddBest(lists)) {
      return this.#addFrequent(lists, depth, { filter, nowMs }, least)
    }
    const best = this.#frequent.addBest(lists, { filter, count: depth, nowMs })
    scoring.filter(filter)
    return best.isAll || this.#addFrequent(lists, depth, { filter, nowMs }, best.least)
  }

  /** Scores by frequent terms, the rarest first, until those left could bring up nothing new; true where that was so. */
  #addFrequent(
    terms: readonly FrequentTerm[],
    depth: number,
    { filter, nowMs }: Pick<RankingOptions, 'filter' | 'nowMs'>,
    known: number,
  ): boolean {
    const { scoring } = this
    let least = Math.max(0, known)
    let reached = 0
    let rest = terms.reduce((sum, term) => sum + scoring.mostOf(term), 0) * MOST_BOOST
    let isPruned = false
    for (const term of terms) {
      // The best have about half of what can be reached; to find out takes as long as to read a word.
      if (least === 0 && reached > rest * 2) {
        scoring.filter(filter)
        least = this.#least(depth, nowMs)
      }
      isPruned ||= least > rest * (1 + ROUNDING)
      if (isPruned) scoring.addToTouched(term, term.bit)
      else scoring.add(term, term.bit)
      const most = scoring.mostOf(term) * MOST_BOOST
      reached += most
      rest -= most
    }
    scoring.filter(filter)
    return isPruned
  }

  /** Scores those neighbours of the best that a search left out which ended early. */
  #addNeighbours(window: readonly Ranked[], words: readonly RankedWord[]): void {
    const { scoring } = this
    const { scores } = scoring
    const { documents } = this.index
    const found = new Set(window.map(({ doc }) => doc))
    for (const { doc } of window) eachNeighbour(documents, doc, FOUND_TURNS, (one) => found.add(one))
    const left = new Set<number>()
    const leave = (doc: number): void => {
      if (scores[doc] === 0) left.add(doc)
    }
    for (const doc of found) {
      leave(doc)
      eachNeighbour(documents, doc, TURNS, leave)
    }
    if (left.size === 0) return
    const docs = Uint32Array.from(left).sort()
    for (const { terms, bit } of words) for (const term of terms) scoring.add(term, bit, docs)
  }

  #rarestFirst(asked: readonly AskedWord[]): RankedWord[] {
    const words = asked.map(({ terms }, i) => ({ terms, bit: bitOf(i), rarity: this.#rarity(terms) }))
    return words.sort((a, b) => b.rarity - a.rarity)
  }

  /** What the last of so many has at least, of those with a score. */
  #least(depth: number, nowMs: number): number {
    return this.scoring.fittingCount < depth ? 0 : (this.#select(depth, nowMs).at(-1)?.score ?? 0)
  }

  #isCommon(term: number): boolean {
    return this.index.having(term) > COMMON
  }

  #rarity(terms: AskedWord['terms']): number {
    return Math.max(...terms.map(({ term, weight }) => weight * this.scoring.rarity(term)))
  }

  #select(limit: number, nowMs: number): Ranked[] {
    const { scores, fitting, fittingCount } = this.scoring
    const { documents } = this.index
    const { occurredAt, importance } = documents
    const best = new Best(limit, documents)
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

  /**
   * Puts the best in order by what the terms of the very best are worth in them, too; as they are where texts are too
   * short to learn from. What comes after them is left alone, so that the order does not depend on how much was scored.
   */
  #widened(best: readonly Ranked[], asked: readonly AskedWord[], options: RankingOptions): readonly Ranked[] {
    const { textsOf, nowMs } = options
    const { scoring } = this
    const { documents } = this.index
    const { occurredAt, importance, length } = documents
    const top = best.slice(0, this.#settings.feedbackTexts)
    const lengths = top.map(({ doc }) => length[doc] as number)
    if (feedbackShare(lengths, this.#settings) === 0) return best
    const texts = textsOf(top.map(({ doc }) => doc)).map((text, i) => ({
      text,
      score: (top[i] as Ranked).score,
      length: lengths[i] as number,
    }))
    const terms = feedbackTerms(this.index, scoring, texts, { asked: asked.length, settings: this.#settings })
    const docs = Uint32Array.from(best, ({ doc }) => doc).sort()
    for (const term of terms) scoring.add(term, 0, docs)
    const widened = new Best(docs.length, documents)
    for (const doc of docs) {
      const factor = boost(importance[doc] as number, nowMs - (occurredAt[doc] as number))
      widened.offer(doc, (scoring.scores[doc] as number) * factor)
    }
    return widened.sorted()
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
    const isForTime = asksForTime(text)
    if (asked.length < 2 && !isForTime) return parts
    const places = new Map(asked.flatMap(({ terms }, i) => terms.map(({ term }) => [term, i] as const)))
    const rarities = this.rarities(asked)
    const read = window.slice(0, READ).map(({ doc }) => doc)
    for (const [i, one] of textsOf(read).entries()) {
      const part = parts.get(read[i] as number) as RankedParts
      if (isForTime && tellsTime(one)) part.time += most * TOLD_TIME_SHARE
      part.near = proximity(one, this.index.vocabulary, { places, rarities, settings: this.#settings })
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
    for (const { doc } of window) eachNeighbour(documents, doc, FOUND_TURNS, add)
    const neighbours = neighbourScores(documents, scoring, { rarities, filter, settings: this.#settings })
    const best = new Best(parts.size, documents)
    for (const [doc, part] of parts) {
      part.neighbours = neighbours(doc)
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
