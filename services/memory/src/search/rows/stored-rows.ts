import type { Database, SqlValue, Statement } from '../../file/database.js'
import type { MemoryRow } from '../../model/memory-record.js'
import { CHARACTERS } from '../signals/proximity.js'

/** Bytes of one page, as content, tags and metadata lie in the file; it has one memory at least. */
export const PAGE_BYTES = 256 * 1024
export const BYTES = 'octet_length(m.content) + octet_length(m.tags) + octet_length(m.metadata)'

interface Placed {
  readonly place: number
}

/** The memory at a place: its `seq`, or, of what one was before, the number of that version below zero. */
export type PlacedRow = MemoryRow & Placed & { readonly seq: number }

/** Reads what was found from the file. */
export class StoredRows {
  readonly #database: Database
  /** Keyed by the SQL text, of which there are a few dozen at most: one per combination of conditions. */
  readonly #statements = new Map<string, Statement<unknown>>()

  constructor(database: Database) {
    this.#database = database
  }

  /** The memories of a page in this order, as many as one may have by their bytes. */
  page(places: readonly number[]): PlacedRow[] {
    const measured = this.#at<{ readonly bytes: number }>(`${BYTES} AS bytes`, places)
    let bytes = 0
    const taken = places.filter((place, i) => {
      bytes += measured.get(place)?.bytes ?? 0
      return i === 0 || bytes <= PAGE_BYTES
    })
    const rows = this.#at<PlacedRow>('m.*', taken)
    return taken.flatMap((place) => rows.get(place) ?? [])
  }

  /** The beginnings of the texts at these places, in the same order; they tell enough of them. */
  texts(places: readonly number[]): string[] {
    const rows = this.#at<{ readonly content: string }>(
      `substr(m.content, 1, ${CHARACTERS}) AS content`,
      places,
    )
    return places.map((place) => rows.get(place)?.content ?? '')
  }

  all<Row>(sql: string, values: readonly SqlValue[]): Row[] {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare<unknown>(sql)
      this.#statements.set(sql, statement)
    }
    return statement.all(...values) as Row[]
  }

  #at<Row>(columns: string, places: readonly number[]): Map<number, Row & Placed> {
    const seqs = places.filter((place) => place > 0)
    const numbers = places.filter((place) => place < 0).map((place) => -place)
    const among = (table: string, key: string, place: string, asked: readonly number[]) =>
      asked.length === 0
        ? []
        : this.all<Row & Placed>(
            `SELECT ${columns}, ${place} AS place FROM ${table} m WHERE m.${key} IN (SELECT value FROM json_each(?))`,
            [JSON.stringify(asked)],
          )
    const rows = [
      ...among('memories', 'seq', 'm.seq', seqs),
      ...among('memory_versions', 'number', '-m.number', numbers),
    ]
    return new Map(rows.map((row) => [row.place, row]))
  }
}
