import { existsSync, linkSync, renameSync, rmSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import Libsql from 'libsql'
import {
  attempt,
  type Connection,
  highestNumber,
  type KeyedTable,
  type NumberedTable,
  type Row,
  readKeyed,
  readNumbered,
} from './damaged-tables.js'
import type { Database } from './database.js'
import { readLeafPages } from './leaf-pages.js'
import { APPLICATION_ID } from './migrate.js'
import { TableFiller } from './table-filler.js'
import { rebuildTags } from './text-tables.js'

/** What became of a damaged file. */
export interface Salvaged {
  /** Where the damaged file lies now. */
  readonly setAside: string
  /** Memories that could be read, and are in the new file. */
  readonly memories: number
  /** Places of memories that could not be read, or never were: numbers of memories that were removed are among them. */
  readonly unreadable: number
  /** Of what stands beside the memories, by its name, places that could not be read; what is whole is not named. */
  readonly notes: Readonly<Record<string, number>>
}

/** What SQLite has beside a file. */
const BESIDE = ['-wal', '-shm'] as const

const MEMORIES: NumberedTable = { table: 'memories', number: 'seq', indexes: ['memories_by_time'] }
const VERSIONS: NumberedTable = {
  table: 'memory_versions',
  number: 'number',
  indexes: ['memory_versions_by_memory', 'memory_versions_by_time'],
}
const RECALLS: NumberedTable = { table: 'memory_recalls', number: 'seq', indexes: [] }

/** Notes beside the memories, by what they are called when some of them cannot be read. */
const KEYED: Readonly<Record<string, KeyedTable>> = {
  'ids that are gone': {
    table: 'gone',
    key: ['id'],
    indexes: [{ name: 'gone_by_time', column: 'at' }],
    // Enough for what was sent before that time to stay away.
    rowFrom: ({ id = null, at = null }) => ({ id, change: 'forgotten', sent_at: at, at }),
  },
  'idempotency keys': {
    table: 'memory_keys',
    key: ['owner', 'key'],
    indexes: [
      { name: 'memory_keys_by_memory', column: 'seq' },
      { name: 'memory_keys_by_time', column: 'gone_at' },
    ],
    rowFrom: ({ owner = null, key = null, gone_at = null }) =>
      gone_at === null
        ? undefined
        : { owner, key, seq: null, content_hash: '', sent_at: gone_at, change: 'forgotten', gone_at },
  },
  'ids of repeated texts': {
    table: 'merged_ids',
    key: ['id'],
    indexes: [
      { name: 'merged_ids_by_memory', column: 'seq' },
      { name: 'merged_ids_by_time', column: 'at' },
    ],
  },
  'requests to change': {
    table: 'update_requests',
    key: ['id'],
    indexes: [{ name: 'update_requests_by_time', column: 'at' }],
  },
  'requests to forget': { table: 'forget_requests', key: ['id'], indexes: [] },
  announcements: { table: 'announcements', key: ['seq'], indexes: [] },
}

/**
 * Fills a new memory file with what can be read of a damaged one, which is then set aside; until it has all of that, the
 * damaged one stays where it is, so that whoever is stopped on the way begins again. Undefined where it cannot be told
 * that the file is one of ours: then nothing is done. `build` makes a new file of the old one's version.
 */
export function salvage(
  file: string,
  nowMs: number,
  build: (path: string, version: number) => Database,
): Salvaged | undefined {
  const version = versionOf(file)
  if (version === undefined) return undefined
  const stamp = new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-')
  const setAside = `${file}.damaged-${stamp}`
  const draft = `${file}.salvaged`
  try {
    remove(draft)
    const found = filled(file, () => build(draft, version))
    replace(file, draft, setAside)
    return { setAside, ...found }
  } finally {
    remove(draft)
  }
}

const remove = (path: string): void => {
  for (const end of ['', ...BESIDE]) rmSync(path + end, { force: true })
}

function filled(file: string, build: () => Database): Omit<Salvaged, 'setAside'> {
  const target = build()
  const source = new Libsql(file)
  try {
    return carryOver(file, source, target)
  } finally {
    source.close()
    target.close()
  }
}

/** At every moment one of both lies at the place of the file, unless the file system knows no second name of a file. */
function replace(file: string, draft: string, setAside: string): void {
  for (const end of BESIDE) if (existsSync(file + end)) renameSync(file + end, setAside + end)
  if (attempt(() => linkSync(file, setAside) ?? true) === undefined) renameSync(file, setAside)
  renameSync(draft, file)
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

function carryOver(file: string, source: Connection, target: Database): Omit<Salvaged, 'setAside'> {
  const notes: Record<string, number> = {}
  const note = (name: string, unreadable: number): void => {
    if (unreadable > 0) notes[name] = unreadable
  }
  const newest = highestNumber(source, MEMORIES) ?? 0
  const memories = readByNumber(source, target, MEMORIES, newest)
  // A number that was given is not given again.
  target.execute(`INSERT INTO sqlite_sequence (name, seq) SELECT 'memories', 0
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'memories')`)
  target.prepare("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'memories'").run(newest)
  for (const [name, keyed] of Object.entries(KEYED)) {
    if (!hasTable(target, keyed.table)) continue
    const filler = new TableFiller(target, keyed.table)
    note(
      name,
      readKeyed(source, keyed, (rows) => filler.add(rows)),
    )
    filler.flush()
  }
  const isGone = target.prepare('SELECT 1 FROM gone WHERE id = ?')
  addLeafPages(file, source, target, MEMORIES, memories, ({ id = null }) => isGone.all(id).length === 0)
  // What follows counts towards what the owners of these memories have.
  if (hasTable(target, VERSIONS.table)) {
    const versions = readByNumber(source, target, VERSIONS, highestNumber(source, VERSIONS))
    const isThere = target.prepare('SELECT 1 FROM memories WHERE seq = ?')
    addLeafPages(file, source, target, VERSIONS, versions, ({ seq = null }) => isThere.all(seq).length > 0)
    note('earlier versions', versions.unreadable)
    note('counts of recalls', readByNumber(source, target, RECALLS, newest).unreadable)
  }
  target.transaction(() => rebuildTags(target))
  return { memories: memories.rows, unreadable: memories.unreadable, notes }
}

interface Read {
  rows: number
  unreadable: number
}

/** Where no highest number is known, one place that cannot be read stands for all of them. */
function readByNumber(
  source: Connection,
  target: Database,
  numbered: NumberedTable,
  highest: number | undefined,
): Read {
  const filler = new TableFiller(target, numbered.table)
  const unreadable =
    highest === undefined ? 1 : readNumbered(source, numbered, highest, (rows) => filler.add(rows))
  return { rows: filler.flush(), unreadable }
}

/** Adds to `read` the rows that lie below a page that cannot be read. */
function addLeafPages(
  file: string,
  source: Connection,
  target: Database,
  { table }: NumberedTable,
  read: Read,
  mayCome: (row: Row) => boolean,
): void {
  if (read.unreadable === 0 || !isTidy(source)) return
  const filler = new TableFiller(target, table)
  attempt(() => readLeafPages(file, table, (rows) => filler.add(rows.filter(mayCome))))
  const added = filler.flush()
  read.rows += added
  read.unreadable = Math.max(0, read.unreadable - added)
}

/** Whether no page has what was removed long ago, as those of older programs had until the file was written anew. */
function isTidy(source: Connection): boolean {
  return attempt(() => source.prepare("SELECT 1 FROM upkeep WHERE task = 'vacuum'").all())?.length === 0
}

function hasTable(target: Database, table: string): boolean {
  return target.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').all(table).length > 0
}
