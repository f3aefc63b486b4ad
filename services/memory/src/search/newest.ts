import { Best } from './best.js'
import type { IndexFilter } from './index-filter.js'
import type { MemoryIndex } from './memory-index.js'

export interface Newest {
  /** The newest first. */
  readonly docs: readonly number[]
  /** Number of all that fit. */
  readonly total: number
}

/** The newest documents that fit, those alone that come after a place, which is a time and a `seq`. */
export function newest(
  { documents }: MemoryIndex,
  filter: IndexFilter,
  limit: number,
  [untilMs = Number.POSITIVE_INFINITY, before = 0]: readonly number[] = [],
): Newest {
  const { occurredAt, seq } = documents
  const best = new Best(limit, documents)
  let total = 0
  let { threshold } = best
  for (const docs of filter.fitting()) {
    total += docs.length
    for (let i = 0; i < docs.length; i++) {
      const doc = docs[i] as number
      const at = occurredAt[doc] as number
      if (at < threshold || at > untilMs || (at === untilMs && (seq[doc] as number) >= before)) continue
      best.offer(doc, at)
      threshold = best.threshold
    }
  }
  return { docs: best.sorted().map(({ doc }) => doc), total }
}
