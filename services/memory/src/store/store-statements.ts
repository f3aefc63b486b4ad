import type { Database, SqlValue, Statement } from '../file/database.js'
import { beginningOf, seqsOfText } from '../file/text-tables.js'
import { type MemoryRow, tagKey, type VersionRow } from '../model/memory-record.js'

/** A note about a memory that was removed. */
export interface GoneRow {
  readonly change: string
  readonly sent_at: number
  /** Moment at which it was forgotten or expired. */
  readonly at: number
}

/** An idempotency key; the memory is gone where `seq` is null. */
export interface KeyRow {
  readonly seq: number | null
  readonly content_hash: string
  readonly sent_at: number
  readonly change: string | null
  readonly gone_at: number | null
}

export type StoredRow = MemoryRow & { readonly seq: number }

/** The columns of a memory, in the order of the table. */
const COLUMNS = [
  'id',
  'layer',
  'importance',
  'sent_at',
  'created_at',
  'occurred_at',
  'expires_at',
  'source',
  'owner',
  'scope',
  'stored_by',
  'session_id',
  'turn',
  'origin',
  'trusted',
  'valid_from',
  'valid_to',
  'supersedes',
  'superseded_by',
  'idempotency_key',
  'version',
  'updated_at',
  'count',
  'last_stored_at',
  'bytes',
  'content_hash',
  'stored_hash',
  'tags',
  'metadata',
  'content',
] as const satisfies readonly (keyof MemoryRow)[]

const valuesOf = (row: MemoryRow): SqlValue[] => COLUMNS.map((name) => row[name])
const marks = COLUMNS.map(() => '?').join(', ')

type Reading<Row> = Pick<Statement<Row>, 'all'>
type Writing = Pick<Statement<unknown>, 'run'>

/** What a `RecordWriter` reads and writes; each statement sees what those before it wrote. */
export interface RecordStatements {
  /** Those of which anything is known of their id, or of their text with their owner; where it is not given each is looked for. */
  readonly known?: (rows: readonly MemoryRow[]) => readonly MemoryRow[]
  readonly byId: Reading<StoredRow>
  readonly bySeq: Reading<StoredRow>
  readonly byText: Reading<StoredRow>
  readonly goneById: Reading<GoneRow>
  readonly merged: Reading<{ seq: number }>
  readonly key: Reading<KeyRow>
  readonly ownerBytes: Reading<{ bytes: number }>
  readonly versions: Reading<VersionRow>
  readonly updateRequest: Reading<{ seq: number; version: number }>
  readonly dropGone: Writing
  readonly insertMerged: Writing
  readonly insertKey: Writing
  readonly dropOldVersions: Writing
  readonly insertUpdateRequest: Writing
  /** The number under which the row lies from then on. */
  readonly insert: (row: MemoryRow) => number
  readonly insertVersion: (row: MemoryRow, seq: number, replacedAtMs: number) => void
  readonly change: (row: MemoryRow, seq: number) => void
}

/** The prepared statements of whatever writes memories. */
export function statementsFor(database: Database) {
  const insert = database.prepare(`INSERT INTO memories (${COLUMNS.join(', ')}) VALUES (${marks})`)
  const change = database.prepare(
    `UPDATE memories SET ${COLUMNS.map((name) => `${name} = ?`).join(', ')} WHERE seq = ?`,
  )
  const insertVersion = database.prepare(
    `INSERT INTO memory_versions (seq, replaced_at, ${COLUMNS.join(', ')}) VALUES (?, ?, ${marks})`,
  )
  const known = database.prepare<{ at: number }>(
    `WITH asked AS MATERIALIZED (
        SELECT key AS at, value ->> 0 AS id, ${beginningOf('value ->> 1')} AS text, value ->> 2 AS owner FROM json_each(?))
      SELECT at FROM asked WHERE EXISTS (SELECT 1 FROM memories WHERE id = asked.id)
        OR EXISTS (SELECT 1 FROM merged_ids WHERE id = asked.id) OR EXISTS (SELECT 1 FROM gone WHERE id = asked.id)
        OR EXISTS (${seqsOfText('asked.text', 'asked.owner')})`,
  )
  const insertTag = database.prepare('INSERT INTO memory_tags (tag, seq) VALUES (?, ?)')
  const dropTags = database.prepare('DELETE FROM memory_tags WHERE seq = ?')
  const insertTags = (row: MemoryRow, seq: number): void => {
    for (const tag of JSON.parse(row.tags) as string[]) insertTag.run(tagKey(tag), seq)
  }
  return {
    byId: database.prepare<StoredRow>('SELECT * FROM memories WHERE id = ?'),
    known: (rows: readonly MemoryRow[]): MemoryRow[] => {
      const asked = rows.map(({ id, content_hash, owner }) => [id, content_hash, owner])
      return known.all(JSON.stringify(asked)).flatMap(({ at }) => rows[at] ?? [])
    },
    bySeq: database.prepare<StoredRow>('SELECT * FROM memories WHERE seq = ?'),
    byText: database.prepare<StoredRow>(
      `SELECT * FROM memories WHERE seq IN (${seqsOfText(beginningOf('?1'), '?2')}) AND owner = ?2
        AND content_hash = ?1 AND scope = ?3 AND session_id IS ?4 AND turn IS ?5 AND trusted = ?6
        AND (expires_at IS NULL OR expires_at > ?7) AND (valid_to IS NULL OR valid_to > ?7) ORDER BY seq LIMIT 1`,
    ),
    goneById: database.prepare<GoneRow>('SELECT change, sent_at, at FROM gone WHERE id = ?'),
    dropGone: database.prepare('DELETE FROM gone WHERE id = ?'),
    merged: database.prepare<{ seq: number }>('SELECT seq FROM merged_ids WHERE id = ?'),
    insertMerged: database.prepare('INSERT INTO merged_ids (id, seq, sent_at, at) VALUES (?, ?, ?, ?)'),
    key: database.prepare<KeyRow>('SELECT * FROM memory_keys WHERE owner = ? AND key = ?'),
    insertKey: database.prepare(
      'INSERT OR REPLACE INTO memory_keys (owner, key, seq, content_hash, sent_at) VALUES (?, ?, ?, ?, ?)',
    ),
    ownerBytes: database.prepare<{ bytes: number }>('SELECT bytes FROM owner_totals WHERE owner = ?'),
    versions: database.prepare<VersionRow & { number: number }>(
      'SELECT * FROM memory_versions WHERE seq = ? AND version < ? ORDER BY version DESC LIMIT ?',
    ),
    dropOldVersions: database.prepare('DELETE FROM memory_versions WHERE seq = ? AND version <= ?'),
    updateRequest: database.prepare<{ seq: number; version: number }>(
      'SELECT seq, version FROM update_requests WHERE id = ?',
    ),
    insertUpdateRequest: database.prepare(
      'INSERT OR REPLACE INTO update_requests (id, seq, version, at) VALUES (?, ?, ?, ?)',
    ),
    recalled: database.prepare(
      `INSERT INTO memory_recalls (seq, recalls, recalled_at) SELECT seq, ?, ? FROM memories WHERE id = ?
        ON CONFLICT (seq) DO UPDATE SET recalls = recalls + excluded.recalls, recalled_at = excluded.recalled_at`,
    ),
    counts: database.prepare<{ memories: number; announcements: number }>(
      `SELECT (SELECT count(*) FROM memories) AS memories,
        (SELECT count(*) FROM announcements) AS announcements`,
    ),
    /** The number under which the row lies from then on. */
    insert: (row: MemoryRow): number => {
      const seq = insert.insert(...valuesOf(row))
      insertTags(row, seq)
      return seq
    },
    insertVersion: (row: MemoryRow, seq: number, replacedAtMs: number): void => {
      insertVersion.run(seq, replacedAtMs, ...valuesOf(row))
    },
    change: (row: MemoryRow, seq: number): void => {
      change.run(...valuesOf(row), seq)
      dropTags.run(seq)
      insertTags(row, seq)
    },
  }
}
