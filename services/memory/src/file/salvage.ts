import { existsSync, renameSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import Libsql from 'libsql'
import type { Database, SqlValue } from './database.js'
import { APPLICATION_ID } from './migrate.js'

/** What became of a damaged file. */
export interface Salvaged {
  /** Where the damaged file lies now. */
  readonly setAside: string
  /** Memories that could be read, and are in the new file. */
  readonly memories: number
  /** Places of memories that could not be read, or never were: numbers of memories that were removed are among them. */
  readonly unreadable: number
}

type Connection = InstanceType<typeof Libsql>
type Row = Readonly<Record<string, SqlValue>>

/** Rows that are read at once; of those that cannot be, one half and then the other. */
const PAGE = 512
/** Tables that are carried over beside the memories, as far as they can be read. */
const NOTES = [
  'memory_tags',
  'memory_versions',
  'memory_keys',
  'merged_ids',
  'update_requests',
  'memory_recalls',
  'gone',
  'forget_requests',
  'announcements',
]

/**
 * Sets a damaged memory file aside and fills a new one with what can be read of it. Undefined where it cannot be
 * told that the file is one of ours: then nothing is done. `build` makes a new file of the old one's version.
 */
export function salvage(
  file: string,
  nowMs: number,
  build: (version: number) => Database,
): Salvaged | undefined {
  const version = versionOf(file)
  if (version === undefined) return undefined
  const stamp = new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-')
  const setAside = `${file}.damaged-${stamp}`
  for (const end of ['', '-wal', '-shm']) if (existsSync(file + end)) renameSync(file + end, setAside + end)
  const target = build(version)
  const source = new Libsql(setAside)
  try {
    return { setAside, ...carryOver(source, target) }
  } finally {
    source.close()
    target.close()
  }
}

/** Undefined where the file does not say that it is ours. */
function versionOf(file: string): number | undefined {
  const url = pathToFileURL(file)
  url.searchParams.set('mode', 'ro')
  let connection: Connection | undefined
  try {
    connection = new Libsql(url.href)
    const id = Object.values((connection.prepare('PRAGMA application_id').all()[0] ?? {}) as Row)[0]
    const version = Object.values((connection.prepare('PRAGMA user_version').all()[0] ?? {}) as Row)[0]
    return id === APPLICATION_ID ? Number(version) : undefined
  } catch {
    return undefined
  } finally {
    connection?.close()
  }
}

function carryOver(source: Connection, target: Database): { memories: number; unreadable: number } {
  let memories = 0
  let unreadable = 0
  const take = (first: number, last: number): void => {
    const rows = readable(source, first, last)
    if (rows !== undefined) memories += put(target, 'memories', rows)
    else if (first === last) unreadable++
    else {
      const middle = Math.floor((first + last) / 2)
      take(first, middle)
      take(middle + 1, last)
    }
  }
  const newest = newestOf(source)
  for (let first = 1; first <= newest; first += PAGE) take(first, Math.min(newest, first + PAGE - 1))
  // A number that was given is not given again.
  target.execute(`INSERT INTO sqlite_sequence (name, seq) SELECT 'memories', 0
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'memories')`)
  target.prepare("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'memories'").run(newest)
  for (const table of NOTES) {
    const rows = attempt(() => source.prepare(`SELECT * FROM ${table}`).all() as Row[])
    if (rows !== undefined) put(target, table, rows)
  }
  return { memories, unreadable }
}

/** The highest number that was ever given; where that cannot be read, of the memories that can. */
function newestOf(source: Connection): number {
  const numbers = [
    "SELECT seq FROM sqlite_sequence WHERE name = 'memories'",
    'SELECT max(seq) AS seq FROM memories',
  ].map((sql) => attempt(() => Number((source.prepare(sql).all()[0] as Row | undefined)?.['seq'] ?? 0)) ?? 0)
  return Math.max(...numbers)
}

function readable(source: Connection, first: number, last: number): Row[] | undefined {
  const sql = 'SELECT * FROM memories WHERE seq BETWEEN ? AND ?'
  return attempt(() => source.prepare<[number, number]>(sql).all(first, last) as Row[])
}

function put(target: Database, table: string, rows: readonly Row[]): number {
  return target.transaction(() => {
    let put = 0
    for (const row of rows) {
      const names = Object.keys(row)
      const sql = `INSERT OR IGNORE INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`
      // A row that is not whole, as a text that is none, costs itself alone.
      put += attempt(() => target.prepare(sql).run(...Object.values(row))) ?? 0
    }
    return put
  })
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
