import { type MemoryQueryInput, type MemoryRecalled, queryOthersSchema } from '@jamey/contracts'
import { type MemoryRow, memoryFromRow, parsed } from '../model/memory-record.js'
import type { Reach } from '../model/memory-storage.js'
import { beginOf, cursorAt, placeOf } from '../search/cursor.js'
import { explanation } from '../search/explanation.js'
import { circumstancesOf, ownedBy } from '../search/filter.js'
import { fusedWith, meaningOf, type Nearest } from '../search/fuse.js'
import { IndexFilter } from '../search/index-filter.js'
import type { MemoryIndex } from '../search/memory-index.js'
import { depthFor, endOf, pageOf } from '../search/page.js'
import { Ranker, WINDOW } from '../search/ranking.js'
import { score } from '../search/score.js'
import { askedFor } from './asked-words.js'
import { findBy, type Question } from './candidates.js'
import type { Session } from './database-pool.js'
import { filterSql } from './filter.js'
import { rowOf } from './memory-columns.js'
import { SCHEMA } from './migrations.js'
import { Parameters } from './parameters.js'
import { rankedIndex } from './ranked-index.js'

/** Bytes of one page, as content, tags and metadata lie in the database; it has one memory at least. */
const PAGE_BYTES = 256 * 1024
const BYTES = 'octet_length(m.content) + octet_length(m.tags) + octet_length(m.metadata)'
/** The first of a page is, whatever its size. */
const IS_WITHIN_PAGE = `(measured.up_to <= ${PAGE_BYTES} OR measured.place = 1)`

/** Memories that are counted for a list; to count all of very many takes longer than to read a page of them. */
const MOST_COUNTED = 10_000

type SearchedRow = MemoryRow & { readonly seq: number }
type ListedRow = SearchedRow & { readonly total: number; readonly available: number }
/** The number of all that fit stands in a row of its own where the page has none. */
type EmptyList = { readonly total: number; readonly seq: null }

interface Reading {
  readonly nowMs: number
  readonly reach: Reach | undefined
  /** Finds by meaning, where there is an endpoint of embeddings: similarities by `seq`. */
  readonly nearest?: ((session: Session, question: Question, depth: number) => Promise<Nearest>) | undefined
}

/** Answers a query: the newest first without words, else the best first; see `score.ts` for what best means. */
export async function recall(
  session: Session,
  input: MemoryQueryInput,
  { nowMs, reach, nearest }: Reading,
): Promise<MemoryRecalled> {
  const query = parsed(queryOthersSchema, input)
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
  return text === '' ? list(session, question) : search(session, text, question, nearest)
}

async function list(session: Session, { query, filter, nowMs }: Question): Promise<MemoryRecalled> {
  const parameters = new Parameters()
  const condition = filterSql(filter, nowMs, parameters)
  const place = query.cursor === undefined ? undefined : placeOf(query.cursor, 2)
  const behind =
    place === undefined
      ? ''
      : ` AND (m.occurred_at, m.seq) < (${place.map((one) => `${parameters.add(one)}::bigint`).join(', ')})`
  const limit = parameters.add(query.limit + 1)
  const offset = parameters.add(place === undefined ? (query.offset ?? 0) : 0)
  const found = await session.rows<ListedRow | EmptyList>(
    `WITH page AS MATERIALIZED (
        SELECT m.seq, m.occurred_at, ${BYTES} AS bytes FROM ${SCHEMA}.memories m WHERE ${condition}${behind}
        ORDER BY m.occurred_at DESC, m.seq DESC LIMIT ${limit} OFFSET ${offset}
      ),
      measured AS (
        SELECT seq, row_number() OVER newest AS place, sum(bytes) OVER newest AS up_to, count(*) OVER () AS available
        FROM page WINDOW newest AS (ORDER BY occurred_at DESC, seq DESC)
      ),
      counted AS MATERIALIZED (
        SELECT count(*) AS total FROM (
          SELECT FROM ${SCHEMA}.memories m WHERE ${condition} LIMIT ${MOST_COUNTED + 1}
        ) AS fitting
      )
    SELECT counted.total, m.seq, measured.available, ${rowOf('m')} FROM counted LEFT JOIN (
        measured JOIN ${SCHEMA}.memories m ON m.seq = measured.seq AND ${IS_WITHIN_PAGE}
      ) ON true ORDER BY measured.place`,
    parameters.values,
  )
  const rows = found.filter((row): row is ListedRow => row.seq !== null)
  const total = found[0]?.total ?? 0
  const taken = rows.slice(0, query.limit)
  const available = rows[0]?.available ?? 0
  const last = taken.at(-1)
  return {
    memories: taken.map((row) => {
      const facts = { relevance: 1, importance: row.importance, ageMs: nowMs - row.occurred_at }
      return { ...memoryFromRow(row), score: score(facts) }
    }),
    total: Math.min(total, MOST_COUNTED),
    ...(total > MOST_COUNTED ? { total_is_at_least: true } : {}),
    ...(taken.length < Math.min(query.limit, available) ? { truncated: true } : {}),
    ...(last !== undefined && taken.length < available
      ? { next_cursor: cursorAt([last.occurred_at, last.seq]) }
      : {}),
  }
}

async function search(
  session: Session,
  text: string,
  question: Question,
  nearestTo: Reading['nearest'],
): Promise<MemoryRecalled> {
  const { query, nowMs } = question
  const begin = beginOf(query.cursor, query.offset)
  const depth = depthFor(begin, query.limit)
  const asked = await askedFor(session, text)
  const near = await nearestTo?.(session, question, depth)
  const found = await findBy(session, asked, question, Math.max(depth, WINDOW))
  const beside = near !== undefined && 'near' in near ? [...near.near.keys()] : []
  if (found.total === 0 && beside.length === 0) return { memories: [], total: 0 }
  const { index, texts } = await rankedIndex(session, asked, { ...found, beside }, question)
  const nearest = byDocument(index, near)
  const ranker = new Ranker(index)
  // Nothing is in this index that was not to be found.
  const filter = new IndexFilter(index, {}, Number.NEGATIVE_INFINITY)
  const textsOf = (docs: readonly number[]) =>
    docs.map((doc) => texts.get(index.documents.seq[doc] as number) ?? '')
  const byWords = ranker.rank(text, { filter, depth: Math.max(depth, beside.length), nowMs, textsOf })
  const ranking = nearest !== undefined && 'near' in nearest ? fusedWith(byWords, nearest.near) : byWords
  const page = pageOf(ranking, index, begin, query.limit)
  const rows = await rowsOf(session, [...page.hits.keys()])
  const memories = rows.flatMap((row) => {
    const hit = page.hits.get(row.seq)
    if (hit === undefined) return []
    const recalled = { ...memoryFromRow(row), score: hit.score / ranking.best }
    return query.explain === true
      ? {
          ...recalled,
          why: { ...explanation(ranker, byWords, hit.doc, row, nowMs), ...meaningOf(nearest, hit.doc) },
        }
      : recalled
  })
  const isAtLeast = found.isTotalAtLeast || ranking !== byWords
  return {
    memories,
    total: Math.max(found.total, ranking.ranked.length),
    // Of what is near in meaning not all is counted.
    ...(isAtLeast ? { total_is_at_least: true as const } : {}),
    ...endOf(page, rows),
  }
}

/** Similarities by the documents of an index. */
function byDocument({ documents }: MemoryIndex, nearest: Nearest | undefined): Nearest | undefined {
  if (nearest === undefined || 'missing' in nearest) return nearest
  const found = [...nearest.near].flatMap(([seq, similarity]) => {
    const doc = documents.find(seq)
    return doc === undefined ? [] : [[doc, similarity] as const]
  })
  return { near: new Map(found) }
}

/** The memories of a page in this order, as many as one may have by their bytes; without those that are gone since. */
function rowsOf(session: Session, seqs: readonly number[]): Promise<SearchedRow[]> {
  if (seqs.length === 0) return Promise.resolve([])
  return session.rows<SearchedRow>(
    `WITH page AS (SELECT * FROM unnest($1::bigint[]) WITH ORDINALITY AS page (seq, place)),
      measured AS (
        SELECT m.seq, page.place, sum(${BYTES}) OVER (ORDER BY page.place) AS up_to
        FROM page JOIN ${SCHEMA}.memories m ON m.seq = page.seq
      )
    SELECT m.seq, ${rowOf('m')} FROM measured JOIN ${SCHEMA}.memories m ON m.seq = measured.seq
    WHERE ${IS_WITHIN_PAGE} ORDER BY measured.place`,
    [seqs],
  )
}
