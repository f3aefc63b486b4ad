import {
  type MemoryQuery,
  type MemoryQueryInput,
  type MemoryRecalled,
  queryOthersSchema,
} from '@jamey/contracts'
import type { Database, SqlValue, Statement } from '../file/database.js'
import type { QueryVector } from '../model/embeddings.js'
import { MemoryRefusedError } from '../model/errors.js'
import { type MemoryRow, memoryFromRow, parsed } from '../model/memory-record.js'
import type { Reach } from '../model/memory-storage.js'
import { beginOf, cursorAt, placeOf } from './cursor.js'
import { explanation } from './explanation.js'
import { fewWithWords, newest } from './few.js'
import {
  asksTheFile,
  type Condition,
  circumstancesOf,
  type Filter,
  filterCondition,
  ownedBy,
} from './filter.js'
import { fusedWith, meaningOf } from './fuse.js'
import { IndexFilter } from './index-filter.js'
import { IndexKeeper } from './index-keeper.js'
import { Meaning } from './meaning.js'
import type { MemoryIndex } from './memory-index.js'
import { depthFor, endOf, pageOf } from './page.js'
import { type Ranked, Ranker } from './ranking.js'
import { score } from './score.js'
import { RANKING, type RankingSettings } from './settings.js'
import { CHARACTERS } from './signals/proximity.js'

/** Bytes of one page, as content, tags and metadata lie in the file; it has one memory at least. */
const PAGE_BYTES = 256 * 1024
const BYTES = 'octet_length(m.content) + octet_length(m.tags) + octet_length(m.metadata)'
/** The first of a page is, whatever its size. */
const IS_WITHIN_PAGE = `(measured.up_to <= ${PAGE_BYTES} OR measured.up_to = measured.bytes)`
/** Time for which the index is read before others have their turn. */
const SLICE_MS = 25

interface MeasuredRow {
  readonly seq: number
  readonly bytes: number
}

/** Of what the index has found already: it is up with the file. */
const ANY: Condition = { sql: 'true', values: [] }

type SearchedRow = MemoryRow & { readonly seq: number }

export interface RecallOptions {
  /** Time after which a question that waits for the index is given up; 5 seconds by default. */
  readonly queryMs?: number | undefined
  readonly ranking?: Partial<RankingSettings> | undefined
}

/**
 * Answers queries from one database: by words from an index in memory, which is read from the file when the first such
 * query comes and is up with it at each; without words by SQL. Tags are searched like the content.
 */
export class Recall {
  readonly #database: Database
  readonly #keeper: IndexKeeper
  readonly #meaning: Meaning
  readonly #queryMs: number
  readonly #settings: RankingSettings
  /** Keyed by the SQL text, of which there are a few dozen at most: one per combination of conditions. */
  readonly #statements = new Map<string, Statement<unknown>>()
  #ranker: Ranker | undefined

  constructor(database: Database, { queryMs = 5_000, ranking }: RecallOptions = {}) {
    this.#settings = { ...RANKING, ...ranking }
    this.#database = database
    this.#queryMs = queryMs
    this.#keeper = new IndexKeeper(database)
    this.#meaning = new Meaning(database)
  }

  /** `asked` is what the words mean; what is near it is found beside what has them. */
  async query(
    input: MemoryQueryInput,
    nowMs: number,
    reach?: Reach,
    asked?: QueryVector,
  ): Promise<MemoryRecalled> {
    const query = parsed(queryOthersSchema, input)
    const filter: Filter = {
      ...circumstancesOf(query),
      layers: query.layers,
      heldAtMs: query.include_superseded === true ? undefined : nowMs,
      fromMs: query.from === undefined ? undefined : Date.parse(query.from),
      toMs: query.to === undefined ? undefined : Date.parse(query.to),
      reach: reach ?? ownedBy(query.owner),
    }
    const text = query.query?.trim() ?? ''
    if (text === '') return this.#database.reading(() => this.#list(query, filter, nowMs))
    return this.#whenUp(() => this.#search(text, query, filter, { nowMs, asked }))
  }

  /** Reads the index until it is up with the file, so that the first question need not wait for it. */
  async warm(): Promise<void> {
    await this.#whenUp(() => undefined, Number.POSITIVE_INFINITY)
    while (!this.#database.reading(() => this.#meaning.catchUp(SLICE_MS))) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Asks in the transaction in which the index is up with the file, so that every memory it names is there. */
  async #whenUp<T>(ask: () => T, forMs = this.#queryMs): Promise<T> {
    const until = performance.now() + forMs
    for (;;) {
      const answer = this.#database.reading(() =>
        this.#keeper.catchUp(SLICE_MS) ? { value: ask() } : undefined,
      )
      if (answer !== undefined) return answer.value
      if (performance.now() > until) throw tooSlow(forMs)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #list(query: MemoryQuery, wanted: Filter, nowMs: number): MemoryRecalled {
    const place = query.cursor === undefined ? undefined : placeOf(query.cursor, 2)
    const offset = place === undefined ? (query.offset ?? 0) : 0
    const behind = place === undefined ? '' : ' AND (m.occurred_at, m.seq) < (?, ?)'
    const known = this.#keeper.isUp && !asksTheFile(wanted) ? this.#fitting(wanted, nowMs) : undefined
    const docs = isOfAll(wanted) ? known?.few : known?.all()
    const few = docs && newest(this.#keeper.index, docs, offset + query.limit + 1, place)
    const filter = few === undefined ? filterCondition(wanted, nowMs) : ANY
    const from =
      few === undefined ? 'memories m' : 'json_each(?) one CROSS JOIN memories m ON m.seq = one.value'
    const rows = this.#rows<SearchedRow & { readonly available: number }>(
      `WITH page AS MATERIALIZED (
          SELECT m.seq, m.occurred_at, ${BYTES} AS bytes FROM ${from} WHERE ${filter.sql}${behind}
          ORDER BY m.occurred_at DESC, m.seq DESC LIMIT ? OFFSET ?
        ),
        measured AS (
          SELECT seq, bytes, sum(bytes) OVER (ORDER BY occurred_at DESC, seq DESC) AS up_to,
            count(*) OVER () AS available FROM page
        )
      SELECT m.*, measured.available FROM measured CROSS JOIN memories m ON m.seq = measured.seq
      WHERE ${IS_WITHIN_PAGE} ORDER BY m.occurred_at DESC, m.seq DESC`,
      [
        ...(few === undefined ? [] : [JSON.stringify(few)]),
        ...[...filter.values, ...(place ?? []), query.limit + 1, offset],
      ],
    )
    const taken = rows.slice(0, query.limit)
    const available = rows[0]?.available ?? 0
    const last = taken.at(-1)
    return {
      memories: taken.map((row) => {
        const facts = { relevance: 1, importance: row.importance, ageMs: nowMs - row.occurred_at }
        return { ...memoryFromRow(row), score: score(facts) }
      }),
      // To count rows takes longer than to read a page of them.
      total: docs?.length ?? known?.count() ?? this.#count(filter),
      ...(taken.length < Math.min(query.limit, available) ? { truncated: true } : {}),
      ...(last !== undefined && taken.length < available
        ? { next_cursor: cursorAt([last.occurred_at, last.seq]) }
        : {}),
    }
  }

  #count({ sql, values }: Condition): number {
    const [counted] = this.#rows<{ total: number }>(
      `SELECT count(*) AS total FROM memories m WHERE ${sql}`,
      values,
    )
    return counted?.total ?? 0
  }

  #fitting(filter: Filter, nowMs: number, allowed?: ReadonlySet<number>): IndexFilter {
    return new IndexFilter(this.#keeper.index, filter, nowMs, allowed)
  }

  #search(text: string, query: MemoryQuery, filter: Filter, { nowMs, asked }: Asked): MemoryRecalled {
    const { index } = this.#keeper
    const begin = beginOf(query.cursor, query.offset)
    const depth = depthFor(begin, query.limit)
    const wanted = this.#wanted(text, filter, { nowMs, asked })
    const nearest = this.#meaning.nearest(asked, index, { wanted, depth })
    const near = nearest !== undefined && 'near' in nearest ? nearest.near : undefined
    const ranker = this.#rankerOf(index)
    const byWords = ranker.rank(text, {
      filter: wanted,
      depth: Math.max(depth, near?.size ?? 0),
      nowMs,
      textsOf: (docs) => this.#textsOf(index, docs),
    })
    const ranking = near === undefined ? byWords : fusedWith(byWords, near)
    const page = pageOf(ranking, index, begin, query.limit)
    const rows = this.#page([...page.hits.keys()])
    const memories = rows.map((row) => {
      const { doc, score: found } = page.hits.get(row.seq) as Ranked
      const recalled = { ...memoryFromRow(row), score: found / ranking.best }
      return query.explain === true
        ? {
            ...recalled,
            why: { ...explanation(ranker, byWords, doc, row, nowMs), ...meaningOf(nearest, doc) },
          }
        : recalled
    })
    return {
      memories,
      total: ranking.total,
      ...(ranking.isTotalAtLeast ? { total_is_at_least: true } : {}),
      ...endOf(page, rows),
    }
  }

  /** The file is asked about those alone that have a word of the question, or fit what the index knows, where these are few. */
  #wanted(text: string, filter: Filter, { nowMs, asked }: Asked): IndexFilter {
    const { index } = this.#keeper
    const known = this.#fitting(filter, nowMs)
    if (!asksTheFile(filter)) return known
    const { sql, values } = filterCondition(filter, nowMs)
    // What is near in meaning has none of the words.
    const isByWords = asked === undefined || 'missing' in asked
    const docs = known.few ?? (isByWords ? fewWithWords(index, text, known) : undefined)
    const rows =
      docs === undefined
        ? this.#rows<{ seq: number }>(`SELECT m.seq FROM memories m WHERE ${sql}`, values)
        : this.#rows<{ seq: number }>(
            `SELECT m.seq FROM json_each(?) one CROSS JOIN memories m ON m.seq = one.value WHERE ${sql}`,
            [JSON.stringify(Array.from(docs, (doc) => index.documents.seq[doc])), ...values],
          )
    return this.#fitting(filter, nowMs, new Set(rows.map(({ seq }) => seq)))
  }

  /** The memories of a page in this order, as many as one may have by their bytes. */
  #page(seqs: readonly number[]): SearchedRow[] {
    if (seqs.length === 0) return []
    const asked = JSON.stringify(seqs)
    const measured = this.#rows<MeasuredRow>(
      `SELECT m.seq, ${BYTES} AS bytes FROM memories m WHERE m.seq IN (SELECT value FROM json_each(?))`,
      [asked],
    )
    const sizes = new Map(measured.map(({ seq, bytes }) => [seq, bytes]))
    let bytes = 0
    const taken = seqs.filter((seq, i) => {
      bytes += sizes.get(seq) ?? 0
      return i === 0 || bytes <= PAGE_BYTES
    })
    const rows = this.#rows<SearchedRow>(
      'SELECT m.* FROM memories m WHERE m.seq IN (SELECT value FROM json_each(?))',
      [JSON.stringify(taken)],
    )
    const bySeq = new Map(rows.map((row) => [row.seq, row]))
    return taken.flatMap((seq) => bySeq.get(seq) ?? [])
  }

  /** The beginnings of texts, which tell enough of them. */
  #textsOf({ documents }: MemoryIndex, docs: readonly number[]): string[] {
    const seqs = docs.map((doc) => documents.seq[doc] as number)
    const rows = this.#rows<{ seq: number; content: string }>(
      `SELECT m.seq, substr(m.content, 1, ${CHARACTERS}) AS content FROM memories m
        WHERE m.seq IN (SELECT value FROM json_each(?))`,
      [JSON.stringify(seqs)],
    )
    const bySeq = new Map(rows.map(({ seq, content }) => [seq, content]))
    return seqs.map((seq) => bySeq.get(seq) ?? '')
  }

  #rankerOf(index: MemoryIndex): Ranker {
    if (this.#ranker?.index !== index) this.#ranker = new Ranker(index, this.#settings)
    return this.#ranker
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

/** The file finds the newest of all by itself, and those of a session or with tags only by sorting all of these. */
function isOfAll({ sessionId, tags = [] }: Filter): boolean {
  return sessionId === undefined && tags.length === 0
}

interface Asked {
  readonly nowMs: number
  readonly asked: QueryVector | undefined
}

function tooSlow(forMs: number): MemoryRefusedError {
  const why = `the words of the memories are still being read, which took longer than ${forMs} ms`
  return new MemoryRefusedError('memory-query-timeout', `${why}; ask again in a moment.`)
}
