import type { IndexFilter } from './index-filter.js'
import type { MemoryIndex } from './memory-index.js'
import type { BlockReader } from './postings.js'
import { lengthNorm, RANKING, type RankingSettings } from './settings.js'

/** One term of a question, and how much it counts beside its rarity. */
export interface WeightedTerm {
  readonly term: number
  readonly weight: number
}

/** The same, with how often each document has it. */
export interface CountedTerm extends WeightedTerm {
  readonly bit: number
  readonly frequencies: Uint8Array
}

/** The bit in `had` of documents whose score is whole; so many words of a question have others. */
const WHOLE = 1 << 15
export const MOST_TOLD_APART = 15

/** How much it tells that a text has what so many of all have; always something. */
export function rarityAmong(all: number, having: number): number {
  const those = Math.min(having, all)
  return Math.log(1 + (all - those + 0.5) / (those + 0.5))
}

/** The scores of all documents for one question at a time; what a question touched is put back by the next. */
export class Scoring {
  readonly index: MemoryIndex
  readonly settings: RankingSettings
  scores = new Float32Array(1024)
  /** The documents with a score, of which there are `touchedCount`. */
  touched = new Uint32Array(1024)
  touchedCount = 0
  /** Those of them that may be found, of which there are `fittingCount`. */
  fitting = new Uint32Array(1024)
  fittingCount = 0
  /** For each document which words of the question it has, a bit for each. */
  had = new Uint16Array(1024)
  /** `WHOLE` once some scores are. */
  #whole = 0

  constructor(index: MemoryIndex, settings: RankingSettings = RANKING) {
    this.index = index
    this.settings = settings
  }

  get bytes(): number {
    return this.scores.length * 14
  }

  /** Forgets the scores of the question before. */
  begin(): void {
    if (this.touchedCount * 8 > this.scores.length) {
      this.scores.fill(0)
      this.had.fill(0)
    } else {
      for (let i = 0; i < this.touchedCount; i++) {
        const doc = this.touched[i] as number
        this.scores[doc] = 0
        this.had[doc] = 0
      }
    }
    this.touchedCount = 0
    this.#whole = 0
    const { length } = this.index.documents.seq
    if (this.scores.length >= length) return
    this.scores = new Float32Array(length)
    this.touched = new Uint32Array(length)
    this.fitting = new Uint32Array(length)
    this.had = new Uint16Array(length)
  }

  /** How much it tells that a text has this term: the rarer, the more, and always something. */
  rarity(term: number): number {
    return rarityAmong(this.index.size, this.index.having(term))
  }

  /** Adds to each document what this term is worth in it, and sets a bit in those that have it; with `docs` to these alone. */
  add(term: WeightedTerm, bit: number, docs?: Uint32Array): void {
    const { postings } = this.index
    const add = this.adder(term, bit)
    if (docs === undefined) postings.read(term.term, add)
    else postings.readOf(term.term, docs, add)
  }

  /** Adds what a term is worth in the documents of a block, those apart whose score is whole. */
  adder({ term, weight }: WeightedTerm, bit: number): BlockReader {
    const { scores, touched, had } = this
    const lengths = this.index.documents.length
    const factor = this.mostOf({ term, weight })
    const { constant, perWord } = lengthNorm(this.settings, this.index.averageLength)
    const whole = this.#whole
    return (page, from, to) => {
      let count = this.touchedCount
      for (let i = from; i < to; i++) {
        const entry = page[i] as number
        const doc = entry >>> 8
        const bits = had[doc] as number
        if ((bits & whole) !== 0) continue
        const frequency = entry & 0xff
        const old = scores[doc] as number
        if (old === 0) touched[count++] = doc
        had[doc] = bits | bit
        scores[doc] = old + (factor * frequency) / (frequency + constant + perWord * (lengths[doc] as number))
      }
      this.touchedCount = count
    }
  }

  /** The same in those documents alone that have a score already. */
  addToTouched({ term, weight }: WeightedTerm, bit: number): void {
    const { documents, postings } = this.index
    const { scores, had } = this
    const lengths = documents.length
    const factor = this.mostOf({ term, weight })
    const whole = this.#whole
    const { constant, perWord } = lengthNorm(this.settings, this.index.averageLength)
    postings.read(term, (page, from, to) => {
      for (let i = from; i < to; i++) {
        const entry = page[i] as number
        const doc = entry >>> 8
        const old = scores[doc] as number
        if (old === 0 || ((had[doc] as number) & whole) !== 0) continue
        const frequency = entry & 0xff
        had[doc] = (had[doc] as number) | bit
        scores[doc] = old + (factor * frequency) / (frequency + constant + perWord * (lengths[doc] as number))
      }
    })
  }

  /** Scores may be added to again, those that are whole, too. */
  endWhole(): void {
    this.#whole = 0
  }

  /** From now on nothing is added to the scores there are, nor to those that `addWhole` makes. */
  markWhole(): void {
    this.#whole = WHOLE
    for (let i = 0; i < this.touchedCount; i++) {
      const doc = this.touched[i] as number
      this.had[doc] = (this.had[doc] as number) | WHOLE
    }
  }

  /** Copies the documents of entries that have no score yet to `docs`, marks them as whole, and gives their number. */
  unscored(entries: Uint32Array, from: number, to: number, docs: Uint32Array): number {
    const { had } = this
    let count = 0
    for (let i = from; i < to; i++) {
      const doc = (entries[i] as number) >>> 8
      if (had[doc] !== 0) continue
      had[doc] = WHOLE
      docs[count++] = doc
    }
    return count
  }

  /** Scores documents that have none by all terms that they can have. */
  addWhole(docs: Uint32Array, count: number, terms: readonly CountedTerm[]): void {
    const { scores, had } = this
    const lengths = this.index.documents.length
    const { constant, perWord } = lengthNorm(this.settings, this.index.averageLength)
    for (const term of terms) {
      const { frequencies, bit } = term
      const factor = this.mostOf(term)
      for (let i = 0; i < count; i++) {
        const doc = docs[i] as number
        const frequency = frequencies[doc] as number
        if (frequency === 0) continue
        had[doc] = (had[doc] as number) | bit
        scores[doc] =
          (scores[doc] as number) +
          (factor * frequency) / (frequency + constant + perWord * (lengths[doc] as number))
      }
    }
    this.touched.set(docs.subarray(0, count), this.touchedCount)
    this.touchedCount += count
  }

  /** More than this a term is not worth in any text. */
  mostOf({ term, weight }: WeightedTerm): number {
    return weight * this.rarity(term) * (this.settings.k1 + 1)
  }

  /** Finds out which documents with a score fit. */
  filter(filter: IndexFilter): void {
    this.fittingCount = filter.keep(this.touched, this.touchedCount, this.fitting)
  }

  /** The worth of a term in a text of this length that has it so often. */
  worth({ term, weight }: WeightedTerm, frequency: number, length: number): number {
    const { constant, perWord } = lengthNorm(this.settings, this.index.averageLength)
    return (this.mostOf({ term, weight }) * frequency) / (frequency + constant + perWord * length)
  }
}
