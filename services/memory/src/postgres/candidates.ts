import type { MemoryQuery } from '@jamey/contracts'
import type { Filter } from '../search/filter.js'
import { READ } from '../search/ranking.js'
import { RECENCY_HALF_LIFE_MS, SCORE_WEIGHTS } from '../search/score.js'
import { lengthNorm, RANKING } from '../search/settings.js'
import { CHARACTERS } from '../search/signals/proximity.js'
import { type Asked, type AskedTerm, anyOf } from './asked-words.js'
import type { Session } from './database-pool.js'
import { filterSql } from './filter.js'
import { SCHEMA } from './migrations.js'
import { Parameters } from './parameters.js'
import { quoted } from './terms.js'

/** Memories that are scored for one question, so that it costs what its rare words cost. */
const MOST_SCORED = 5_000

export interface Question {
  readonly query: MemoryQuery
  readonly filter: Filter
  readonly nowMs: number
}

/** The best by their words alone. */
export interface Found {
  /** The best first, as many as were asked for. */
  readonly candidates: readonly Candidate[]
  readonly total: number
  /** True where not all that have a word of the question were counted. */
  readonly isTotalAtLeast: boolean
}

export interface Candidate {
  readonly seq: number
  /** Words that tell something. */
  readonly length: number
  /** The beginning of its text, of the first that are read. */
  readonly content: string | null
}

/** Finds by the rarest words alone, where these are enough. */
export async function findBy(
  session: Session,
  asked: Asked,
  question: Question,
  limit: number,
): Promise<Found> {
  if (asked.terms.length === 0) return { candidates: [], total: 0, isTotalAtLeast: false }
  const rarest = rarestOf(asked.terms)
  const found = await find(session, rarest, asked, question, limit)
  // What the rarest words alone find may be others', or what the filter leaves out.
  const isEnough = rarest.length === asked.terms.length || found.total >= limit
  return isEnough ? found : find(session, asked.terms, asked, question, limit)
}

/** The terms by which memories are looked up; the others only say in which order these come. */
function rarestOf(terms: readonly AskedTerm[]): readonly AskedTerm[] {
  const end = terms.findIndex((_, i) => i > 0 && memoriesOf(terms.slice(0, i + 1)) > MOST_SCORED)
  return end === -1 ? terms : terms.slice(0, end)
}

/** As many have one of these at most. */
function memoriesOf(terms: readonly AskedTerm[]): number {
  return terms.reduce((sum, { memories }) => sum + memories, 0)
}

async function find(
  session: Session,
  by: readonly AskedTerm[],
  asked: Asked,
  question: Question,
  limit: number,
): Promise<Found> {
  const { sql, parameters } = scoredSql(by, asked, question)
  const boost = boostSql(parameters.add(question.nowMs))
  const rows = await session.rows<Candidate & { readonly total: number }>(
    `WITH found AS MATERIALIZED (${sql}),
      best AS (
        SELECT seq, length, count(*) OVER () AS total FROM found
        ORDER BY relevance * ${boost} DESC, occurred_at DESC, seq DESC LIMIT ${parameters.add(limit)}
      ),
      placed AS (SELECT seq, length, total, row_number() OVER () AS place FROM best)
    SELECT seq, length, total, CASE WHEN place <= ${READ} THEN (
        SELECT left(m.content, ${CHARACTERS}) FROM ${SCHEMA}.memories m WHERE m.seq = placed.seq
      ) END AS content FROM placed ORDER BY place`,
    parameters.values,
  )
  const total = rows[0]?.total ?? 0
  const isTotalAtLeast = by.length < asked.terms.length || total >= MOST_SCORED
  return { candidates: rows, total, isTotalAtLeast }
}

/**
 * What fits, each with its BM25; of very much the newest. `ts_rank` of one word, all weights being 1, is what PostgreSQL
 * counts fastest: nearly `f / (f + 0.645)` for a word that is there `f` times, which is taken back out.
 */
function scoredSql(by: readonly AskedTerm[], { terms, collection }: Asked, { filter, nowMs }: Question) {
  const parameters = new Parameters()
  const condition = filterSql(filter, nowMs, parameters)
  const match = parameters.add(anyOf(by))
  const { constant, perWord } = lengthNorm(RANKING, collection.averageLength)
  const share = `${parameters.add(constant / 0.645)}::float8 + ${parameters.add(perWord / 0.645)}::float8 * m.terms_count`
  const worths = terms.map(({ term, weight }) => {
    const often = `ts_rank('{1,1,1,1}', m.terms, ${parameters.add(quoted(term))}::tsquery)`
    return `coalesce(${parameters.add(weight)}::float8 / (1 + (${share}) * (1 / nullif(${often}, 0) - 1)), 0)`
  })
  const columns = 'm.seq, m.importance, m.occurred_at, m.terms_count, m.terms'
  const newest =
    memoriesOf(by) > MOST_SCORED ? `ORDER BY m.occurred_at DESC, m.seq DESC LIMIT ${MOST_SCORED}` : ''
  const sql = `SELECT m.seq, m.terms_count AS length, m.importance, m.occurred_at, ${worths.join(' + ')} AS relevance
    FROM (
      SELECT ${columns} FROM ${SCHEMA}.memories m WHERE m.terms @@ ${match}::tsquery AND ${condition} ${newest}
    ) m`
  return { sql, parameters }
}

/** `boost` of `score.ts` in SQL, over the columns `importance` and `occurred_at`. */
function boostSql(now: string): string {
  const halfLife = `${RECENCY_HALF_LIFE_MS}::float8`
  const recency = `${halfLife} / (${halfLife} + greatest(0, ${now}::bigint - occurred_at))`
  return `(1 + ${SCORE_WEIGHTS.recency} * ${recency} + ${SCORE_WEIGHTS.importance} * importance)`
}
