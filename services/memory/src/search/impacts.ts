import type { MemoryIndex } from './memory-index.js'
import { type LengthNorm, lengthNorm, type RankingSettings } from './settings.js'

/** Lists that are kept, of the terms that were asked for last; each has four bytes for each of its documents. */
const LISTS = 8
/** Steps of what a term is worth in a text, by which a list is ordered. */
const LEVELS = 256
/** Share of new documents from which on a list is made anew. */
const NEW_SHARE = 1 / 8

/** The documents of a term, those first in which it is worth most. */
interface ImpactList {
  /** As in `Postings`. */
  readonly entries: Uint32Array
  /** For each level, of which 0 is the best, where it ends. */
  readonly ends: Uint32Array
  readonly norm: LengthNorm
}

/** Part of a list; what comes after it is worth no more than `rest`, from 0 to 1 of what a term can be worth. */
export interface ImpactPart {
  readonly from: number
  readonly to: number
  readonly rest: number
}

/**
 * Orders the documents of frequent terms by what these are worth in them, so that the best are found without a look at
 * the others (impact-ordered lists; Anh, de Kretser and Moffat 2001).
 */
export class Impacts {
  readonly #index: MemoryIndex
  readonly #settings: RankingSettings
  readonly #lists = new Map<number, ImpactList>()

  constructor(index: MemoryIndex, settings: RankingSettings) {
    this.#index = index
    this.#settings = settings
  }

  /** The documents of a term that came before the list was made; those since are the ones after so many. */
  of(term: number): ImpactList {
    const known = this.#lists.get(term)
    this.#lists.delete(term)
    const count = this.#index.postings.count(term)
    const isFresh = known !== undefined && count - known.entries.length <= count * NEW_SHARE
    const list = isFresh ? known : this.#made(term, count)
    this.#lists.set(term, list)
    const [oldest] = this.#lists.keys()
    if (this.#lists.size > LISTS && oldest !== undefined) this.#lists.delete(oldest)
    return list
  }

  /** The list in parts, each about four times as long as the one before. */
  *parts({ entries, ends, norm }: ImpactList, first: number): Generator<ImpactPart> {
    const now = lengthNorm(this.#settings, this.#index.averageLength)
    // What texts are measured by may have changed since: by no more than this is a share too small.
    const drift = Math.min(1, now.constant / norm.constant, now.perWord / norm.perWord)
    let wanted = first
    for (let level = 0, from = 0; from < entries.length; level++) {
      const to = ends[level] as number
      if (to < wanted && to < entries.length) continue
      const share = to < entries.length ? 1 - (level + 1) / LEVELS : 0
      yield { from, to, rest: share / (share + drift * (1 - share)) }
      from = to
      wanted = to * 4
    }
  }

  #made(term: number, count: number): ImpactList {
    const { postings, documents } = this.#index
    const norm = lengthNorm(this.#settings, this.#index.averageLength)
    const levels = new Uint8Array(count)
    const ends = new Uint32Array(LEVELS)
    const inOrder = new Uint32Array(count)
    let at = 0
    postings.read(term, (page, from, to) => {
      for (let i = from; i < to; i++, at++) {
        const entry = page[i] as number
        const frequency = entry & 0xff
        const length = documents.length[entry >>> 8] as number
        const share = frequency / (frequency + norm.constant + norm.perWord * length)
        const level = LEVELS - 1 - Math.floor(share * LEVELS)
        inOrder[at] = entry
        levels[at] = level
        ends[level] = (ends[level] as number) + 1
      }
    })
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
    return { entries, ends, norm }
  }
}
