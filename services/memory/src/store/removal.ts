import type { MemoryForgetOthers } from '@jamey/contracts'
import type { Database } from '../file/database.js'
import type { MemoryChange } from '../model/announcement.js'
import type { Reach } from '../model/memory-storage.js'
import { type Condition, circumstancesOf, filterCondition, ownedBy } from '../search/filter.js'
import { mayBeMany, mustBeConfirmed } from './confirmation.js'

type Announce = (change: MemoryChange, ids: readonly string[], nowMs: number) => void

/** A memory that is to be removed. */
export interface Doomed {
  readonly seq: number
  readonly id: string
}

interface ForgetProgress {
  readonly up_to: number
  readonly forgotten: number
}

/** Number of memories that are removed in one transaction; more are spread over turns of the event loop. */
export const REMOVED_AT_ONCE = 500

/** Changes that are kept for indexes which have not seen them yet; one that is further behind begins anew. */
const KEPT_CHANGES = 100_000

/** Time in which the id of a removed memory, or of a request to forget, is recognised when it is repeated. */
const REPEAT_WINDOW_MS = 7 * 24 * 3600 * 1000

/** Removes memories a batch at a time; every method is called inside a transaction. */
export class Removal {
  readonly #database: Database
  readonly #announce: Announce
  readonly #statements

  constructor(database: Database, announce: Announce) {
    this.#database = database
    this.#announce = announce
    this.#statements = {
      newest: database.prepare<{ seq: number | null }>('SELECT max(seq) AS seq FROM memories'),
      progress: database.prepare<ForgetProgress>('SELECT up_to, forgotten FROM forget_requests WHERE id = ?'),
      saveProgress: database.prepare(
        `INSERT INTO forget_requests (id, up_to, forgotten, at) VALUES (?, ?, ?, ?)
          ON CONFLICT (id) DO UPDATE SET forgotten = excluded.forgotten`,
      ),
      remove: database.prepare('DELETE FROM memories WHERE seq IN (SELECT value FROM json_each(?))'),
      bury: database.prepare(
        `INSERT OR REPLACE INTO gone (id, change, sent_at, at)
          SELECT id, ?, sent_at, min(?, coalesce(expires_at, ?)) FROM memories
          WHERE seq IN (SELECT value FROM json_each(?))`,
      ),
      buryMerged: database.prepare(
        `INSERT OR REPLACE INTO gone (id, change, sent_at, at) SELECT id, ?, sent_at, ? FROM merged_ids
          WHERE seq IN (SELECT value FROM json_each(?))`,
      ),
      dropMergedOf: database.prepare('DELETE FROM merged_ids WHERE seq IN (SELECT value FROM json_each(?))'),
      buryKeys: database.prepare(
        `UPDATE memory_keys SET seq = NULL, content_hash = '', change = ?, gone_at = ?
          WHERE seq IN (SELECT value FROM json_each(?))`,
      ),
      handOverKeys: database.prepare('UPDATE memory_keys SET seq = ? WHERE seq = ?'),
      handOverMerged: database.prepare('UPDATE merged_ids SET seq = ? WHERE seq = ?'),
      insertMerged: database.prepare(
        'INSERT OR REPLACE INTO merged_ids (id, seq, sent_at, at) VALUES (?, ?, ?, ?)',
      ),
      oneExpired: database.prepare<Doomed>('SELECT seq, id FROM memories WHERE id = ? AND expires_at <= ?'),
      expired: database.prepare<Doomed>(
        'SELECT seq, id FROM memories WHERE expires_at <= ? ORDER BY expires_at LIMIT ?',
      ),
      dropGone: database.prepare('DELETE FROM gone WHERE at < ?'),
      dropChanges: database.prepare(
        `DELETE FROM memory_changes WHERE at <= (SELECT max(at) FROM memory_changes) - ${KEPT_CHANGES}`,
      ),
      dropAnnouncements: database.prepare('DELETE FROM announcements WHERE at < ?'),
      dropKeys: database.prepare('DELETE FROM memory_keys WHERE gone_at < ?'),
      dropMerged: database.prepare('DELETE FROM merged_ids WHERE at < ?'),
      dropUpdates: database.prepare('DELETE FROM update_requests WHERE at < ?'),
      dropRequests: database.prepare('DELETE FROM forget_requests WHERE at < ?'),
    }
  }

  /**
   * Forgets up to one batch of what fits. The first batch fixes which memory is the newest that may be reached,
   * so neither a later batch nor a repeat of the request takes what was stored meanwhile. Throws `MemoryRefusedError`
   * where there are more than are forgotten without being confirmed. `most` is the size of the batch.
   */
  forgetSome(
    request: MemoryForgetOthers,
    requestId: string,
    nowMs: number,
    reach?: Reach,
    most = REMOVED_AT_ONCE,
  ): { forgotten: number; isFinished: boolean } {
    const [begun] = this.#statements.progress.all(requestId)
    const upTo = begun?.up_to ?? this.#newest()
    const condition = fitting(request, nowMs, reach)
    if (begun === undefined && mayBeMany(request)) mustBeConfirmed(request, this.#count(upTo, condition))
    const doomed = this.#database
      .prepare<Doomed>(
        `SELECT m.seq, m.id FROM memories m WHERE m.seq <= ? AND ${condition.sql} ORDER BY m.seq LIMIT ?`,
      )
      .all(upTo, ...condition.values, most)
    const forgotten = (begun?.forgotten ?? 0) + doomed.length
    this.#statements.saveProgress.run(requestId, upTo, forgotten, nowMs)
    this.#remove(doomed, 'forgotten', nowMs)
    return { forgotten, isFinished: doomed.length < most }
  }

  /** Number of memories that a request would forget now. */
  countFitting(request: MemoryForgetOthers, nowMs: number, reach?: Reach): number {
    return this.#count(this.#newest(), fitting(request, nowMs, reach))
  }

  /** Removes these memories as forgotten, whosever they are. */
  forget(doomed: readonly Doomed[], nowMs: number): void {
    this.#remove(doomed, 'forgotten', nowMs)
  }

  /** Removes a memory that has become part of another one, where its messages and keys lead from then on. */
  absorb(gone: Doomed & { readonly sent_at: number }, into: number, nowMs: number): void {
    const { handOverKeys, handOverMerged, insertMerged, remove } = this.#statements
    handOverKeys.run(into, gone.seq)
    handOverMerged.run(into, gone.seq)
    insertMerged.run(gone.id, into, gone.sent_at, nowMs)
    remove.run(JSON.stringify([gone.seq]))
    this.#announce('forgotten', [gone.id], nowMs)
  }

  sweepSome(nowMs: number, most = REMOVED_AT_ONCE): { expired: number; isFinished: boolean } {
    const doomed = this.#statements.expired.all(nowMs, most)
    this.#remove(doomed, 'expired', nowMs)
    const { dropGone, dropKeys, dropMerged, dropUpdates, dropRequests } = this.#statements
    for (const drop of [dropGone, dropKeys, dropMerged, dropUpdates, dropRequests]) {
      drop.run(nowMs - REPEAT_WINDOW_MS)
    }
    this.#statements.dropChanges.run()
    // Announcements that could not be published for a week, such as for want of a permission, would pile up forever.
    this.#statements.dropAnnouncements.run(nowMs - REPEAT_WINDOW_MS)
    return { expired: doomed.length, isFinished: doomed.length < most }
  }

  /** Sweeps this one memory now, if it has expired. */
  sweepOne(id: string, nowMs: number): void {
    this.#remove(this.#statements.oneExpired.all(id, nowMs), 'expired', nowMs)
  }

  #newest(): number {
    return this.#statements.newest.all()[0]?.seq ?? 0
  }

  #count(upTo: number, { sql, values }: Condition): number {
    const [counted] = this.#database
      .prepare<{ count: number }>(`SELECT count(*) AS count FROM memories m WHERE m.seq <= ? AND ${sql}`)
      .all(upTo, ...values)
    return counted?.count ?? 0
  }

  #remove(doomed: readonly Doomed[], change: 'forgotten' | 'expired', nowMs: number): void {
    if (doomed.length === 0) return
    const seqs = JSON.stringify(doomed.map(({ seq }) => seq))
    this.#statements.bury.run(change, nowMs, nowMs, seqs)
    this.#statements.buryMerged.run(change, nowMs, seqs)
    this.#statements.dropMergedOf.run(seqs)
    this.#statements.buryKeys.run(change, nowMs, seqs)
    this.#statements.remove.run(seqs)
    this.#announce(
      change,
      doomed.map(({ id }) => id),
      nowMs,
    )
  }
}

/** What a request to forget fits. Of others' memories nothing is, whoever may read them. */
function fitting(request: MemoryForgetOthers, nowMs: number, reach: Reach | undefined): Condition {
  const own = reach === undefined ? ownedBy(request.owner) : { ...reach, isOwnOnly: true }
  const ids = request.id === undefined ? request.ids : [request.id]
  const filter = filterCondition(
    {
      ...circumstancesOf(request),
      layers: request.layer === undefined ? undefined : [request.layer],
      beforeMs: request.before === undefined ? undefined : Date.parse(request.before),
      reach: own,
    },
    nowMs,
  )
  if (ids === undefined) return filter
  return {
    sql: `m.id IN (SELECT value FROM json_each(?)) AND ${filter.sql}`,
    values: [JSON.stringify(ids), ...filter.values],
  }
}
