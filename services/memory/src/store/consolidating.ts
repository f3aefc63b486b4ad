import type { LayerLifetimes } from '../model/memory-layers.js'
import { textsOf } from '../model/memory-record.js'
import type { RecordWriter } from './record-writer.js'
import type { StoredRow } from './store-statements.js'

/** What consolidating does to single memories, inside a transaction, wherever these are. */

/** Recalls by which a short_term memory becomes long_term. */
export const RECALLS_TO_KEEP = 5
/** Memories that are compared with each other, the newest first; more would take more memory than their worth. */
export const MOST_COMPARED = 100_000
/** Memories that are looked at, or changed, before others have their turn. */
export const CONSOLIDATED_AT_ONCE = 200

type Circle = Pick<
  StoredRow,
  'owner' | 'scope' | 'session_id' | 'turn' | 'trusted' | 'valid_from' | 'valid_to'
>

/** Only what the same clients may read, and believe alike, and what holds at the same time is one. */
export function circleOf(row: Circle): string {
  const { owner, scope, session_id, turn, trusted, valid_from, valid_to } = row
  return JSON.stringify([owner, scope, session_id, turn, trusted, valid_from, valid_to])
}

/** The older one stays, with the text of the newer, and its own in its history. False where one is gone meanwhile. */
export function mergeNear(
  writer: RecordWriter,
  { older, newer }: { readonly older: StoredRow | undefined; readonly newer: StoredRow | undefined },
  nowMs: number,
): boolean {
  if (older === undefined || newer === undefined) return false
  const united = writer.united(older, newer)
  const next = {
    ...older,
    ...united,
    ...textsOf(newer.content, JSON.parse(united.tags) as string[], united.metadata),
    stored_hash: older.stored_hash ?? older.content_hash,
    count: older.count + newer.count,
    last_stored_at: Math.max(older.last_stored_at, newer.last_stored_at),
    version: older.version + 1,
    updated_at: nowMs,
  }
  writer.change(older, next, nowMs)
  writer.absorb(newer, older.seq, nowMs)
  return true
}

/** Makes a memory long_term. False where it is gone meanwhile, or of another layer. */
export function keepForGood(
  writer: RecordWriter,
  row: StoredRow | undefined,
  { long_term: seconds }: LayerLifetimes,
  nowMs: number,
): boolean {
  if (row?.layer !== 'short_term') return false
  const expires_at = seconds === null ? null : nowMs + seconds * 1000
  const next = {
    ...row,
    layer: 'long_term' as const,
    expires_at,
    version: row.version + 1,
    updated_at: nowMs,
  }
  writer.change(row, next, nowMs)
  return true
}
