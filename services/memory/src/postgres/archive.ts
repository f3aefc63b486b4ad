import {
  exportSchema,
  historySchema,
  type MemoryExported,
  type MemoryExportInput,
  type MemoryHistory,
  type MemoryHistoryInput,
  type MemoryStats,
} from '@jamey/contracts'
import {
  type AppliedUpdate,
  archivedFrom,
  type Leading,
  type LeadingKey,
  type MergedMessage,
} from '../model/archived-memory.js'
import {
  isoOf,
  type MemoryRow,
  memoryFromRow,
  parsed,
  storable,
  type VersionRow,
  versionFromRow,
} from '../model/memory-record.js'
import type { Reach } from '../model/memory-storage.js'
import { cursorOf, numberOf, withinPage } from '../store/archive-pages.js'
import { mayRead } from '../store/reach.js'
import { isGone } from '../store/record-writer.js'
import type { StoredRow } from '../store/store-statements.js'
import type { Session } from './database-pool.js'
import { filterSql } from './filter.js'
import { rowOf } from './memory-columns.js'
import { SCHEMA } from './migrations.js'
import { Parameters } from './parameters.js'

/** Memories read as a whole: their versions, their number, and what an archive has of them; as `ArchivePages` does. */

interface Reading {
  readonly nowMs: number
  readonly reach: Reach | undefined
}

const VERSIONS = `SELECT v.seq, v.replaced_at, ${rowOf('v')} FROM ${SCHEMA}.memory_versions v`

/** Of what was private or a group's once, others see as little as they did then. */
export async function historyOf(
  session: Session,
  input: MemoryHistoryInput,
  { nowMs, reach }: Reading,
): Promise<MemoryHistory> {
  const { id, limit, cursor } = parsed(historySchema, input)
  const [row] = await session.rows<StoredRow>(
    `SELECT m.seq, ${rowOf('m')} FROM ${SCHEMA}.memories m WHERE m.id = $1`,
    [id],
  )
  if (row === undefined || isGone(row, nowMs) || !mayRead(row, reach)) return { versions: [] }
  const before = cursor === undefined ? row.version + 1 : numberOf(cursor)
  const newest = before > row.version ? [memoryFromRow(row)] : []
  const older = await session.rows<VersionRow>(
    `${VERSIONS} WHERE v.seq = $1 AND v.version < $2 ORDER BY v.version DESC LIMIT $3`,
    [row.seq, before, limit + 1 - newest.length],
  )
  const readable = older.filter((version) => mayRead(version, reach)).map(versionFromRow)
  const page = withinPage([...newest, ...readable].slice(0, limit))
  const last = page.at(-1)
  const isMore = older.length + newest.length > limit || page.length < newest.length + readable.length
  return { versions: page, ...(isMore && last !== undefined ? { next_cursor: cursorOf(last.version) } : {}) }
}

/** The memories of one owner in the order of storing. */
export async function exportPageOf(
  session: Session,
  input: MemoryExportInput,
  { nowMs, reach }: Reading,
): Promise<MemoryExported> {
  const { limit, cursor, with_history } = parsed(exportSchema, input)
  const parameters = new Parameters()
  const filter = filterSql({ reach: reach && { ...reach, isOwnOnly: true } }, nowMs, parameters)
  const after = parameters.add(cursor === undefined ? 0 : numberOf(cursor))
  const rows = await session.rows<StoredRow>(
    `SELECT m.seq, ${rowOf('m')} FROM ${SCHEMA}.memories m
      WHERE m.seq > ${after} AND ${filter} ORDER BY m.seq LIMIT ${parameters.add(limit + 1)}`,
    parameters.values,
  )
  const versions = with_history === true ? await versionsOf(session, rows) : undefined
  const leading = await leadingTo(session, rows)
  const archived = rows.map((row) => ({
    ...archivedFrom(row, leading.get(row.seq) as Leading),
    ...(versions === undefined ? {} : { history: (versions.get(row.seq) ?? []).map(versionFromRow) }),
  }))
  const memories = withinPage(archived.slice(0, limit))
  const last = rows[memories.length - 1]
  const isMore = memories.length < rows.length
  return { memories, ...(isMore && last !== undefined ? { next_cursor: cursorOf(last.seq) } : {}) }
}

async function versionsOf(session: Session, rows: readonly StoredRow[]): Promise<Map<number, VersionRow[]>> {
  const found = await session.rows<VersionRow & { seq: number }>(
    `${VERSIONS} WHERE v.seq = ANY($1) ORDER BY v.seq, v.version DESC`,
    [rows.map(({ seq }) => seq)],
  )
  const byMemory = new Map<number, VersionRow[]>(rows.map(({ seq }) => [seq, []]))
  for (const version of found) byMemory.get(version.seq)?.push(version)
  return byMemory
}

/** What leads to each; of very many keys or messages the newest. */
async function leadingTo(session: Session, rows: readonly StoredRow[]): Promise<Map<number, Leading>> {
  const keyed = rows.filter(({ idempotency_key }) => idempotency_key !== null).map(({ seq }) => seq)
  const merged = rows.filter(({ count }) => count > 1).map(({ seq }) => seq)
  const keys = await ofEach<LeadingKey>(session, KEYS_OF_EACH, keyed)
  const messages = await ofEach<MergedMessage>(session, MESSAGES_OF_EACH, merged)
  const changed = rows.filter(({ version }) => version > 1).map(({ seq }) => seq)
  const updates = await ofEach<AppliedUpdate>(session, UPDATES_OF_EACH, changed)
  const of = <One extends object>(all: readonly (One & { readonly seq: number })[], seq: number) =>
    all.filter((one) => one.seq === seq)
  return new Map(
    rows.map(({ seq }) => [
      seq,
      { keys: of(keys, seq), messages: of(messages, seq), updates: of(updates, seq) },
    ]),
  )
}

async function ofEach<One>(session: Session, sql: string, seqs: readonly number[]) {
  return seqs.length === 0 ? [] : session.rows<One & { readonly seq: number }>(sql, [seqs])
}

const KEYS_OF_EACH = `SELECT given.seq, k.key, k.content_hash FROM unnest($1::bigint[]) AS given (seq)
  CROSS JOIN LATERAL (
    SELECT key, content_hash FROM ${SCHEMA}.memory_keys WHERE seq = given.seq ORDER BY sent_at DESC, key LIMIT 100
  ) AS k`
const MESSAGES_OF_EACH = `SELECT given.seq, m.id, m.sent_at FROM unnest($1::bigint[]) AS given (seq)
  CROSS JOIN LATERAL (
    SELECT id, sent_at FROM ${SCHEMA}.merged_ids WHERE seq = given.seq ORDER BY at DESC, id LIMIT 100
  ) AS m`
const UPDATES_OF_EACH = `SELECT given.seq, u.id, u.version FROM unnest($1::bigint[]) AS given (seq)
  CROSS JOIN LATERAL (
    SELECT id, version FROM ${SCHEMA}.update_requests WHERE seq = given.seq ORDER BY version DESC, id LIMIT 100
  ) AS u`

export async function statsOf(session: Session, { nowMs, reach }: Reading): Promise<MemoryStats> {
  const parameters = new Parameters()
  const filter = filterSql({ reach }, nowMs, parameters)
  const [row] = await session.rows<Pick<MemoryStats, 'memories' | 'bytes' | 'by_layer' | 'by_scope'> & Times>(
    `WITH fitting AS (SELECT m.layer, m.scope, m.bytes, m.created_at FROM ${SCHEMA}.memories m WHERE ${filter}),
      layers AS (SELECT layer AS name, count(*) AS memories FROM fitting GROUP BY 1),
      scopes AS (SELECT scope AS name, count(*) AS memories FROM fitting GROUP BY 1)
    SELECT count(*) AS memories, coalesce(sum(bytes), 0)::bigint AS bytes, min(created_at) AS oldest,
      max(created_at) AS newest,
      (SELECT coalesce(json_object_agg(name, memories), '{}') FROM layers) AS by_layer,
      (SELECT coalesce(json_object_agg(name, memories), '{}') FROM scopes) AS by_scope
    FROM fitting`,
    parameters.values,
  )
  const { memories = 0, bytes = 0, by_layer = {}, by_scope = {}, oldest = null, newest = null } = row ?? {}
  return {
    memories,
    by_layer,
    by_scope,
    bytes,
    ...(oldest === null ? {} : { oldest: isoOf(oldest) }),
    ...(newest === null ? {} : { newest: isoOf(newest) }),
    index: {},
  }
}

interface Times {
  readonly oldest: number | null
  readonly newest: number | null
}

/** One memory by its id. */
export async function memoryOf(session: Session, id: string, { nowMs, reach }: Reading) {
  const parameters = new Parameters()
  const filter = filterSql({ reach }, nowMs, parameters)
  const [row] = await session.rows<MemoryRow>(
    `SELECT ${rowOf('m')} FROM ${SCHEMA}.memories m WHERE m.id = ${parameters.add(storable(id))} AND ${filter}`,
    parameters.values,
  )
  return row === undefined ? undefined : memoryFromRow(row)
}
