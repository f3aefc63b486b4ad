import {
  type MemoryQuery,
  type MemoryQueryInput,
  type MemoryRecalled,
  queryOthersSchema,
} from '@jamey/contracts'
import { MemoryInputError } from '../model/errors.js'
import { type MemoryRow, memoryFromRow, parsed } from '../model/memory-record.js'
import type { Reach } from '../model/memory-storage.js'
import { circumstancesOf, type Filter, ownedBy } from '../search/filter.js'
import { MOST_BOOST, RECENCY_HALF_LIFE_MS, SCORE_WEIGHTS, score } from '../search/score.js'
import { BM25 } from '../search/scoring.js'
import { type Asked, type AskedTerm, anyOf, askedFor } from './asked-words.js'
import type { Session } from './database-pool.js'
import { filterSql } from './filter.js'
import { rowOf } from './memory-columns.js'
import { SCHEMA } from './migrations.js'
import { Parameters } from './parameters.js'
import { quoted } from './terms.js'

/** Bytes of one page, as content, tags and metadata lie in the database; it has one memory at least. */
const PAGE_BYTES = 256 * 1024
const BYTES = 'octet_length(m.content) + octet_length(m.tags) + octet_length(m.metadata)'
/** The first of a page is, whatever its size. */
const IS_WITHIN_PAGE = `(measured.up_to <= ${PAGE_BYTES} OR measured.place = 1)`

/** Memories that are scored for one question, so that it costs what its rare words cost. */
const MOST_SCORED = 10_000

interface Question {
  readonly query: MemoryQuery
  readonly filter: Filter
  readonly nowMs: number
}

/** Members of a query that would change its answer, and that only a memory file knows by now. */
const NOT_SERVED = ['as_of', 'cursor'] as const

/** Answers a query: the newest first without words, else the best first; see `score.ts` for what best means. */
export async function recall(
  session: Session,
  input: MemoryQueryInput,
  { nowMs, reach }: { nowMs: number; reach: Reach | undefined },
): Promise<MemoryRecalled> {
  const query = parsed(queryOthersSchema, input)
  for (const field of NOT_SERVED) {
    if (query[field] !== undefined)
      throw new MemoryInputError(field, 'is not served by a memory in PostgreSQL; leave it out')
  }
  const filter = {
    ...circumstancesOf(query),
    layers: query.layers,
    heldAtMs: query.include_superseded === true ? undefined : nowMs,
    fromMs: query.from === undefined ? undefined : Date.parse(query.from),
    toMs: query.to === undefined ? undefined : Date.parse(query.to),
    reach: reach ?? ownedBy(query.owner),
  }
  const question = { query, filter, nowMs }
  const text = query.query?.trim() ?? ''
  return text === '' ? list(session, question) : search(session, text, question)
}

async function list(session: Session, { query, filter, nowMs }: Question): Promise<MemoryRecalled> {
  const parameters = new Parameters()
  const condition = filterSql(filter, nowMs, parameters)
  const total = `SELECT count(*) AS total FROM ${SCHEMA}.memories m WHERE ${condition}`
  const [counted] = await session.rows<{ total: number }>(total, parameters.values)
  const [limit, offset] = [parameters.add(query.limit), parameters.add(query.offset ?? 0)]
  const rows = await session.rows<MemoryRow>(
    `WITH page AS MATERIALIZED (
        SELECT m.seq, m.occurred_at, ${BYTES} AS bytes FROM ${SCHEMA}.memories m WHERE ${condition}
        ORDER BY m.occurred_at DESC, m.seq DESC LIMIT ${limit} OFFSET ${offset}
      ),
      measured AS (
        SELECT seq, row_number() OVER newest AS place, sum(bytes) OVER newest AS up_to
        FROM page WINDOW newest AS (ORDER BY occurred_at DESC, seq DESC)
      )
    SELECT ${rowOf('m')} FROM measured JOIN ${SCHEMA}.memories m ON m.seq = measured.seq
    WHERE ${IS_WITHIN_PAGE} ORDER BY measured.place`,
    parameters.values,
  )
  const memories = rows.map((row) => {
    const facts = { relevance: 1, importance: row.importance, ageMs: nowMs - row.occurred_at }
    return { ...memoryFromRow(row), score: score(facts) }
  })
  return pageOf(query, memories, counted?.total ?? 0)
}

async function search(session: Session, text: string, question: Question): Promise<MemoryRecalled> {
  const asked = await askedFor(session, text)
  if (asked.terms.length === 0) return { memories: [], total: 0 }
  const rarest = rarestOf(asked.terms)
  const found = await searchBy(session, rarest, asked, question)
  const { limit, offset = 0 } = question.query
  // What the rarest words alone find may be others', or what the filter leaves out.
  const isEnough = rarest.length === asked.terms.length || found.total >= offset + limit
  return isEnough ? found : searchBy(session, asked.terms, asked, question)
}

/** The terms by which memories are looked up; the others only say in which order these come. */
function rarestOf(terms: readonly AskedTerm[]): readonly AskedTerm[] {
  let memories = 0
  const end = terms.findIndex((term, i) => {
    memories += term.memories
    return memories > MOST_SCORED && i > 0
  })
  return end === -1 ? terms : terms.slice(0, end)
}

async function searchBy(
  session: Session,
  by: readonly AskedTerm[],
  asked: Asked,
  question: Question,
): Promise<MemoryRecalled> {
  const { query, nowMs } = question
  const { sql, parameters } = foundSql(by, asked, question)
  const now = parameters.add(nowMs)
  const [limit, offset] = [parameters.add(query.limit), parameters.add(query.offset ?? 0)]
  const rows = await session.rows<MemoryRow & { score: number; total: number }>(
    `WITH found AS MATERIALIZED (${sql}),
      best AS (SELECT max(relevance) AS relevance, count(*) AS total FROM found),
      page AS MATERIALIZED (
        SELECT found.seq, found.occurred_at, found.relevance / best.relevance * ${boostSql('found', now)} / ${MOST_BOOST} AS score
        FROM found, best ORDER BY score DESC, occurred_at DESC, seq DESC LIMIT ${limit} OFFSET ${offset}
      ),
      measured AS (
        SELECT page.*, row_number() OVER best_first AS place, sum(${BYTES}) OVER best_first AS up_to
        FROM page JOIN ${SCHEMA}.memories m ON m.seq = page.seq
        WINDOW best_first AS (ORDER BY page.score DESC, page.occurred_at DESC, page.seq DESC)
      )
    SELECT ${rowOf('m')}, measured.score, best.total
    FROM best LEFT JOIN measured ON ${IS_WITHIN_PAGE} LEFT JOIN ${SCHEMA}.memories m ON m.seq = measured.seq
    ORDER BY measured.place`,
    parameters.values,
  )
  const memories = rows
    .filter(({ id }) => id !== null)
    .map((row) => ({ ...memoryFromRow(row), score: row.score }))
  const total = rows[0]?.total ?? 0
  const isAll = by.length === asked.terms.length && total < MOST_SCORED
  return { ...pageOf(query, memories, total), ...(isAll ? {} : { total_is_at_least: true as const }) }
}

/**
 * What fits, each with its BM25; of very much the newest. `ts_rank` of one word, all weights being 1, is what PostgreSQL
 * counts fastest: nearly `f / (f + 0.645)` for a word that is there `f` times, which is taken back out.
 */
function foundSql(by: readonly AskedTerm[], { terms, averageLength }: Asked, { filter, nowMs }: Question) {
  const parameters = new Parameters()
  const condition = filterSql(filter, nowMs, parameters)
  const match = parameters.add(anyOf(by))
  const average = parameters.add(averageLength)
  const share = `${BM25.k1 / 0.645} * (${1 - BM25.b} + ${BM25.b} * m.terms_count / ${average}::float8)`
  const worths = terms.map(({ term, weight }) => {
    const often = `ts_rank('{1,1,1,1}', m.terms, ${parameters.add(quoted(term))}::tsquery)`
    return `coalesce(${parameters.add(weight)}::float8 / (1 + ${share} * (1 / nullif(${often}, 0) - 1)), 0)`
  })
  const sql = `SELECT m.seq, m.importance, m.occurred_at, ${worths.join(' + ')} AS relevance
    FROM (
      SELECT m.seq, m.importance, m.occurred_at, m.terms, m.terms_count FROM ${SCHEMA}.memories m
      WHERE m.terms @@ ${match}::tsquery AND ${condition} ORDER BY m.occurred_at DESC, m.seq DESC LIMIT ${MOST_SCORED}
    ) m`
  return { sql, parameters }
}

/** `boost` of `score.ts` in SQL, over the columns `importance` and `occurred_at`. */
function boostSql(table: string, now: string): string {
  const halfLife = `${RECENCY_HALF_LIFE_MS}::float8`
  const recency = `${halfLife} / (${halfLife} + greatest(0, ${now}::bigint - ${table}.occurred_at))`
  return `(1 + ${SCORE_WEIGHTS.recency} * ${recency} + ${SCORE_WEIGHTS.importance} * ${table}.importance)`
}

/** A page that ends before its limit, and not because there is no more, says so. */
function pageOf(
  { limit, offset = 0 }: MemoryQuery,
  memories: MemoryRecalled['memories'],
  total: number,
): MemoryRecalled {
  const isTruncated = memories.length > 0 && memories.length < Math.min(limit, total - offset)
  return isTruncated ? { memories, total, truncated: true } : { memories, total }
}
