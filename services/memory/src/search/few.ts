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
