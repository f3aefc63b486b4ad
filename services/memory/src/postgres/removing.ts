import { announceRemoved } from './announcements.js'
import type { Filter } from './filter.js'
import { filterSql } from './filter.js'
import { SCHEMA } from './migrations.js'
import { Parameters } from './parameters.js'
import type { Turn } from './turn.js'

export interface Doomed {
  readonly seq: number
  readonly id: string
}

/** Number of memories that are removed in one turn; more take several, with others' writes in between. */
const BATCH = 500
/** Time in which the id of a removed memory, or of a request to forget, is recognised when it is repeated. */
const REPEAT_WINDOW_MS = 7 * 24 * 3600 * 1000

const REMOVE = `WITH
    removed AS (DELETE FROM ${SCHEMA}.memories WHERE seq = ANY($1) RETURNING id, sent_at, expires_at, terms, terms_count),
    buried AS (
      INSERT INTO ${SCHEMA}.gone (id, change, sent_at, at)
        SELECT id, $2, sent_at, least($3, coalesce(expires_at, $3)) FROM removed
        ON CONFLICT (id) DO UPDATE SET change = excluded.change, sent_at = excluded.sent_at, at = excluded.at
    ),
    counted AS (
      UPDATE ${SCHEMA}.words SET memories = words.memories - fewer.memories
        FROM (SELECT word, count(*) AS memories FROM removed, unnest(tsvector_to_array(terms)) AS word GROUP BY word) AS fewer
        WHERE words.word = fewer.word
    )
  UPDATE ${SCHEMA}.totals SET memories = totals.memories - fewer.memories, terms = totals.terms - fewer.terms
    FROM (SELECT count(*) AS memories, coalesce(sum(terms_count), 0) AS terms FROM removed) AS fewer`

/** Removes memories, and their words with them. */
export async function remove(
  turn: Turn,
  doomed: readonly Doomed[],
  change: 'forgotten' | 'expired',
): Promise<void> {
  if (doomed.length === 0) return
  await turn.session.run(REMOVE, [doomed.map(({ seq }) => seq), change, turn.nowMs])
  await turn.session.run(`DELETE FROM ${SCHEMA}.words WHERE memories <= 0`)
  await announceRemoved(
    turn,
    change,
    doomed.map(({ id }) => id),
  )
}

/**
 * Forgets up to one batch of what fits. The first batch fixes which memory is the newest that may be reached, so neither
 * a later batch nor a repeat of the request takes what was stored meanwhile.
 */
export async function forgetSome(
  turn: Turn,
  request: { readonly id?: string | undefined; readonly filter: Filter },
  requestId: string,
): Promise<{ forgotten: number; isFinished: boolean }> {
  const { session, nowMs } = turn
  const [begun] = await session.rows<{ up_to: number; forgotten: number }>(
    `SELECT up_to, forgotten FROM ${SCHEMA}.forget_requests WHERE id = $1
      UNION ALL SELECT coalesce(max(seq), 0), 0 FROM ${SCHEMA}.memories`,
    [requestId],
  )
  const { up_to: upTo, forgotten: before } = begun ?? { up_to: 0, forgotten: 0 }
  const parameters = new Parameters()
  const limits = [`m.seq <= ${parameters.add(upTo)}`, filterSql(request.filter, nowMs, parameters)]
  if (request.id !== undefined) limits.push(`m.id = ${parameters.add(request.id)}`)
  const doomed = await session.rows<Doomed>(
    `SELECT m.seq, m.id FROM ${SCHEMA}.memories m WHERE ${limits.join(' AND ')} ORDER BY m.seq LIMIT ${BATCH}`,
    parameters.values,
  )
  const forgotten = before + doomed.length
  await session.run(
    `INSERT INTO ${SCHEMA}.forget_requests (id, up_to, forgotten, at) VALUES ($1, $2, $3, $4)
      ON CONFLICT (id) DO UPDATE SET forgotten = excluded.forgotten`,
    [requestId, upTo, forgotten, nowMs],
  )
  await remove(turn, doomed, 'forgotten')
  return { forgotten, isFinished: doomed.length < BATCH }
}

/** Removes up to one batch of what has expired, and old notes about what is gone. */
export async function sweepSome(turn: Turn): Promise<{ expired: number; isFinished: boolean }> {
  const { session, nowMs } = turn
  const doomed = await session.rows<Doomed>(
    `SELECT seq, id FROM ${SCHEMA}.memories WHERE expires_at <= $1 ORDER BY expires_at LIMIT ${BATCH}`,
    [nowMs],
  )
  await remove(turn, doomed, 'expired')
  // Announcements that could not be published for a week, such as for want of a permission, would pile up forever.
  for (const table of ['gone', 'forget_requests', 'announcements']) {
    await session.run(`DELETE FROM ${SCHEMA}.${table} WHERE at < $1`, [nowMs - REPEAT_WINDOW_MS])
  }
  return { expired: doomed.length, isFinished: doomed.length < BATCH }
}
