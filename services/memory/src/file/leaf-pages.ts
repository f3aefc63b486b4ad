import Libsql from 'libsql'
import { attempt, type Row } from './damaged-tables.js'

/** The first byte of a page that has rows of a table. */
const LEAF_OF_TABLE = 0x0d

/**
 * Reads the rows of a table from every page of the file that has rows with as many columns, whatever became of the
 * pages that lead there. Each such page takes the place of the table's root in a transaction that is rolled back, so
 * that SQLite reads it as the whole table, and the file stays as it is. No other table may have as many columns.
 */
export function readLeafPages(file: string, table: string, take: (rows: Row[]) => void): void {
  // A connection of its own: one that has read the root already would go by what it knows of it.
  const source = new Libsql(file)
  const first = (sql: string): unknown => Object.values((source.prepare(sql).all()[0] ?? {}) as Row)[0]
  try {
    const root = Number(first(`SELECT rootpage FROM sqlite_schema WHERE name = '${table}'`))
    const columns = Number(first(`SELECT count(*) FROM pragma_table_info('${table}')`))
    const pages = Number(first('PRAGMA page_count'))
    const read = source.prepare<[number]>('SELECT data FROM sqlite_dbpage WHERE pgno = ?')
    const write = source.prepare<[Buffer, number]>('UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?')
    const all = source.prepare(`SELECT * FROM ${table} NOT INDEXED`)
    const one = source.prepare<[number]>(`SELECT * FROM ${table} NOT INDEXED LIMIT 1 OFFSET ?`)
    for (let number = 2; number <= pages; number++) {
      const data = attempt(() => (read.all(number)[0] as { data: ArrayBuffer }).data)
      const page = data && rowsOf(data)
      if (data === undefined || page?.columns !== columns) continue
      source.exec('BEGIN')
      try {
        write.run(Buffer.from(data), root)
        const rows = attempt(() => all.all() as Row[])
        // A row that cannot be read costs itself alone.
        take(rows ?? places(page.rows).flatMap((place) => attempt(() => one.all(place) as Row[]) ?? []))
      } finally {
        source.exec('ROLLBACK')
      }
    }
  } finally {
    source.close()
  }
}

const places = (count: number): number[] => Array.from({ length: count }, (_, place) => place)

/** Of a page with rows of a table: how many there are, and the columns of the first. Undefined for any other. */
function rowsOf(data: ArrayBuffer): { rows: number; columns: number } | undefined {
  const page = Buffer.from(data)
  if (page[0] !== LEAF_OF_TABLE) return undefined
  return attempt(() => {
    const rows = page.readUInt16BE(3)
    let at = page.readUInt16BE(8)
    const next = (): number => {
      let value = 0
      for (let bytes = 1; bytes <= 9; bytes++) {
        const byte = page.readUInt8(at++)
        value = value * 128 + (byte & 0x7f)
        if (byte < 0x80) break
      }
      return value
    }
    // The size of the row, its number, and the size of its header, which has one integer for each column.
    next()
    next()
    const start = at
    const end = start + next()
    let columns = 0
    for (; at < end; columns++) next()
    return { rows, columns }
  })
}
