import {
  type MemoryQuery,
  type MemoryQueryInput,
  type MemoryRecalled,
  queryOthersSchema,
} from '@jamey/contracts'
import { type MemoryRow, memoryFromRow, parsed } from '../../model/memory-record.js'
import type { Reach } from '../../model/memory-storage.js'
import { circumstancesOf, type Filter, ownedBy } from '../../search/filter.js'
import { IndexFilter } from '../../search/index-filter.js'
import { MemoryIndex } from '../../search/memory-index.js'
import { Ranker } from '../../search/ranking.js'
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
    const found = orderOf(this.#index, this.#rows, query, atMs)
    const { limit, offset = 0 } = query
    const page = found.slice(offset, offset + limit)
    const memories = withinPage(page.map(({ row, score }) => ({ ...memoryFromRow(row), score })))
    return {
      memories,
      total: found.length,
      ...(isCut ? { total_is_at_least: true as const } : {}),
      ...(memories.length < Math.min(limit, found.length - offset) ? { truncated: true as const } : {}),
    }
  }
}

interface Scored {
  readonly row: PastRow
  readonly score: number
}

/** The best first, or the newest where there are no words. */
function orderOf(
  index: MemoryIndex,
  rows: readonly PastRow[],
  query: { readonly query?: string | undefined; readonly tags?: readonly string[] | undefined },
  atMs: number,
): Scored[] {
  const filter = new IndexFilter(index, { tags: query.tags }, Number.NEGATIVE_INFINITY)
  const text = query.query?.trim() ?? ''
  const bySeq = new Map(rows.map((row) => [row.seq, row]))
  if (text === '') {
    return rows
      .filter(({ seq }) => filter.fits(index.documents.find(seq) as number))
      .map((row) => {
        const facts = { relevance: 1, importance: row.importance, ageMs: atMs - row.occurred_at }
        return { row, score: score(facts) }
      })
  }
  const rowOf = (doc: number) => bySeq.get(index.documents.seq[doc] as number) as PastRow
  const { ranked, best } = new Ranker(index).rank(text, {
    filter,
    depth: rows.length,
    nowMs: atMs,
    textsOf: (docs) => docs.map((doc) => rowOf(doc).content),
  })
  return ranked.map(({ doc, score: own }) => ({ row: rowOf(doc), score: Math.min(1, own / best) }))
}

function withinPage(memories: MemoryRecalled['memories']): MemoryRecalled['memories'] {
  let bytes = 0
  const end = memories.findIndex(({ content, tags, metadata }, i) => {
    bytes += Buffer.byteLength(content) + Buffer.byteLength(JSON.stringify([tags, metadata]))
    return bytes > PAGE_BYTES && i > 0
  })
  return end === -1 ? memories : memories.slice(0, end)
}
