import type { MemoryRecalled } from '@jamey/contracts'
import { type Begin, cursorBehind } from './cursor.js'
import type { MemoryIndex } from './memory-index.js'
import type { Ranked, Ranking } from './ranking.js'

/** One page of a ranking, as long as its bytes are not known. */
export interface Page {
  readonly begin: Begin
  /** What is passed over for the offset, by `seq`. */
  readonly passed: readonly number[]
  /** By `seq`, the best first. */
  readonly hits: ReadonlyMap<number, Ranked>
  readonly isLast: boolean
}

/** How many of the best have to be in order for a page, and one more, which tells whether there is another page. */
export function depthFor({ offset, shown }: Begin, limit: number): number {
  return offset + shown.size + limit + 1
}

/** The best that were on none of the pages before. */
export function pageOf(
  { ranked }: Pick<Ranking, 'ranked'>,
  { documents }: MemoryIndex,
  begin: Begin,
  limit: number,
): Page {
  const left = ranked
    .map((hit) => [documents.seq[hit.doc] as number, hit] as const)
    .filter(([seq]) => !begin.shown.has(seq))
  const end = begin.offset + limit
  return {
    begin,
    passed: left.slice(0, begin.offset).map(([seq]) => seq),
    hits: new Map(left.slice(begin.offset, end)),
    isLast: left.length <= end,
  }
}

/** How a page ends that had room for these. */
export function endOf(
  { begin, passed, hits, isLast }: Page,
  taken: readonly { readonly seq: number }[],
): Pick<MemoryRecalled, 'truncated' | 'next_cursor'> {
  const isCut = taken.length < hits.size
  const isEnd = taken.length === 0 || (isLast && !isCut)
  return {
    ...(isCut ? { truncated: true } : {}),
    ...(isEnd
      ? {}
      : { next_cursor: cursorBehind([...begin.shown, ...passed, ...taken.map(({ seq }) => seq)]) }),
  }
}
