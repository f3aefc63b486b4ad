import {
  type MemoryQuery,
  type MemoryQueryInput,
  type MemoryRecalled,
  queryOthersSchema,
} from '@jamey/contracts'
import { type MemoryRow, memoryFromRow, parsed } from '../../model/memory-record.js'
import type { Reach } from '../../model/memory-storage.js'
import { beginOf } from '../../search/cursor.js'
import { circumstancesOf, type Filter, ownedBy } from '../../search/filter.js'
import { IndexFilter } from '../../search/index-filter.js'
import { MemoryIndex } from '../../search/memory-index.js'
import { endOf, pageOf } from '../../search/page.js'
import { type Ranked, Ranker } from '../../search/ranking.js'
import { score } from '../../search/score.js'

/** Memories of the past that one question looks through, the newest first: they are in no index that is kept. */
export const MOST_LOOKED_THROUGH = 20_000
/** Bytes of one page; it has one memory at least. */
const PAGE_BYTES = 256 * 1024

export type PastRow = MemoryRow & { readonly seq: number }

export interface PastQuestion {
  readonly query: MemoryQuery
  readonly atMs: number
  readonly filter: Filter
}

/** What a question as of a time asks for. Throws `MemoryInputError`. */
export function pastQuestion(input: MemoryQueryInput, nowMs: number, reach: Reach | undefined): PastQuestion {
  const query = parsed(queryOthersSchema, input)
  const atMs = query.as_of === undefined ? nowMs : Date.parse(query.as_of)
  const filter: Filter = {
    ...circumstancesOf(query),
    // Those of a memory as it is now lie in a table; what a version had is in its row alone.
    tags: undefined,
    layers: query.layers,
    fromMs: query.from === undefined ? undefined : Date.parse(query.from),
    toMs: query.to === undefined ? undefined : Date.parse(query.to),
    heldAtMs: query.include_superseded === true ? undefined : atMs,
    reach: reach ?? ownedBy(query.owner),
  }
  return { query, atMs, filter }
}

/** The versions of then, put together one by one, and in order. */
export class PastMemories {
  readonly #rows: PastRow[] = []
  readonly #index = new MemoryIndex()

  /** The latest first. */
  add(row: PastRow): void {
    this.#rows.push(row)
    this.#index.put(row)
  }

  page({ query, atMs }: PastQuestion, isCut = this.#rows.length === MOST_LOOKED_THROUGH): MemoryRecalled {
    const index = this.#index
    const bySeq = new Map(this.#rows.map((row) => [row.seq, row]))
    const rowOf = (doc: number) => bySeq.get(index.documents.seq[doc] as number) as PastRow
    const { ranked, best } = orderOf(index, rowOf, query, atMs)
    const page = pageOf({ ranked }, index, beginOf(query.cursor, query.offset), query.limit)
    const hits = withinPage(Array.from(page.hits.values(), (hit) => ({ ...hit, row: rowOf(hit.doc) })))
    return {
      memories: hits.map(({ row, score: own }) => ({
        ...memoryFromRow(row),
        score: Math.min(1, own / best),
      })),
      total: ranked.length,
      ...(isCut ? { total_is_at_least: true as const } : {}),
      ...endOf(
        page,
        hits.map(({ row }) => row),
      ),
    }
  }
}

/** The best first, or the newest where there are no words. */
function orderOf(
  index: MemoryIndex,
  rowOf: (doc: number) => PastRow,
  query: Pick<MemoryQuery, 'query' | 'tags'>,
  atMs: number,
): { readonly ranked: readonly Ranked[]; readonly best: number } {
  const filter = new IndexFilter(index, { tags: query.tags }, Number.NEGATIVE_INFINITY)
  const text = query.query?.trim() ?? ''
  if (text !== '') {
    return new Ranker(index).rank(text, {
      filter,
      depth: index.documents.count,
      nowMs: atMs,
      textsOf: (docs) => docs.map((doc) => rowOf(doc).content),
    })
  }
  const docs = Array.from({ length: index.documents.count }, (_, doc) => doc)
  const ranked = docs
    .filter((doc) => filter.fits(doc))
    .map((doc) => {
      const { importance, occurred_at } = rowOf(doc)
      return { doc, score: score({ relevance: 1, importance, ageMs: atMs - occurred_at }) }
    })
  return { ranked, best: 1 }
}

function withinPage<Hit extends { readonly row: PastRow }>(hits: readonly Hit[]): Hit[] {
  let bytes = 0
  const end = hits.findIndex(({ row }, i) => {
    bytes += row.bytes
    return bytes > PAGE_BYTES && i > 0
  })
  return end === -1 ? [...hits] : hits.slice(0, end)
}
