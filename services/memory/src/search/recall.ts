import {
  type MemoryQuery,
  type MemoryQueryInput,
  type MemoryRecalled,
  queryOthersSchema,
} from '@jamey/contracts'
import type { Database, SqlValue, Statement } from '../file/database.js'
import { type MemoryRow, memoryFromRow, parsed, storable, tagKey } from '../model/memory-record.js'
import type { Reach } from '../model/memory-storage.js'
import { type MatchMode, matchExpression, searchWords } from './match-expression.js'
import { score, scoreSql } from './score.js'

interface Condition {
  readonly sql: string
  readonly values: readonly SqlValue[]
}

/** Bytes of one page, as content, tags and metadata lie in the file; it has one memory at least. */
const PAGE_BYTES = 256 * 1024
const BYTES = 'octet_length(m.content) + octet_length(m.tags) + octet_length(m.metadata)'
/** The first of a page is, whatever its size. */
const IS_WITHIN_PAGE = `(measured.up_to <= ${PAGE_BYTES} OR measured.up_to = measured.bytes)`

interface ScoredRow extends MemoryRow {
  readonly score: number
  readonly total: number
}

/** The memories that a query may return, whatever its words; `m` is the memories table. */
export interface Filter {
  readonly layers?: readonly string[] | undefined
  readonly tags?: readonly string[] | undefined
  /** Earliest `occurred_at`, inclusive. */
  readonly fromMs?: number | undefined
  /** Latest `occurred_at`, inclusive. */
  readonly toMs?: number | undefined
  /** Everything at or after this moment is left out. */
  readonly beforeMs?: number | undefined
  readonly reach?: Reach | undefined
}

/** The filter as SQL; what has expired never fits, swept or not. Lists go in as JSON so that their length does not change the statement. */
export function filterCondition(filter: Filter, nowMs: number): Condition {
  const sql = ['(m.expires_at IS NULL OR m.expires_at > ?)']
  const values: SqlValue[] = [nowMs]
  const add = (condition: string, ...added: SqlValue[]) => {
    sql.push(condition)
    values.push(...added)
  }
  if (filter.layers !== undefined && filter.layers.length > 0) {
    add('m.layer IN (SELECT value FROM json_each(?))', JSON.stringify(filter.layers))
  }
  const tags = [...new Set((filter.tags ?? []).map((tag) => tagKey(tag.toWellFormed())))]
  if (tags.length > 0) {
    add(
      `m.seq IN (SELECT seq FROM memory_tags WHERE tag IN (SELECT value FROM json_each(?))
        GROUP BY seq HAVING count(*) = ?)`,
      JSON.stringify(tags),
      tags.length,
    )
  }
  if (filter.fromMs !== undefined) add('m.occurred_at >= ?', filter.fromMs)
  if (filter.toMs !== undefined) add('m.occurred_at <= ?', filter.toMs)
  if (filter.beforeMs !== undefined) add('m.occurred_at < ?', filter.beforeMs)
  if (filter.reach !== undefined) {
    const { owner, isOwnOnly } = filter.reach
    add(isOwnOnly === true ? 'm.owner = ?' : "(m.owner = ? OR m.scope = 'shared')", storable(owner))
  }
  return { sql: sql.join(' AND '), values }
}

/** A page that ends before its limit, and not because there is no more, says so. */
function pageOf(
  { limit, offset = 0 }: MemoryQuery,
  memories: MemoryRecalled['memories'],
  total: number,
): MemoryRecalled {
  const isTruncated = memories.length < Math.min(limit, total - offset)
  return isTruncated ? { memories, total, truncated: true } : { memories, total }
}

/** The memories of one owner, for a caller that may read everybody's and asks for those. */
export function ownedBy(owner: string | undefined): Reach | undefined {
  return owner === undefined ? undefined : { owner, isOwnOnly: true }
}

/**
 * Answers queries from one database. A search wants every word; only where no memory has them all does any one
 * word suffice, so a question in plain language still finds something. Tags are searched like the content.
 */
export class Recall {
  readonly #database: Database
  /** Keyed by the SQL text, of which there are a few dozen at most: one per combination of conditions. */
  readonly #statements = new Map<string, Statement<unknown>>()

  constructor(database: Database) {
    this.#database = database
  }

  query(input: MemoryQueryInput, nowMs: number, reach?: Reach): MemoryRecalled {
    const query = parsed(queryOthersSchema, input)
    const filter = filterCondition(
      {
        layers: query.layers,
        tags: query.tags,
        fromMs: query.from === undefined ? undefined : Date.parse(query.from),
        toMs: query.to === undefined ? undefined : Date.parse(query.to),
        reach: reach ?? ownedBy(query.owner),
      },
      nowMs,
    )
    const text = query.query?.trim() ?? ''
    if (text === '') return this.#list(query, filter, nowMs)
    const words = searchWords(text)
    if (words.length === 0) return { memories: [], total: 0 }
    const found = this.#search(words, 'all', query, filter, nowMs)
    if (found.total > 0 || words.length === 1) return found
    return this.#search(words, 'any', query, filter, nowMs)
  }

  #list(query: MemoryQuery, filter: Condition, nowMs: number): MemoryRecalled {
    const rows = this.#rows<MemoryRow>(
      `WITH page AS MATERIALIZED (
          SELECT m.seq, m.occurred_at, ${BYTES} AS bytes FROM memories m WHERE ${filter.sql}
          ORDER BY m.occurred_at DESC, m.seq DESC LIMIT ? OFFSET ?
        ),
        measured AS (
          SELECT seq, bytes, sum(bytes) OVER (ORDER BY occurred_at DESC, seq DESC) AS up_to FROM page
        )
      SELECT m.* FROM measured JOIN memories m ON m.seq = measured.seq
      WHERE ${IS_WITHIN_PAGE} ORDER BY m.occurred_at DESC, m.seq DESC`,
      [...filter.values, query.limit, query.offset ?? 0],
    )
    const [counted] = this.#rows<{ total: number }>(
      `SELECT count(*) AS total FROM memories m WHERE ${filter.sql}`,
      filter.values,
    )
    const memories = rows.map((row) => {
      const facts = { relevance: 1, importance: row.importance, ageMs: nowMs - row.occurred_at }
      return { ...memoryFromRow(row), score: score(facts) }
    })
    return pageOf(query, memories, counted?.total ?? 0)
  }

  #search(
    words: readonly string[],
    mode: MatchMode,
    query: MemoryQuery,
    filter: Condition,
    nowMs: number,
  ): MemoryRecalled {
    const matching: SqlValue[] = [matchExpression(words, mode), ...filter.values]
    // bm25() is negative, better being lower; the tiny floor keeps a division by 0 out.
    const found = `SELECT m.seq, m.importance, m.occurred_at, max(1e-12, -bm25(memory_text)) AS relevance
      FROM memory_text JOIN memories m ON m.seq = memory_text.rowid
      WHERE memory_text MATCH ? AND ${filter.sql}`
    const rows = this.#rows<ScoredRow>(
      `WITH found AS MATERIALIZED (${found}),
        best AS (SELECT max(relevance) AS relevance, count(*) AS total FROM found),
        page AS (
          SELECT found.seq, best.total, ${scoreSql('found.relevance / best.relevance')} AS score
          FROM found, best ORDER BY score DESC, occurred_at DESC, seq DESC LIMIT ? OFFSET ?
        ),
        measured AS (
          SELECT page.*, ${BYTES} AS bytes,
            sum(${BYTES}) OVER (ORDER BY page.score DESC, m.occurred_at DESC, m.seq DESC) AS up_to
          FROM page JOIN memories m ON m.seq = page.seq
        )
      SELECT m.*, measured.score, measured.total FROM measured JOIN memories m ON m.seq = measured.seq
      WHERE ${IS_WITHIN_PAGE} ORDER BY measured.score DESC, m.occurred_at DESC, m.seq DESC`,
      [...matching, nowMs, query.limit, query.offset ?? 0],
    )
    const memories = rows.map((row) => ({ ...memoryFromRow(row), score: row.score }))
    const [first] = rows
    if (first !== undefined || (query.offset ?? 0) === 0) return pageOf(query, memories, first?.total ?? 0)
    // A page beyond the last one has no row to carry the total.
    const [counted] = this.#rows<{ total: number }>(`SELECT count(*) AS total FROM (${found})`, matching)
    return { memories, total: counted?.total ?? 0 }
  }

  #rows<Row>(sql: string, values: readonly SqlValue[]): Row[] {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare<unknown>(sql)
      this.#statements.set(sql, statement)
    }
    return statement.all(...values) as Row[]
  }
}
