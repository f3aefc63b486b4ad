import { MemoryIndex } from '../search/memory-index.js'
import { READ, WINDOW } from '../search/ranking.js'
import { RANKING } from '../search/settings.js'
import { feedbackShare } from '../search/signals/feedback.js'
import { MOST_NEIGHBOURS, TURNS } from '../search/signals/neighbours.js'
import { QUESTION_MARK, termOf, wordsOf } from '../search/words.js'
import type { Asked } from './asked-words.js'
import type { Candidate, Found, Question } from './candidates.js'
import type { Session } from './database-pool.js'
import { filterSql } from './filter.js'
import { SCHEMA } from './migrations.js'
import { Parameters } from './parameters.js'

/** The best memories, with what stands beside them in their sessions, as the ranking of a file wants them. */
export interface RankedIndex {
  readonly index: MemoryIndex
  /** The beginnings of the best texts, by `seq`. */
  readonly texts: ReadonlyMap<number, string>
}

interface CountedRow {
  readonly seq: number
  readonly owner: string
  readonly scope: string
  readonly layer: string
  readonly importance: number
  readonly occurred_at: number
  readonly terms_count: number
  readonly session_id: string | null
  readonly turn: number | null
  readonly asks: boolean
  /** How often it has each term that matters. */
  readonly counts: Readonly<Record<string, number>> | null
  readonly common: Readonly<Record<string, number>> | null
}

/** Reads what the ranking looks at, which is no more than the terms that matter, and counts from there. */
export async function rankedIndex(
  session: Session,
  asked: Asked,
  { candidates, beside }: Found & { readonly beside: readonly number[] },
  question: Question,
): Promise<RankedIndex> {
  const { collection } = asked
  const texts = textsOf(candidates)
  const common = commonTerms(candidates, texts)
  const terms = [...new Set([...collection.having.keys(), ...common])]
  const rows = await countedRows(session, { candidates, beside }, { terms, common }, question)
  for (const [word, memories] of Object.entries(rows[0]?.common ?? {})) collection.having.set(word, memories)
  const index = new MemoryIndex(collection)
  for (const row of rows) index.putCounted(factsOf(row), row.terms_count, Object.entries(row.counts ?? {}))
  return { index, texts }
}

function factsOf(row: CountedRow) {
  return {
    seq: row.seq,
    owner: row.owner,
    scope: row.scope,
    layer: row.layer,
    importance: row.importance,
    occurredAt: row.occurred_at,
    expiresAt: Number.POSITIVE_INFINITY,
    sessionId: row.session_id ?? undefined,
    turn: row.turn ?? undefined,
    // What is supposed to be of one occasion follows from what was stored in between, which is not here.
    isDated: false,
    isQuestion: row.asks,
    validFrom: Number.NEGATIVE_INFINITY,
    validTo: Number.POSITIVE_INFINITY,
  }
}

function textsOf(candidates: readonly Candidate[]): Map<number, string> {
  return new Map(candidates.slice(0, READ).map(({ seq, content }) => [seq, content ?? '']))
}

/** The terms of the best texts, where these are long enough to widen a question by them. */
function commonTerms(candidates: readonly Candidate[], texts: ReadonlyMap<number, string>): string[] {
  const best = candidates.slice(0, RANKING.feedbackTexts)
  const lengths = best.map(({ length }) => length)
  if (feedbackShare(lengths, RANKING) === 0) return []
  const words = best.flatMap(({ seq }) => wordsOf(texts.get(seq) ?? ''))
  return [...new Set(words.map(termOf))]
}

/** The turns before one, or after it, in the order in which they stand in their session; as many as a file looks at. */
function neighboursSql(side: '<' | '>', condition: string): string {
  const order = side === '<' ? 'DESC' : 'ASC'
  const within = side === '<' ? `>= coalesce(c.turn, 0) - ${TURNS}` : `<= coalesce(c.turn, 0) + ${TURNS}`
  return `(
    SELECT m.seq FROM ${SCHEMA}.memories m
    WHERE m.session_id = c.session_id AND m.owner = c.owner AND coalesce(m.turn, 0) ${within}
      AND (coalesce(m.turn, 0), m.seq) ${side} (coalesce(c.turn, 0), c.seq) AND ${condition}
    ORDER BY coalesce(m.turn, 0) ${order}, m.seq ${order} LIMIT ${MOST_NEIGHBOURS}
  )`
}

/**
 * The candidates, their neighbours, and what is beside them for another reason, in the order of storing. The first row
 * has, too, in how many of all memories the common terms are.
 */
function countedRows(
  session: Session,
  { candidates, beside }: { readonly candidates: readonly Candidate[]; readonly beside: readonly number[] },
  { terms, common }: { readonly terms: readonly string[]; readonly common: readonly string[] },
  { filter, nowMs }: Question,
): Promise<CountedRow[]> {
  const parameters = new Parameters()
  const seqs = candidates.map(({ seq }) => seq)
  const all = parameters.add([...seqs, ...beside])
  const best = parameters.add(seqs.slice(0, WINDOW))
  const condition = filterSql(filter, nowMs, parameters)
  return session.rows<CountedRow>(
    `WITH near AS (
        SELECT beside.seq FROM ${SCHEMA}.memories c CROSS JOIN LATERAL (
          ${neighboursSql('<', condition)} UNION ALL ${neighboursSql('>', condition)}
        ) AS beside
        WHERE c.seq = ANY(${best}::bigint[]) AND c.session_id IS NOT NULL
      )
    SELECT m.seq, m.owner, m.scope, m.layer, m.importance, m.occurred_at, m.terms_count, m.session_id, m.turn,
      m.content ~ '${QUESTION_MARK.source}' AS asks,
      (SELECT json_object_agg(lexeme, cardinality(positions)) FROM unnest(m.terms)
        WHERE lexeme = ANY(${parameters.add(terms)}::text[])) AS counts,
      CASE WHEN row_number() OVER (ORDER BY m.seq) = 1 THEN (
        SELECT json_object_agg(word, memories) FROM ${SCHEMA}.words
        WHERE word = ANY(${parameters.add(common)}::text[]) AND memories > 0
      ) END AS common
    FROM ${SCHEMA}.memories m WHERE m.seq = ANY(${all}::bigint[] || ARRAY(SELECT seq FROM near)) ORDER BY m.seq`,
    parameters.values,
  )
}
