import {
  type MemoryQuery,
  type MemoryQueryInput,
  type MemoryRecalled,
  queryOthersSchema,
} from '@jamey/contracts'
import type { Database, SqlValue } from '../file/database.js'
import { type MemoryRow, memoryFromRow, parsed } from '../model/memory-record.js'
import type { Reach } from '../model/memory-storage.js'
import { circumstancesOf, type Filter, filterCondition, ownedBy, readableBy } from './filter.js'
import { IndexFilter } from './index-filter.js'
import { MemoryIndex } from './memory-index.js'
import { Ranker } from './ranking.js'
import { score } from './score.js'

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

/**
 * Answers what was known, and held, at a time: of each memory the version of then. What was forgotten or has expired
 * since is not among them, nor what its owner shares no longer.
 */
export class AsOf {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  query(input: MemoryQueryInput, nowMs: number, reach?: Reach): MemoryRecalled {
    const question = pastQuestion(input, nowMs, reach)
    const past = new PastMemories()
    for (const row of this.#rowsAt(question, nowMs)) past.add(row)
    return past.page(question)
  }

  /** The version of each memory that was the newest then, the latest first. */
  #rowsAt({ filter, atMs }: PastQuestion, nowMs: number): PastRow[] {
    const condition = filterCondition(filter, nowMs)
    const readable = filter.reach === undefined ? undefined : readableBy(filter.reach, 'c')
    const values: SqlValue[] = [atMs, atMs, atMs, atMs, ...(readable?.values ?? []), atMs]
    return this.#database
      .prepare<PastRow>(
        `SELECT m.* FROM (
          SELECT seq, ${COLUMNS} FROM memories WHERE created_at <= ? AND updated_at <= ?
          UNION ALL SELECT v.seq, ${COLUMNS.replaceAll(/\w+/g, 'v.$&')} FROM memory_versions v JOIN memories c ON c.seq = v.seq
            WHERE v.updated_at <= ? AND v.replaced_at > ?${readable === undefined ? '' : ` AND ${readable.sql}`}
        ) m WHERE (m.valid_from IS NULL OR m.valid_from <= ?) AND ${condition.sql}
        ORDER BY m.occurred_at DESC, m.seq DESC LIMIT ${MOST_LOOKED_THROUGH}`,
      )
      .all(...values, ...condition.values)
  }
}

const COLUMNS = [
  'id, layer, importance, sent_at, created_at, occurred_at, expires_at, source, owner, scope, stored_by, session_id',
  'turn, origin, trusted, valid_from, valid_to, supersedes, superseded_by, idempotency_key, version, updated_at, count',
  'last_stored_at, bytes, content_hash, stored_hash, tags, metadata, content',
].join(', ')

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
