import type { MemoryWhy } from '@jamey/contracts'
import type { Ranking } from './ranking.js'

/** How much the first places stand out; the usual value, for which no collection has to be known. */
const CONSTANT = 60

export interface Fused {
  readonly doc: number
  /** 1 for what is the first of every list. */
  readonly score: number
}

/**
 * Several orders of the same things made into one, by reciprocal rank: what stands far up in one list is far up, and what
 * does in several is farther. Scores of different kinds need not be compared for it.
 */
export function fuse(lists: readonly (readonly number[])[]): Fused[] {
  const scores = new Map<number, number>()
  for (const list of lists) {
    for (const [i, doc] of list.entries()) scores.set(doc, (scores.get(doc) ?? 0) + 1 / (CONSTANT + i + 1))
  }
  const best = lists.length / (CONSTANT + 1)
  return [...scores]
    .map(([doc, score]) => ({ doc, score: score / best }))
    .sort((one, other) => other.score - one.score)
}

/** What is nearest to a question, with its cosine, the nearest first; or why that is not known. */
export type Nearest = { readonly near: ReadonlyMap<number, number> } | { readonly missing: string }

/** What is far up by its words, by its meaning, or by both. Of what is near in meaning only the nearest are counted. */
export function fusedWith(byWords: Ranking, near: ReadonlyMap<number, number>): Ranking {
  const ranked = fuse([byWords.ranked.map(({ doc }) => doc), [...near.keys()]])
  return { ...byWords, ranked, total: Math.max(byWords.total, ranked.length), isTotalAtLeast: true, best: 1 }
}

/** How near a memory is to the question, or why that is not known. */
export function meaningOf(nearest: Nearest | undefined, doc: number): Pick<MemoryWhy, 'meaning'> {
  if (nearest === undefined) return {}
  if ('missing' in nearest) return { meaning: { missing: nearest.missing } }
  const similarity = nearest.near.get(doc)
  return similarity === undefined ? {} : { meaning: { similarity } }
}
