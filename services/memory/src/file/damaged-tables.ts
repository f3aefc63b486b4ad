import type Libsql from 'libsql'
import type { SqlValue } from './database.js'

export type Connection = InstanceType<typeof Libsql>
export type Row = Readonly<Record<string, SqlValue>>

/** Rows that are read at once; of those that cannot be, one half and then the other. */
const PAGE = 512

/** A table whose rows lie by number, with indexes that have these numbers as well. */
export interface NumberedTable {
  readonly table: string
  readonly number: string
  readonly indexes: readonly string[]
}

/** A table whose rows lie by a key, and indexes by one column each, which have the keys of all rows in which it is set. */
export interface KeyedTable {
  readonly table: string
  readonly key: readonly string[]
  readonly indexes: readonly { readonly name: string; readonly column: string }[]
  /** A row that says enough, of one that cannot be read and of which an index has a column and the key. */
  readonly rowFrom?: (indexed: Row) => Row | undefined
}

type Take = (rows: Row[]) => void

/** Hands over every row that can be read; the result is the number of places up to `highest` that cannot be. */
export function readNumbered(
  source: Connection,
  { table, number }: NumberedTable,
  highest: number,
  take: Take,
): number {
  const range = attempt(() =>
    source.prepare<[number, number]>(`SELECT * FROM ${table} WHERE ${number} BETWEEN ? AND ?`),
  )
  let unreadable = 0
  const read = (first: number, last: number): void => {
    const rows = attempt(() => range?.all(first, last) as Row[] | undefined)
    if (rows !== undefined) take(rows)
    else if (first === last) unreadable++
    else {
      const middle = Math.floor((first + last) / 2)
      read(first, middle)
      read(middle + 1, last)
    }
  }
  for (let first = 1; first <= highest; first += PAGE) read(first, Math.min(highest, first + PAGE - 1))
  return unreadable
}

/** The highest number that is or was given, by whatever tells it; undefined where nothing can be read. */
export function highestNumber(
  source: Connection,
  { table, number, indexes }: NumberedTable,
): number | undefined {
  const told = [
    `SELECT seq AS highest FROM sqlite_sequence WHERE name = '${table}'`,
    `SELECT max(${number}) AS highest FROM ${table}`,
    ...indexes.map((index) => `SELECT max(${number}) AS highest FROM ${table} INDEXED BY ${index}`),
  ].flatMap((sql) => attempt(() => source.prepare(sql).all() as Row[]) ?? [])
  return told.length === 0 ? undefined : Math.max(...told.map(({ highest }) => Number(highest ?? 0)))
}

/**
 * Hands over every row that can be read: from both ends to where they cannot, and of those in between each whose key
 * an index has. The result is the number of rows that cannot be read, of which one at the least is counted where the
 * indexes do not tell.
 */
export function readKeyed(
  source: Connection,
  { table, key, indexes, rowFrom }: KeyedTable,
  take: Take,
): number {
  const seen = new Set<string>()
  const keyOf = (row: Row) => key.map((column) => row[column] ?? null)
  const note: Take = (rows) => {
    for (const row of rows) seen.add(JSON.stringify(keyOf(row)))
    take(rows)
  }
  if (readInOrder(source, `* FROM ${table} WHERE true`, key, note)) return 0
  const one = attempt(() => source.prepare(`SELECT * FROM ${table} WHERE (${key}) = (${marks(key)})`))
  let unreadable = 0
  const lookUp: Take = (rows) => {
    for (const row of rows) {
      const wanted = JSON.stringify(keyOf(row))
      if (seen.has(wanted)) continue
      seen.add(wanted)
      const [found] = attempt(() => one?.all(keyOf(row)) as Row[] | undefined) ?? []
      const known = found ?? rowFrom?.(row)
      if (known === undefined) unreadable++
      else take([known])
    }
  }
  let isKnown = indexes.length > 0
  for (const { name, column } of indexes) {
    const from = `${column}, ${key} FROM ${table} INDEXED BY ${name} WHERE ${column} IS NOT NULL`
    isKnown = readInOrder(source, from, [column, ...key], lookUp) && isKnown
  }
  return isKnown ? unreadable : Math.max(1, unreadable)
}

/** Whether all could be read, from one end or, where that comes to something that cannot be, from both. */
function readInOrder(source: Connection, from: string, columns: readonly string[], take: Take): boolean {
  return read('ASC', '>') || (read('DESC', '<') && false)

  function read(direction: string, beyond: string): boolean {
    const order = columns.map((column) => `${column} ${direction}`)
    let last: Row | undefined
    for (let size = PAGE; size > 0; ) {
      const bound = last === undefined ? '' : `AND (${columns}) ${beyond} (${marks(columns)})`
      const values = last === undefined ? [] : columns.map((column) => last?.[column] ?? null)
      const sql = `SELECT ${from} ${bound} ORDER BY ${order} LIMIT ${size}`
      const rows = attempt(() => source.prepare(sql).all(values) as Row[])
      if (rows === undefined) size = Math.floor(size / 2)
      else {
        take(rows)
        if (rows.length < size) return true
        last = rows.at(-1)
      }
    }
    return false
  }
}

const marks = (columns: readonly string[]): string => columns.map(() => '?').join(', ')

export function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
