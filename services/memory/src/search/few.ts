import { Best } from './best.js'
import { FEW, type IndexFilter } from './index-filter.js'
import type { MemoryIndex } from './memory-index.js'
import { askedWords } from './question.js'
import { eachNeighbour, FOUND_TURNS } from './signals/neighbours.js'

/** All that a question can find of what fits, where that is little: what has one of its words, and the neighbours of that. */
export function fewWithWords(index: MemoryIndex, text: string, filter: IndexFilter): Uint32Array | undefined {
  const terms = askedWords(index, text).flatMap((word) => word.terms.map(({ term }) => term))
  const most = terms.reduce((sum, term) => sum + index.postings.count(term), 0)
  if (most > FEW) return undefined
  const found = new Set<number>()
  for (const doc of fittingOf(
    terms.flatMap((term) => [...index.postings.documents(term)]),
    filter,
  )) {
    found.add(doc)
    eachNeighbour(index.documents, doc, FOUND_TURNS, (neighbour) => found.add(neighbour))
  }
  return fittingOf([...found], filter)
}

function fittingOf(docs: readonly number[], filter: IndexFilter): Uint32Array {
  const all = Uint32Array.from(docs)
  return all.subarray(0, filter.keep(all, all.length, all))
}

/**
 * The numbers of the newest memories of some, those alone that come after a place, which is a time and a number; more
 * than `limit` where several happened when the last of these did.
 */
export function newest(
  { documents }: MemoryIndex,
  docs: Uint32Array,
  limit: number,
  [untilMs = Number.POSITIVE_INFINITY, before = 0]: readonly number[] = [],
): number[] {
  const { occurredAt, seq } = documents
  const left = docs.filter((doc) => {
    const at = occurredAt[doc] as number
    return at < untilMs || (at === untilMs && (seq[doc] as number) < before)
  })
  const best = new Best(limit, documents)
  for (const doc of left) best.offer(doc, occurredAt[doc] as number)
  const from = best.threshold
  return Array.from(
    left.filter((doc) => (occurredAt[doc] as number) >= from),
    (doc) => seq[doc] as number,
  )
}
