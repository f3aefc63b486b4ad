import type { MemoryIndex } from '../memory-index.js'
import { boost, MOST_BOOST } from '../score.js'
import { type LengthNorm, lengthNorm, type RankingSettings } from '../settings.js'

/**
 * Lists are kept of the terms that were asked for last, as many as have no more bytes than this for each document: four
 * for each that has the term, and one for how often every document has it.
 */
const KEPT_BYTES = 40
/** Terms that are remembered as asked for, whose list is worth to be made when they are again. */
const REMEMBERED = 64
/** Steps of what a term is worth in a text, by which a list is ordered. */
const LEVELS = 1024
/** Share of new documents from which on a list is made anew. */
const NEW_SHARE = 1 / 8
const HOUR_MS = 3600 * 1000
/** By so much of what was read before a list is read further. */
const GROWTH = 0.5
/** So long before a list is made are ages counted from: it holds though a clock is set back a little. */
const EARLIER_MS = HOUR_MS
/** After so long a list is made anew: what was new is less so, and the list would promise too much of it. */
const LASTING_MS = 24 * HOUR_MS
/** Scores are kept in single precision, which may round them up by less than this share. */
export const ROUNDING = 1e-6

/** The documents of a term, those first in which it is worth most with their recency and importance. */
export interface ImpactList {
  readonly term: number
  /** As in `Postings`. */
  readonly entries: Uint32Array
  /** How often each document has the term, up to the newest of them. */
  frequencies: Uint8Array
  /** Number of the documents whose frequency is there. */
  counted: number
  /** For each level, of which 0 is the best, where it ends. */
  readonly ends: Uint32Array
  readonly norm: LengthNorm
  /** Ages were counted from here. As recency only falls, no document is worth more at any time after. */
  readonly fromMs: number
}

/** Part of a list; what comes after it scores no more than `rest`, from 0 to `MOST_BOOST` of what a term can be worth. */
export interface ImpactPart {
  readonly from: number
  readonly to: number
  readonly rest: number
}

/**
 * Orders the documents of frequent terms by what these are worth in them, recency and importance included, so that the
 * best are found without a look at the others (impact-ordered lists; Anh, de Kretser and Moffat 2001).
 */
export class Impacts {
  readonly #index: MemoryIndex
  readonly #settings: RankingSettings
  readonly #lists = new Map<number, ImpactList>()
  readonly #asked = new Set<number>()

  constructor(index: MemoryIndex, settings: RankingSettings) {
    this.#index = index
    this.#settings = settings
  }

  /** The documents of a term that came before the list was made; those since are the ones after so many. All are counted. */
  of(term: number, nowMs: number): ImpactList {
    const known = this.#lists.get(term)
    this.#lists.delete(term)
    const count = this.#index.postings.count(term)
    const isFresh =
      known !== undefined &&
      count - known.entries.length <= count * NEW_SHARE &&
      nowMs >= known.fromMs &&
      nowMs - known.fromMs <= LASTING_MS
    const list = isFresh ? known : this.#made(term, count, nowMs - EARLIER_MS)
    this.#count(list)
    this.#lists.set(term, list)
    this.#drop()
    return list
  }

  /** Notes that terms are asked for together; true where there are lists of all, or were asked for before. */
  areWorthIt(terms: readonly number[]): boolean {
    const areKnown = terms.every((term) => this.#lists.has(term) || this.#asked.has(term))
    for (const term of terms) {
      this.#asked.delete(term)
      this.#asked.add(term)
    }
    for (const term of this.#asked) {
      if (this.#asked.size <= REMEMBERED) break
      this.#asked.delete(term)
    }
    return areKnown
  }

  /** The lists that were asked for longest ago, where all together have too many bytes; one stays. */
  #drop(): void {
    const bytes = ({ entries, frequencies }: ImpactList) => entries.byteLength + frequencies.byteLength
    let left = [...this.#lists.values()].reduce((sum, list) => sum + bytes(list), 0)
    for (const [term, list] of this.#lists) {
      if (left <= this.#index.documents.seq.length * KEPT_BYTES || this.#lists.size === 1) return
      left -= bytes(list)
      this.#lists.delete(term)
    }
  }

  /** The list in parts, each at least `first` long and half of all before. */
  *parts({ entries, ends, norm }: ImpactList, first: number): Generator<ImpactPart> {
    const now = lengthNorm(this.#settings, this.#index.averageLength)
    // What texts are measured by may have changed since: by no more than this is a share too small.
    const drift = Math.min(1, now.constant / norm.constant, now.perWord / norm.perWord)
    let wanted = first
    for (let level = 0, from = 0; from < entries.length; level++) {
      const to = ends[level] as number
      if (to < wanted && to < entries.length) continue
      // A level that has none promises nothing.
      if (to < entries.length && ends[level + 1] === to) continue
      const most = to < entries.length ? MOST_BOOST * (1 - (level + 1) / LEVELS) : 0
      // What is worth so much was short of its share by most where all the rest is recency and importance.
      const rest = most / (drift + (1 - drift) * (most / MOST_BOOST))
      yield { from, to, rest: rest * (1 + ROUNDING) }
      from = to
      wanted = to + Math.max(first, to * GROWTH)
    }
  }

  #made(term: number, count: number, fromMs: number): ImpactList {
    const norm = lengthNorm(this.#settings, this.#index.averageLength)
    const inOrder = new Uint32Array(count)
    const levels = this.#levels(term, inOrder, { norm, fromMs })
    const ends = new Uint32Array(LEVELS)
    for (let i = 0; i < count; i++) ends[levels[i] as number] = (ends[levels[i] as number] as number) + 1
    let sum = 0
    for (let level = 0; level < LEVELS; level++) {
      const size = ends[level] as number
      ends[level] = sum
      sum += size
    }
    const entries = new Uint32Array(count)
    for (let i = 0; i < count; i++) {
      const level = levels[i] as number
      entries[ends[level] as number] = inOrder[i] as number
      ends[level] = (ends[level] as number) + 1
    }
    return { term, entries, ends, norm, fromMs, frequencies: new Uint8Array(0), counted: 0 }
  }

  #count(list: ImpactList): void {
    const { documents, postings } = this.#index
    if (list.frequencies.length < documents.count) {
      const frequencies = new Uint8Array(documents.seq.length)
      frequencies.set(list.frequencies)
      list.frequencies = frequencies
    }
    const { frequencies } = list
    const count = (page: Uint32Array, from: number, to: number): void => {
      for (let i = from; i < to; i++) frequencies[(page[i] as number) >>> 8] = (page[i] as number) & 0xff
    }
    postings.read(list.term, count, list.counted)
    list.counted = postings.count(list.term)
  }

  /** The level of each document of a term, and their entries. */
  #levels(
    term: number,
    inOrder: Uint32Array,
    { norm, fromMs }: { readonly norm: LengthNorm; readonly fromMs: number },
  ): Uint16Array {
    const { length, importance, occurredAt } = this.#index.documents
    const levels = new Uint16Array(inOrder.length)
    let at = 0
    this.#index.postings.read(term, (page, from, to) => {
      for (let i = from; i < to; i++, at++) {
        const entry = page[i] as number
        const doc = entry >>> 8
        const frequency = entry & 0xff
        const share = frequency / (frequency + norm.constant + norm.perWord * (length[doc] as number))
        const worth = share * boost(importance[doc] as number, fromMs - (occurredAt[doc] as number))
        inOrder[at] = entry
        levels[at] = LEVELS - 1 - Math.floor((worth / MOST_BOOST) * LEVELS)
      }
    })
    return levels
  }
}
