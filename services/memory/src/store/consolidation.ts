import type { MemoryConsolidate, MemoryConsolidated } from '@jamey/contracts'
import type { Database } from '../file/database.js'
import type { LayerBudgets, LayerLifetimes } from '../model/memory-layers.js'
import { textsOf } from '../model/memory-record.js'
import type { Reach } from '../model/memory-storage.js'
import { type Condition, filterCondition } from '../search/filter.js'
import { NearTexts } from './near-texts.js'
import type { RecordWriter } from './record-writer.js'
import type { Doomed, Removal } from './removal.js'
import type { StoredRow } from './store-statements.js'

/** Recalls by which a short_term memory becomes long_term. */
export const RECALLS_TO_KEEP = 5
/** Memories that are compared with each other, the newest first; more would take more memory than their worth. */
export const MOST_COMPARED = 100_000
/** Memories that are looked at, or changed, before others have their turn. */
const BATCH = 200

export interface ConsolidationParts {
  readonly database: Database
  readonly writer: RecordWriter
  readonly removal: Removal
  readonly lifetimes: LayerLifetimes
  readonly budgets: LayerBudgets | undefined
  readonly now: () => number
  /** Runs work in a transaction of the store. */
  readonly write: <T>(work: () => T) => Promise<T>
}

interface Pair {
  readonly older: number
  readonly newer: number
}

/**
 * Merges what is nearly the same, keeps what is recalled often or marked with `keep`, and makes room within the budgets.
 * Each step is a transaction of its own: one that does not come to its end is gone on with by the next.
 */
export async function consolidate(
  parts: ConsolidationParts,
  { layer, dry_run }: MemoryConsolidate,
  reach: Reach | undefined,
): Promise<MemoryConsolidated> {
  const isDry = dry_run === true
  const own = reach === undefined ? undefined : { ...reach, isOwnOnly: true }
  const filter = () =>
    filterCondition({ layers: layer === undefined ? undefined : [layer], reach: own }, parts.now())
  const pairs = await nearPairs(parts, filter())
  const merged = isDry ? pairs.length : await mergeAll(parts, pairs)
  const promoted = await promote(parts, filter(), isDry)
  const evicted = await evict(parts, filter(), isDry)
  return { merged, promoted, evicted }
}

async function nearPairs({ database }: ConsolidationParts, { sql, values }: Condition): Promise<Pair[]> {
  const page = database.prepare<StoredRow>(
    `SELECT * FROM memories m WHERE m.seq > ? AND ${sql} ORDER BY m.seq LIMIT ${BATCH}`,
  )
  const [begin] = database
    .prepare<{ seq: number }>(
      `SELECT m.seq FROM memories m WHERE ${sql} ORDER BY m.seq DESC LIMIT 1 OFFSET ${MOST_COMPARED}`,
    )
    .all(...values)
  const near = new NearTexts()
  const pairs: Pair[] = []
  for (let after = begin?.seq ?? 0; ; ) {
    const rows = page.all(after, ...values)
    for (const row of rows) {
      const older = near.add(row.seq, circleOf(row), row.content)
      if (older !== undefined) pairs.push({ older, newer: row.seq })
    }
    const last = rows.at(-1)
    if (last === undefined) return pairs
    after = last.seq
    await new Promise(setImmediate)
  }
}

/** Only what the same clients may read, and believe alike, and what holds at the same time is one. */
function circleOf(row: StoredRow): string {
  const { owner, scope, session_id, turn, trusted, valid_from, valid_to } = row
  return JSON.stringify([owner, scope, session_id, turn, trusted, valid_from, valid_to])
}

async function mergeAll(parts: ConsolidationParts, pairs: readonly Pair[]): Promise<number> {
  let merged = 0
  for (let i = 0; i < pairs.length; i += BATCH) {
    merged += await parts.write(() => {
      const done = pairs.slice(i, i + BATCH).filter((pair) => mergePair(parts, pair))
      return done.length
    })
  }
  return merged
}

/** The older one stays, with the text of the newer, and its own in its history. False where one is gone meanwhile. */
function mergePair({ writer, removal, now }: ConsolidationParts, pair: Pair): boolean {
  const [older] = writer.statements.bySeq.all(pair.older)
  const [newer] = writer.statements.bySeq.all(pair.newer)
  if (older === undefined || newer === undefined) return false
  const nowMs = now()
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
  removal.absorb(newer, older.seq, nowMs)
  return true
}

async function promote(parts: ConsolidationParts, filter: Condition, isDry: boolean): Promise<number> {
  const { database, writer, lifetimes, now } = parts
  const found = database.prepare<StoredRow>(
    `SELECT m.* FROM memories m LEFT JOIN memory_recalls r ON r.seq = m.seq
      WHERE m.layer = 'short_term' AND (r.recalls >= ${RECALLS_TO_KEEP} OR json_extract(m.metadata, '$.keep') = 1)
      AND ${filter.sql} ORDER BY m.seq`,
  )
  const rows = found.all(...filter.values)
  if (isDry) return rows.length
  const { long_term: seconds } = lifetimes
  for (let i = 0; i < rows.length; i += BATCH) {
    await parts.write(() => {
      const nowMs = now()
      for (const { seq } of rows.slice(i, i + BATCH)) {
        const [row] = writer.statements.bySeq.all(seq)
        if (row?.layer !== 'short_term') continue
        const expires_at = seconds === null ? null : nowMs + seconds * 1000
        writer.change(
          row,
          { ...row, layer: 'long_term', expires_at, version: row.version + 1, updated_at: nowMs },
          nowMs,
        )
      }
    })
  }
  return rows.length
}

/** Beyond the budget of a layer the least important go, and of these the seldom recalled, and the old. */
async function evict(parts: ConsolidationParts, filter: Condition, isDry: boolean): Promise<number> {
  const { database, budgets = {}, removal, now } = parts
  let evicted = 0
  for (const [layer, budget] of Object.entries(budgets)) {
    const doomed = database
      .prepare<Doomed>(
        `SELECT seq, id FROM (
          SELECT m.seq, m.id, row_number() OVER (
            PARTITION BY m.owner ORDER BY m.importance DESC, coalesce(r.recalls, 0) DESC, m.occurred_at DESC, m.seq DESC
          ) AS place FROM memories m LEFT JOIN memory_recalls r ON r.seq = m.seq WHERE m.layer = ? AND ${filter.sql}
        ) WHERE place > ? ORDER BY seq`,
      )
      .all(layer, ...filter.values, budget)
    evicted += doomed.length
    for (let i = 0; i < doomed.length && !isDry; i += BATCH) {
      await parts.write(() => removal.forget(doomed.slice(i, i + BATCH), now()))
    }
  }
  return evicted
}
