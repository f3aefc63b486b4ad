import {
  type MemoryQuery,
  type MemoryQueryInput,
  type MemoryRecalled,
  queryOthersSchema,
} from '@jamey/contracts'
import type { Database } from '../file/database.js'
import type { QueryVector } from '../model/embeddings.js'
import { MemoryRefusedError } from '../model/errors.js'
import { memoryFromRow, parsed } from '../model/memory-record.js'
import type { Reach } from '../model/memory-storage.js'
import { beginOf, cursorAt, placeOf } from './cursor.js'
import { explanation } from './explanation.js'
import {
  asksTheFile,
  type Condition,
  circumstancesOf,
  type Filter,
  filterCondition,
  ownedBy,
} from './filter.js'
import { fusedWith, meaningOf } from './fuse.js'
import { IndexKeeper } from './index-keeper.js'
import { Meaning } from './meaning.js'
import type { MemoryIndex } from './memory-index.js'
import { FileConditions } from './metadata/file-conditions.js'
import { newest } from './newest.js'
import { depthFor, endOf, pageOf } from './page.js'
import { type Ranked, Ranker } from './ranking.js'
import { BYTES, PAGE_BYTES, type PlacedRow, StoredRows } from './rows/stored-rows.js'
import { Versions } from './rows/versions.js'
import { score } from './score.js'
import { RANKING, type RankingSettings } from './settings.js'

/** The first of a page is, whatever its size. */
const IS_WITHIN_PAGE = `(measured.up_to <= ${PAGE_BYTES} OR measured.up_to = measured.bytes)`
/** Time for which the index is read before others have their turn. */
const SLICE_MS = 25

export interface RecallOptions {
  /** Time after which a question that waits for the index is given up; 5 seconds by default. */
  readonly queryMs?: number | undefined
  readonly ranking?: Partial<RankingSettings> | undefined
}

interface Question {
  readonly query: MemoryQuery
  readonly text: string
  readonly filter: Filter
  readonly nowMs: number
  /** The time that is asked about. */
  readonly atMs: number
  readonly asked: QueryVector | undefined
}

/** The index as a question sees it. */
interface Seen {
  readonly index: MemoryIndex
  /** Documents from here on are what memories were at the time that is asked about. */
  readonly first: number
  /** True where there are more of those. */
  readonly isCut: boolean
  /** Where a document lies in the file; see `StoredRows`. */
  readonly placeOf: (doc: number) => number
}

/**
 * Answers queries from one database: by words from an index in memory, which is read from the file when the first such
 * query comes and is up with it at each, and so is a question as of a time; without words by SQL until then. Tags are
 * searched like the content.
 */
export class Recall {
  readonly #database: Database
  readonly #keeper: IndexKeeper
  readonly #meaning: Meaning
  readonly #rows: StoredRows
  readonly #versions: Versions
  readonly #conditions: FileConditions
  readonly #queryMs: number
  readonly #settings: RankingSettings
  #ranker: Ranker | undefined

  constructor(database: Database, { queryMs = 5_000, ranking }: RecallOptions = {}) {
    this.#settings = { ...RANKING, ...ranking }
    this.#database = database
    this.#queryMs = queryMs
    this.#keeper = new IndexKeeper(database)
    this.#meaning = new Meaning(database)
    this.#rows = new StoredRows(database)
    this.#versions = new Versions(database, this.#rows)
    this.#conditions = new FileConditions(database, this.#rows)
  }

  /** `asked` is what the words mean; what is near it is found beside what has them, but for a question as of a time. */
  async query(
    input: MemoryQueryInput,
    nowMs: number,
    reach?: Reach,
    asked?: QueryVector,
  ): Promise<MemoryRecalled> {
    const query = parsed(queryOthersSchema, input)
    const isOfNow = query.as_of === undefined
    const atMs = query.as_of === undefined ? nowMs : Date.parse(query.as_of)
    const filter: Filter = {
      ...circumstancesOf(query),
      layers: query.layers,
      heldAtMs: query.include_superseded === true ? undefined : atMs,
      knownAtMs: isOfNow ? undefined : atMs,
      fromMs: query.from === undefined ? undefined : Date.parse(query.from),
      toMs: query.to === undefined ? undefined : Date.parse(query.to),
      reach: reach ?? ownedBy(query.owner),
    }
    const text = query.query?.trim() ?? ''
    const question = { query, text, filter, nowMs, atMs, asked: isOfNow ? asked : undefined }
    if (text !== '') return this.#whenUp(() => this.#search(question))
    if (!isOfNow) return this.#whenUp(() => this.#list(question))
    return this.#answered(() => (this.#isUpFor(filter) ? this.#list(question) : this.#listByFile(question)))
  }

  /** Reads the index until it is up with the file, so that the first question need not wait for it. */
  async warm(): Promise<void> {
    await this.#whenUp(() => true, Number.POSITIVE_INFINITY)
    while (!this.#database.reading(() => this.#meaning.catchUp(SLICE_MS))) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Asks in the transaction in which the index is up with the file, so that every memory it names is there. */
  #whenUp<T>(ask: () => T | undefined, forMs = this.#queryMs): Promise<T> {
    return this.#answered(() => (this.#keeper.catchUp(SLICE_MS) ? ask() : undefined), forMs)
  }

  /** Asks again, and others have their turn meanwhile, until there is an answer. */
  async #answered<T>(ask: () => T | undefined, forMs = this.#queryMs): Promise<T> {
    const until = performance.now() + forMs
    for (;;) {
      const answer = this.#database.reading(ask)
      if (answer !== undefined) return answer
      if (performance.now() > until) throw tooSlow(forMs)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** A list does not wait for the index; where the file would have to look through all, what is new is read at once. */
  #isUpFor(filter: Filter): boolean {
    if (this.#keeper.isUp) return true
    return asksTheFile(filter) && this.#keeper.isBegun && this.#keeper.catchUp(SLICE_MS)
  }

  /** With what memories were at the time that is asked about where they have changed since, as long as `answer` lasts. */
  #seen<T>({ filter, nowMs, atMs }: Question, answer: (seen: Seen) => T): T {
    const { index } = this.#keeper
    const { documents } = index
    if (filter.knownAtMs === undefined) {
      const placeOf = (doc: number) => documents.seq[doc] as number
      return answer({ index, first: documents.count, isCut: false, placeOf })
    }
    const { versions, isCut } = this.#versions.of(filter, atMs, nowMs)
    return index.beside(versions, (first) => {
      const placeOf = (doc: number) =>
        doc < first ? (documents.seq[doc] as number) : -(versions[doc - first]?.number ?? 0)
      return answer({ index, first, isCut, placeOf })
    })
  }

  #list(question: Question): MemoryRecalled | undefined {
    const { query, filter, nowMs, atMs } = question
    return this.#seen(question, ({ index, first, isCut, placeOf: placeIn }) => {
      const wanted = this.#conditions.filter(index, { filter, nowMs, text: undefined, first })
      if (wanted === undefined) return undefined
      const place = query.cursor === undefined ? undefined : placeOf(query.cursor, 2)
      const offset = place === undefined ? (query.offset ?? 0) : 0
      const { docs, total } = newest(index, wanted, offset + query.limit + 1, place)
      const available = docs.slice(offset)
      const rows = this.#rows.page(available.slice(0, query.limit).map(placeIn))
      return listed(rows, { query, available: available.length, total, isCut, atMs })
    })
  }

  #listByFile({ query, filter: wanted, nowMs, atMs }: Question): MemoryRecalled {
    const filter = filterCondition(wanted, nowMs)
    const place = query.cursor === undefined ? undefined : placeOf(query.cursor, 2)
    const offset = place === undefined ? (query.offset ?? 0) : 0
    const behind = place === undefined ? '' : ' AND (m.occurred_at, m.seq) < (?, ?)'
    const rows = this.#rows.all<PlacedRow & { readonly available: number }>(
      `WITH page AS MATERIALIZED (
          SELECT m.seq, m.occurred_at, ${BYTES} AS bytes FROM memories m WHERE ${filter.sql}${behind}
          ORDER BY m.occurred_at DESC, m.seq DESC LIMIT ? OFFSET ?
        ),
        measured AS (
          SELECT seq, bytes, sum(bytes) OVER (ORDER BY occurred_at DESC, seq DESC) AS up_to,
            count(*) OVER () AS available FROM page
        )
      SELECT m.*, measured.available FROM measured CROSS JOIN memories m ON m.seq = measured.seq
      WHERE ${IS_WITHIN_PAGE} ORDER BY m.occurred_at DESC, m.seq DESC`,
      [...filter.values, ...(place ?? []), query.limit + 1, offset],
    )
    // To count rows takes longer than to read a page of them.
    const facts = { available: rows[0]?.available ?? 0, total: this.#count(filter), isCut: false }
    return listed(rows.slice(0, query.limit), { query, atMs, ...facts })
  }

  #count({ sql, values }: Condition): number {
    const [counted] = this.#rows.all<{ total: number }>(
      `SELECT count(*) AS total FROM memories m WHERE ${sql}`,
      values,
    )
    return counted?.total ?? 0
  }

  #search(question: Question): MemoryRecalled | undefined {
    return this.#seen(question, (seen) => this.#searchIn(seen, question))
  }

  #searchIn(seen: Seen, { text, query, filter, nowMs, atMs, asked }: Question): MemoryRecalled | undefined {
    const { index, first, isCut, placeOf: placeIn } = seen
    const begin = beginOf(query.cursor, query.offset)
    const depth = depthFor(begin, query.limit)
    // What is near in meaning has none of the words.
    const isByWords = asked === undefined || 'missing' in asked
    const wanted = this.#conditions.filter(index, {
      filter,
      nowMs,
      text: isByWords ? text : undefined,
      first,
    })
    if (wanted === undefined) return undefined
    const nearest = this.#meaning.nearest(asked, index, { wanted, depth })
    const near = nearest !== undefined && 'near' in nearest ? nearest.near : undefined
    const ranker = this.#rankerOf(index)
    const byWords = ranker.rank(text, {
      filter: wanted,
      depth: Math.max(depth, near?.size ?? 0),
      nowMs: atMs,
      isOfThen: filter.knownAtMs !== undefined,
      textsOf: (docs) => this.#rows.texts(docs.map(placeIn)),
    })
    const ranking = near === undefined ? byWords : fusedWith(byWords, near)
    const page = pageOf(ranking, index, begin, query.limit)
    const rows = this.#rows.page(Array.from(page.hits.values(), ({ doc }) => placeIn(doc)))
    const memories = rows.map((row) => {
      const { doc, score: found } = page.hits.get(row.seq) as Ranked
      const recalled = { ...memoryFromRow(row), score: found / ranking.best }
      return query.explain === true
        ? {
            ...recalled,
            why: { ...explanation(ranker, byWords, doc, row, atMs), ...meaningOf(nearest, doc) },
          }
        : recalled
    })
    return {
      memories,
      total: ranking.total,
      ...(ranking.isTotalAtLeast || isCut ? { total_is_at_least: true } : {}),
      ...endOf(page, rows),
    }
  }

  #rankerOf(index: MemoryIndex): Ranker {
    if (this.#ranker?.index !== index) this.#ranker = new Ranker(index, this.#settings)
    return this.#ranker
  }
}

interface Listed {
  readonly query: MemoryQuery
  /** Number of memories from the beginning of the page on, up to one more than it has. */
  readonly available: number
  readonly total: number
  readonly isCut: boolean
  readonly atMs: number
}

function listed(
  rows: readonly PlacedRow[],
  { query, available, total, isCut, atMs }: Listed,
): MemoryRecalled {
  const last = rows.at(-1)
  return {
    memories: rows.map((row) => {
      const facts = { relevance: 1, importance: row.importance, ageMs: atMs - row.occurred_at }
      return { ...memoryFromRow(row), score: score(facts) }
    }),
    total,
    ...(isCut ? { total_is_at_least: true } : {}),
    ...(rows.length < Math.min(query.limit, available) ? { truncated: true } : {}),
    ...(last !== undefined && rows.length < available
      ? { next_cursor: cursorAt([last.occurred_at, last.seq]) }
      : {}),
  }
}

function tooSlow(forMs: number): MemoryRefusedError {
  const why = `the memories are still being read for their words or metadata, which took longer than ${forMs} ms`
  return new MemoryRefusedError('memory-query-timeout', `${why}; ask again in a moment.`)
}
