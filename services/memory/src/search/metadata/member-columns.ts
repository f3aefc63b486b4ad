import type { Database, Statement } from '../../file/database.js'
import { storable } from '../../model/memory-record.js'
import type { Filter } from '../filter.js'
import type { MemoryIndex } from '../memory-index.js'
import { meets, pathOf, type Scalar } from './where.js'

/** Columns that are kept, those that were asked for last: one question asks for 21 at most. */
const KEPT = 24
/** Distinct values of a column, and their characters together; one that has more is none. */
const MOST_VALUES = 65_535
const MOST_CHARACTERS = 4 * 1024 * 1024
/** Documents that are read at once: few enough to stop in time. */
const ROWS = 2000

type Wanted = NonNullable<Filter['where']>[string]

/** What a column is read from, and what of it is wanted. */
interface Asked {
  /** The path of a member of the metadata; undefined for where a memory is from. */
  readonly path: string | undefined
  readonly wanted: Wanted
}

/**
 * The members of the metadata that are asked about, each with its value in every document of an index, so that a
 * question need not ask the file about all of these. A column is read when it is first asked for, and what was added
 * since whenever it is again; a document never changes.
 */
export class MemberColumns {
  readonly #index: MemoryIndex
  readonly #members: Statement<{ rows: string }>
  readonly #origins: Statement<{ rows: string }>
  readonly #columns = new Map<string | undefined, Column>()

  constructor(database: Database, index: MemoryIndex) {
    this.#index = index
    const read = (value: string, condition: string) =>
      database.prepare<{ rows: string }>(
        `SELECT json_group_array(json_array(one.key, ${value})) AS rows
          FROM json_each(?) one CROSS JOIN memories m ON m.seq = one.value WHERE ${condition}`,
      )
    // What is no scalar meets no condition, like what is not there.
    this.#members = read('m.metadata -> ?', "json_type(m.metadata, ?) NOT IN ('object', 'array')")
    this.#origins = read('m.origin', 'm.origin IS NOT NULL')
  }

  /** Reads what a filter asks for of the first so many documents, for about so long; true once there is no more to read. */
  catchUp(filter: Filter, documents: number, forMs: number): boolean {
    const until = performance.now() + forMs
    for (const { path } of askedBy(filter)) {
      const column = this.#column(path)
      while (column.documents < documents && !column.isTooVarious) {
        this.#read(column, path, Math.min(documents, column.documents + ROWS))
        if (performance.now() > until) return false
      }
    }
    return true
  }

  /** For each condition of a filter the documents that meet it, in ascending order; undefined where the file has to be asked. */
  meeting(filter: Filter): Uint32Array[] | undefined {
    const found = askedBy(filter).map(({ path, wanted }) => this.#column(path).meeting(wanted))
    return found.some((docs) => docs === undefined) ? undefined : (found as Uint32Array[])
  }

  #column(path: string | undefined): Column {
    const column = this.#columns.get(path) ?? new Column()
    this.#columns.delete(path)
    this.#columns.set(path, column)
    for (const [oldest] of this.#columns) if (this.#columns.size > KEPT) this.#columns.delete(oldest)
    return column
  }

  #read(column: Column, path: string | undefined, to: number): void {
    const { seq } = this.#index.documents
    const from = column.documents
    const seqs = JSON.stringify(Array.from(seq.subarray(from, to)))
    const [found] = path === undefined ? this.#origins.all(seqs) : this.#members.all(path, seqs, path)
    column.grow(to, seq.length)
    for (const [place, value] of JSON.parse(found?.rows ?? '[]') as [number, Scalar][]) {
      column.put(from + place, value)
    }
  }
}

/** For each document a number that stands for its value; 0 where it has none. */
class Column {
  documents = 0
  isTooVarious = false
  #numbers = new Uint16Array(0)
  readonly #values: Scalar[] = []
  readonly #numberOf = new Map<Scalar, number>()
  /** Number of documents that have each value. */
  readonly #counts: number[] = []
  #characters = 0

  /** Has room for the first so many documents from now on, and at once for as many as the index has. */
  grow(documents: number, room: number): void {
    this.documents = documents
    if (this.#numbers.length >= documents) return
    const grown = new Uint16Array(room)
    grown.set(this.#numbers)
    this.#numbers = grown
  }

  put(doc: number, value: Scalar): void {
    if (this.isTooVarious) return
    const number = this.#numberOf.get(value) ?? this.#add(value)
    if (number === 0) return
    this.#numbers[doc] = number
    this.#counts[number] = (this.#counts[number] as number) + 1
  }

  meeting(wanted: Wanted): Uint32Array | undefined {
    if (this.isTooVarious) return undefined
    const isWanted = new Uint8Array(this.#values.length + 1)
    let left = 0
    for (const [i, value] of this.#values.entries()) {
      if (!meets(value, wanted)) continue
      isWanted[i + 1] = 1
      left += this.#counts[i + 1] as number
    }
    const docs = new Uint32Array(left)
    for (let doc = this.documents - 1; left > 0; doc--) {
      if (isWanted[this.#numbers[doc] as number] === 1) docs[--left] = doc
    }
    return docs
  }

  #add(value: Scalar): number {
    const number = this.#values.push(value)
    this.#numberOf.set(value, number)
    this.#counts[number] = 0
    this.#characters += typeof value === 'string' ? value.length : 0
    if (number < MOST_VALUES && this.#characters <= MOST_CHARACTERS) return number
    this.isTooVarious = true
    this.#numbers = new Uint16Array(0)
    this.#values.length = 0
    this.#counts.length = 0
    this.#numberOf.clear()
    return 0
  }
}

function askedBy({ where = {}, origin }: Filter): Asked[] {
  const members: Asked[] = Object.entries(where).map(([name, wanted]) => ({ path: pathOf(name), wanted }))
  return origin === undefined ? members : [...members, { path: undefined, wanted: storable(origin) }]
}
