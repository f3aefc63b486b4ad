import type { MemoryConsolidate, MemoryConsolidated } from '@jamey/contracts'
import type { Database } from '../file/database.js'
import type { LayerBudgets, LayerLifetimes } from '../model/memory-layers.js'
import type { Reach } from '../model/memory-storage.js'
import { type Condition, filterCondition } from '../search/filter.js'
import {
  CONSOLIDATED_AT_ONCE,
  circleOf,
  keepForGood,
  MOST_COMPARED,
  mergeNear,
  RECALLS_TO_KEEP,
} from './consolidating.js'
import { NearTexts } from './near-texts.js'
import type { RecordWriter } from './record-writer.js'
import type { Doomed, Removal } from './removal.js'
import type { StoredRow } from './store-statements.js'

const BATCH = CONSOLIDATED_AT_ONCE

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

async function mergeAll(parts: ConsolidationParts, pairs: readonly Pair[]): Promise<number> {
  const { writer, now } = parts
  const rowOf = (seq: number) => writer.statements.bySeq.all(seq)[0]
  let merged = 0
  for (let i = 0; i < pairs.length; i += BATCH) {
    merged += await parts.write(() => {
      const done = pairs
        .slice(i, i + BATCH)
        .filter(({ older, newer }) => mergeNear(writer, { older: rowOf(older), newer: rowOf(newer) }, now()))
      return done.length
    })
  }
  return merged
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
  for (let i = 0; i < rows.length; i += BATCH) {
    await parts.write(() => {
      for (const { seq } of rows.slice(i, i + BATCH)) {
        keepForGood(writer, writer.statements.bySeq.all(seq)[0], lifetimes, now())
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
