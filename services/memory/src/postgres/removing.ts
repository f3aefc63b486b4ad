import type { MemoryForgetOthers } from '@jamey/contracts'
import type { Reach } from '../model/memory-storage.js'
import { circumstancesOf, ownedBy } from '../search/filter.js'
import { mayBeMany, mustBeConfirmed } from '../store/confirmation.js'
import { announce } from './announcements.js'
import type { Session } from './database-pool.js'
import { filterSql } from './filter.js'
import { SCHEMA } from './migrations.js'
import { Parameters } from './parameters.js'
import type { Turn } from './turn.js'
import type { Absorbed } from './working-set.js'

export interface Doomed {
  readonly seq: number
  readonly id: string
}

/** Number of memories that are removed in one turn; more take several, with others' writes in between. */
const BATCH = 500
/** Time in which the id of a removed memory, or of a request to forget, is recognised when it is repeated. */
const REPEAT_WINDOW_MS = 7 * 24 * 3600 * 1000

const REMOVE = `WITH
    removed AS (
      DELETE FROM ${SCHEMA}.memories WHERE seq = ANY($1)
        RETURNING id, sent_at, expires_at, owner, bytes, terms, terms_count
    ),
    versions AS (DELETE FROM ${SCHEMA}.memory_versions WHERE seq = ANY($1) RETURNING owner, bytes),
    merged AS (DELETE FROM ${SCHEMA}.merged_ids WHERE seq = ANY($1) RETURNING id, sent_at),
    keys AS (
      UPDATE ${SCHEMA}.memory_keys SET seq = NULL, content_hash = '', change = $2, gone_at = $3 WHERE seq = ANY($1)
    ),
    buried AS (
      INSERT INTO ${SCHEMA}.gone (id, change, sent_at, at)
        SELECT id, $2, sent_at, least($3, coalesce(expires_at, $3)) FROM removed WHERE $4::boolean
        UNION ALL SELECT id, $2, sent_at, $3 FROM merged
        ON CONFLICT (id) DO UPDATE SET change = excluded.change, sent_at = excluded.sent_at, at = excluded.at
    ),
    counted AS (
      UPDATE ${SCHEMA}.words SET memories = words.memories - fewer.memories
        FROM (SELECT word, count(*) AS memories FROM removed, unnest(tsvector_to_array(terms)) AS word GROUP BY word) AS fewer
        WHERE words.word = fewer.word
    ),
    owned AS (
      UPDATE ${SCHEMA}.owner_totals SET memories = owner_totals.memories - fewer.memories,
          bytes = owner_totals.bytes - fewer.bytes
        FROM (
          SELECT owner, sum(memories) AS memories, sum(bytes) AS bytes FROM (
            SELECT owner, 1 AS memories, bytes FROM removed UNION ALL SELECT owner, 0, bytes FROM versions
          ) AS each GROUP BY owner
        ) AS fewer
        WHERE owner_totals.owner = fewer.owner
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
  await removeRows(turn, doomed, change, true)
  await announce(turn, [{ change, ids: doomed.map(({ id }) => id) }])
}

async function removeRows(
  { session, nowMs }: Turn,
  doomed: readonly Pick<Doomed, 'seq'>[],
  change: 'forgotten' | 'expired',
  isBuried: boolean,
): Promise<void> {
  await session.run(REMOVE, [doomed.map(({ seq }) => seq), change, nowMs, isBuried])
  await session.run(`DELETE FROM ${SCHEMA}.words WHERE memories <= 0`)
}

const HAND_OVER = `WITH
    given AS (
      SELECT * FROM json_to_recordset($1) AS given (seq bigint, id text, sent_at bigint, "into" bigint)
    ),
    keys AS (UPDATE ${SCHEMA}.memory_keys k SET seq = given."into" FROM given WHERE k.seq = given.seq),
    merged AS (UPDATE ${SCHEMA}.merged_ids m SET seq = given."into" FROM given WHERE m.seq = given.seq)
  INSERT INTO ${SCHEMA}.merged_ids (id, seq, sent_at, at) SELECT id, "into", sent_at, $2 FROM given
    ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, sent_at = excluded.sent_at, at = excluded.at`

/** Removes memories that have become part of others, where their messages and keys lead from then on. */
export async function absorb(turn: Turn, absorbed: readonly Absorbed[]): Promise<void> {
  if (absorbed.length === 0) return
  await turn.session.run(HAND_OVER, [JSON.stringify(absorbed), turn.nowMs])
  await removeRows(turn, absorbed, 'forgotten', false)
}

/** Removes those of these that are still there. */
export async function forgetThese(turn: Turn, doomed: readonly Doomed[]): Promise<void> {
  const there = await turn.session.rows<Doomed>(
    `SELECT seq, id FROM ${SCHEMA}.memories WHERE seq = ANY($1) ORDER BY seq`,
    [doomed.map(({ seq }) => seq)],
  )
  await remove(turn, there, 'forgotten')
}

/**
 * Forgets up to one batch of what fits. The first batch fixes which memory is the newest that may be reached, so neither
 * a later batch nor a repeat of the request takes what was stored meanwhile. Throws `MemoryRefusedError` where there are
 * more than are forgotten without being confirmed.
 */
export async function forgetSome(
  turn: Turn,
  request: MemoryForgetOthers,
  requestId: string,
  reach: Reach | undefined,
): Promise<{ forgotten: number; isFinished: boolean }> {
  const { session, nowMs } = turn
  const [begun] = await session.rows<{ up_to: number; forgotten: number }>(
    `SELECT up_to, forgotten FROM ${SCHEMA}.forget_requests WHERE id = $1`,
    [requestId],
  )
  const upTo = begun?.up_to ?? (await newestOf(session))
  if (begun === undefined && mayBeMany(request))
    mustBeConfirmed(request, await countFitting(turn, request, reach))
  const { condition, values } = fitting(request, nowMs, reach, upTo)
  const doomed = await session.rows<Doomed>(
    `SELECT m.seq, m.id FROM ${SCHEMA}.memories m WHERE ${condition} ORDER BY m.seq LIMIT ${BATCH}`,
    values,
  )
  const forgotten = (begun?.forgotten ?? 0) + doomed.length
  await session.run(
    `INSERT INTO ${SCHEMA}.forget_requests (id, up_to, forgotten, at) VALUES ($1, $2, $3, $4)
      ON CONFLICT (id) DO UPDATE SET forgotten = excluded.forgotten`,
    [requestId, upTo, forgotten, nowMs],
  )
  await remove(turn, doomed, 'forgotten')
  return { forgotten, isFinished: doomed.length < BATCH }
}

/** Number of memories that a request would forget now. */
export async function countFitting(
  { session, nowMs }: Pick<Turn, 'session' | 'nowMs'>,
  request: MemoryForgetOthers,
  reach: Reach | undefined,
): Promise<number> {
  const { condition, values } = fitting(request, nowMs, reach, Number.MAX_SAFE_INTEGER)
  const sql = `SELECT count(*) AS count FROM ${SCHEMA}.memories m WHERE ${condition}`
  return (await session.rows<{ count: number }>(sql, values))[0]?.count ?? 0
}

async function newestOf(session: Session): Promise<number> {
  const sql = `SELECT coalesce(max(seq), 0) AS seq FROM ${SCHEMA}.memories`
  return (await session.rows<{ seq: number }>(sql))[0]?.seq ?? 0
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
  for (const table of ['gone', 'forget_requests', 'update_requests', 'merged_ids', 'announcements']) {
    await session.run(`DELETE FROM ${SCHEMA}.${table} WHERE at < $1`, [nowMs - REPEAT_WINDOW_MS])
  }
  await session.run(`DELETE FROM ${SCHEMA}.memory_keys WHERE gone_at < $1`, [nowMs - REPEAT_WINDOW_MS])
  return { expired: doomed.length, isFinished: doomed.length < BATCH }
}

/** What a request to forget fits. Of others' memories nothing is, whoever may read them. */
function fitting(request: MemoryForgetOthers, nowMs: number, reach: Reach | undefined, upTo: number) {
  const parameters = new Parameters()
  const ids = request.id === undefined ? request.ids : [request.id]
  const filter = filterSql(
    {
      ...circumstancesOf(request),
      layers: request.layer === undefined ? undefined : [request.layer],
      beforeMs: request.before === undefined ? undefined : Date.parse(request.before),
      reach: reach === undefined ? ownedBy(request.owner) : { ...reach, isOwnOnly: true },
    },
    nowMs,
    parameters,
  )
  const conditions = [`m.seq <= ${parameters.add(upTo)}::bigint`, filter]
  if (ids !== undefined) conditions.push(`m.id = ANY(${parameters.add(ids)}::text[])`)
  return { condition: conditions.join(' AND '), values: parameters.values }
}
