import { Best } from '../best.js'
import type { IndexFilter } from '../index-filter.js'
import { boost, MOST_BOOST } from '../score.js'
import type { Scoring, WeightedTerm } from '../scoring.js'
import { type ImpactList, type ImpactPart, Impacts } from './impacts.js'

/** Of what terms have as much is read at least, and this share at most: beyond, it takes less time to read them whole. */
const LEAST_READ = 10_000
const MOST_SHARE = 1 / 16

/** More terms than so many are read whole: what is left of all lists together falls too slowly for it to pay. */
const MOST_LISTS = 2

/** A frequent term of a question, with the bit of its word. */
export interface FrequentTerm extends WeightedTerm {
  readonly bit: number
}

/** What is looked for among the documents of frequent terms: the best of those that fit. */
export interface Sought {
  readonly filter: IndexFilter
  readonly count: number
  readonly nowMs: number
}

/** One of the lists that are read beside each other, and how far that is. */
interface Reading {
  readonly list: ImpactList
  readonly parts: Iterator<ImpactPart, undefined>
  /** What the term can be worth at most, but for recency and importance. */
  readonly most: number
  next: ImpactPart | undefined
  /** No document that was not read yet is worth more by this term. */
  rest: number
}

export interface BestByFrequent {
  /** True where nothing that was left out can be among the best. */
  readonly isAll: boolean
  /** So much the last of the best has at least. */
  readonly least: number
}

/**
 * Finds the best by frequent terms without a look at all documents that have them, from a list of each in the order of
 * what the term is worth there. Each document that is met in one list gets its whole score at once; once the last of the
 * best has more than what is left in all lists together, there is none better (threshold algorithm; Fagin, Lotem and Naor
 * 2001).
 */
export class FrequentWords {
  readonly #scoring: Scoring
  readonly #impacts: Impacts
  #met = new Uint32Array(1024)
  #kept = new Uint32Array(1024)

  constructor(scoring: Scoring) {
    this.#scoring = scoring
    this.#impacts = new Impacts(scoring.index, scoring.settings)
  }

  /** True where there are lists of these terms, or are worth to be made; one alone is worth it at once. */
  mayAddBest(terms: readonly FrequentTerm[]): boolean {
    if (terms.length > MOST_LISTS) return false
    return this.#impacts.areWorthIt(terms.map(({ term }) => term)) || terms.length === 1
  }

  /** Scores the best; each document with a score has its whole then, by these terms and those before. */
  addBest(terms: readonly FrequentTerm[], sought: Sought): BestByFrequent {
    const scoring = this.#scoring
    const { documents, postings } = scoring.index
    if (this.#met.length < documents.count) this.#met = new Uint32Array(documents.seq.length)
    if (this.#kept.length < documents.count) this.#kept = new Uint32Array(documents.seq.length)
    const readings = terms.map((term) => this.#begin(term, sought))
    const counted = terms.map((term, i) => ({
      ...term,
      frequencies: (readings[i] as Reading).list.frequencies,
    }))
    const best = new Best(sought.count, documents)
    if (scoring.touchedCount > 0) for (const term of terms) scoring.addToTouched(term, term.bit)
    scoring.markWhole()
    this.#offer(scoring.touched, scoring.touchedCount, best, sought)
    const meet = (entries: Uint32Array, from: number, to: number): void => {
      const count = scoring.unscored(entries, from, to, this.#met)
      scoring.addWhole(this.#met, count, counted)
      this.#offer(this.#met, count, best, sought)
    }
    for (const { list } of readings) postings.read(list.term, meet, list.entries.length)
    const all = readings.reduce((sum, { list }) => sum + list.entries.length, 0)
    let left = Math.max(LEAST_READ, MOST_SHARE * all)
    while (left > 0) {
      const rest = readings.reduce((sum, one) => sum + one.most * one.rest, 0)
      if (rest === 0 || best.threshold > rest) return { isAll: true, least: best.threshold }
      const reading = steepest(readings)
      const { from, to, rest: after } = reading.next as ImpactPart
      meet(reading.list.entries, from, to)
      left -= to - from
      reading.rest = after
      reading.next = reading.parts.next().value
    }
    return { isAll: false, least: best.threshold }
  }

  #begin(term: FrequentTerm, { count, nowMs }: Sought): Reading {
    const list = this.#impacts.of(term.term, nowMs)
    const parts = this.#impacts.parts(list, count)
    const next = parts.next().value
    return { list, parts, most: this.#scoring.mostOf(term), next, rest: next === undefined ? 0 : MOST_BOOST }
  }

  #offer(docs: Uint32Array, count: number, best: Best, { filter, nowMs }: Sought): void {
    const { scores, index } = this.#scoring
    const { importance, occurredAt } = index.documents
    const fitting = filter.keep(docs, count, this.#kept)
    for (let i = 0; i < fitting; i++) {
      const doc = this.#kept[i] as number
      const factor = boost(importance[doc] as number, nowMs - (occurredAt[doc] as number))
      best.offer(doc, (scores[doc] as number) * factor)
    }
  }
}

/** The list of which the next part lowers what is left by most for each of its documents. */
function steepest(readings: readonly Reading[]): Reading {
  const slope = ({ next, most, rest }: Reading): number =>
    next === undefined ? Number.NEGATIVE_INFINITY : (most * (rest - next.rest)) / (next.to - next.from)
  return readings.reduce((best, one) => (slope(one) > slope(best) ? one : best))
}
