import { randomUUID } from 'node:crypto'
import { type MemoryUpdate, memoryUpdateSchema } from '@jamey/contracts'
import type { Announcement, MemoryChange } from '../model/announcement.js'
import { type MemoryRow, memoryFromRow } from '../model/memory-record.js'
import type { Session } from './database-pool.js'
import { rowOf } from './memory-columns.js'
import { SCHEMA } from './migrations.js'
import type { Turn } from './turn.js'

/** An announcement that nobody published for so long belongs to an instance that has surely died. */
const ORPHANED_AFTER_MS = 60_000
/** What an instance has held this long it takes anew before it publishes it, so that no other one does, too. */
const RENEWED_AFTER_MS = 20_000
/** Number of ids in one announcement at the most, so that no message grows without bound. */
const IDS_PER_ANNOUNCEMENT = 500

const ADD = `INSERT INTO ${SCHEMA}.announcements (message_id, owner, change, memory_ids, at, claimed_at)
  SELECT message_id, $1, change, memory_ids, $2, $2
  FROM json_to_recordset($3) AS given (message_id text, change text, memory_ids text)`

/** Each is claimed by one instance alone: others pass by what one is about to claim. */
const CLAIM = `UPDATE ${SCHEMA}.announcements a SET owner = $1, claimed_at = $2
  FROM (
    SELECT seq FROM ${SCHEMA}.announcements
    WHERE claimed_at <= $2::bigint - ${RENEWED_AFTER_MS}
      AND (owner = $1 OR claimed_at <= $2::bigint - ${ORPHANED_AFTER_MS})
    ORDER BY seq LIMIT 1000 FOR UPDATE SKIP LOCKED
  ) AS due WHERE a.seq = due.seq`

const TAKE = `SELECT a.seq, a.message_id, a.change, a.memory_ids, to_json(m) AS memory
  FROM ${SCHEMA}.announcements a LEFT JOIN LATERAL (
    SELECT ${rowOf('m')} FROM ${SCHEMA}.memories m
    WHERE a.change = 'stored' AND json_array_length(a.memory_ids::json) = 1
      AND m.id = a.memory_ids::json ->> 0 AND m.scope = 'shared'
  ) m ON true
  WHERE a.owner = $1 AND a.seq > $2 AND a.claimed_at > $3::bigint - ${ORPHANED_AFTER_MS} ORDER BY a.seq LIMIT $4`

interface AnnouncementRow {
  readonly seq: number
  readonly message_id: string
  readonly change: string
  readonly memory_ids: string
  /**
   * Read only now, so that one that was forgotten in between is announced without its content, as private ones are. Of
   * several there is none: they were stored as private ones.
   */
  readonly memory: MemoryRow | null
}

/** Changes that are announced, in their order. */
export interface Announced {
  readonly change: MemoryChange
  readonly ids: readonly string[]
  /** Told with its content. */
  readonly isShared?: boolean | undefined
}

export async function announce(
  { session, announcer, nowMs }: Turn,
  changes: readonly Announced[],
): Promise<void> {
  if (announcer === undefined || changes.length === 0) return
  const rows = together(changes)
    .flatMap(partsOf)
    .map(({ change, ids }) => ({
      message_id: randomUUID(),
      change,
      memory_ids: JSON.stringify(ids),
    }))
  await session.run(ADD, [announcer, nowMs, JSON.stringify(rows)])
}

/** Memories that were stored one after the other, and are told without their content, are told together, as in a file. */
function together(changes: readonly Announced[]): Announced[] {
  const told: { readonly change: MemoryChange; readonly ids: string[]; readonly isBare: boolean }[] = []
  for (const { change, ids, isShared } of changes) {
    const isBare = change === 'stored' && isShared !== true
    const last = told.at(-1)
    if (isBare && last?.isBare === true) last.ids.push(...ids)
    else told.push({ change, ids: [...ids], isBare })
  }
  return told.map(({ change, ids }) => ({ change, ids: [...new Set(ids)] }))
}

function partsOf({ change, ids }: Announced): Announced[] {
  const parts = []
  for (let i = 0; i < ids.length; i += IDS_PER_ANNOUNCEMENT) {
    parts.push({ change, ids: ids.slice(i, i + IDS_PER_ANNOUNCEMENT) })
  }
  return parts
}

/** The oldest announcements after `afterSeq` that `owner` has to publish, those included that another one left behind. */
export async function pendingAnnouncements(
  session: Session,
  { owner, limit, afterSeq, nowMs }: { owner: string; limit: number; afterSeq: number; nowMs: number },
): Promise<Announcement[]> {
  await session.run(CLAIM, [owner, nowMs])
  const rows = await session.rows<AnnouncementRow>(TAKE, [owner, afterSeq, nowMs, limit])
  return rows.map((row) => ({ seq: row.seq, messageId: row.message_id, update: updateFrom(row) }))
}

function updateFrom({ change, memory_ids, memory }: AnnouncementRow): MemoryUpdate {
  return {
    change: memoryUpdateSchema.shape.change.parse(change),
    memory_ids: JSON.parse(memory_ids) as string[],
    ...(memory === null ? {} : { memory: memoryFromRow(memory) }),
  }
}
