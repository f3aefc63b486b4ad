import type { MemoryQueryInput, MemoryRecalled } from '@jamey/contracts'
import type { Reach } from '../../model/memory-storage.js'
import type { Session } from '../database-pool.js'
import { filterSql, reachSql } from '../filter.js'
import { rowOf } from '../memory-columns.js'
import { SCHEMA } from '../migrations.js'
import { Parameters } from '../parameters.js'
import {
  MOST_LOOKED_THROUGH,
  PastMemories,
  type PastQuestion,
  type PastRow,
  pastQuestion,
} from './past-memories.js'

/** Of one transaction, all of which sees the same. */
export const BEGIN_READING = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'
/** Versions that are put in the index before the event loop does other work. */
const ROWS = 100
/** Text of versions that one question looks through, the newest first. */
const MOST_BYTES = 64 * 1024 * 1024

/** Answers what was known, and held, at a time, as `Recall` does of a file; inside a transaction. */
export async function recallAsOf(
  session: Session,
  input: MemoryQueryInput,
  { nowMs, reach }: { readonly nowMs: number; readonly reach: Reach | undefined },
): Promise<MemoryRecalled> {
  const question = pastQuestion(input, nowMs, reach)
  const { sql, parameters } = versionsOfThen(question, nowMs)
  await session.run(`DECLARE past NO SCROLL CURSOR FOR ${sql}`, parameters.values)
  const past = new PastMemories()
  let [count, bytes] = [0, 0]
  while (count < MOST_LOOKED_THROUGH && bytes < MOST_BYTES) {
    const rows = await session.rows<PastRow>(`FETCH ${ROWS} FROM past`)
    for (const row of rows) {
      past.add(row)
      bytes += row.bytes
    }
    count += rows.length
    if (rows.length < ROWS) return past.page(question, false)
  }
  return past.page(question, true)
}

/** Metadata of versions, which are kept as text alone; what `jsonb` does not take is replaced, as in `facts`. */
const FACTS_OF_VERSION = `regexp_replace(v.metadata, '\\\\u(0000|d[89a-f][0-9a-f]{2})', '\\\\ufffd', 'gi')::jsonb`

/** The version of each memory that was the newest then, the latest first. */
function versionsOfThen({ atMs, filter }: PastQuestion, nowMs: number) {
  const parameters = new Parameters()
  const at = `${parameters.add(atMs)}::bigint`
  const readable = filter.reach === undefined ? 'true' : reachSql(filter.reach, parameters, 'c')
  const condition = filterSql(filter, nowMs, parameters)
  const sql = `SELECT m.seq, ${rowOf('m')} FROM (
      SELECT n.seq, ${rowOf('n')}, n.facts FROM ${SCHEMA}.memories n WHERE n.created_at <= ${at} AND n.updated_at <= ${at}
      UNION ALL
      SELECT v.seq, ${rowOf('v')}, ${FACTS_OF_VERSION} FROM ${SCHEMA}.memory_versions v
        JOIN ${SCHEMA}.memories c ON c.seq = v.seq
        WHERE v.updated_at <= ${at} AND v.replaced_at > ${at} AND ${readable}
    ) m WHERE (m.valid_from IS NULL OR m.valid_from <= ${at}) AND ${condition}
    ORDER BY m.occurred_at DESC, m.seq DESC LIMIT ${MOST_LOOKED_THROUGH}`
  return { sql, parameters }
}
