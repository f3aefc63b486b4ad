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
