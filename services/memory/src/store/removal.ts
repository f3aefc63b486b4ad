import type { MemoryForget } from '@jamey/contracts'
import type { Database } from '../file/database.js'
import type { MemoryChange } from '../model/announcement.js'
import type { Reach } from '../model/memory-storage.js'
import { filterCondition, ownedBy } from '../search/filter.js'

type ForgetOthers = MemoryForget & { readonly owner?: string | undefined }
type Announce = (change: MemoryChange, ids: readonly string[], nowMs: number) => void

interface Doomed {
  readonly seq: number
  readonly id: string
}

interface ForgetProgress {
  readonly up_to: number
  readonly forgotten: number
}

/** Number of memories that are removed in one transaction; more are spread over turns of the event loop. */
const BATCH = 500

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
      oneExpired: database.prepare<Doomed>('SELECT seq, id FROM memories WHERE id = ? AND expires_at <= ?'),
      expired: database.prepare<Doomed>(
        'SELECT seq, id FROM memories WHERE expires_at <= ? ORDER BY expires_at LIMIT ?',
      ),
      dropGone: database.prepare('DELETE FROM gone WHERE at < ?'),
      dropChanges: database.prepare(
        `DELETE FROM memory_changes WHERE at <= (SELECT max(at) FROM memory_changes) - ${KEPT_CHANGES}`,
      ),
      dropAnnouncements: database.prepare('DELETE FROM announcements WHERE at < ?'),
      dropRequests: database.prepare('DELETE FROM forget_requests WHERE at < ?'),
    }
  }

  /**
   * Forgets up to one batch of what fits. The first batch fixes which memory is the newest that may be reached,
   * so neither a later batch nor a repeat of the request takes what was stored meanwhile.
   */
  forgetSome(
    request: ForgetOthers,
    requestId: string,
    nowMs: number,
    reach?: Reach,
  ): { forgotten: number; isFinished: boolean } {
    const [begun] = this.#statements.progress.all(requestId)
    const upTo = begun?.up_to ?? this.#statements.newest.all()[0]?.seq ?? 0
    const doomed = this.#fitting(request, upTo, nowMs, reach)
    const forgotten = (begun?.forgotten ?? 0) + doomed.length
    this.#statements.saveProgress.run(requestId, upTo, forgotten, nowMs)
    this.#remove(doomed, 'forgotten', nowMs)
    return { forgotten, isFinished: doomed.length < BATCH }
  }

  sweepSome(nowMs: number): { expired: number; isFinished: boolean } {
    const doomed = this.#statements.expired.all(nowMs, BATCH)
    this.#remove(doomed, 'expired', nowMs)
    this.#statements.dropGone.run(nowMs - REPEAT_WINDOW_MS)
    this.#statements.dropChanges.run()
    this.#statements.dropRequests.run(nowMs - REPEAT_WINDOW_MS)
    // Announcements that could not be published for a week, such as for want of a permission, would pile up forever.
    this.#statements.dropAnnouncements.run(nowMs - REPEAT_WINDOW_MS)
    return { expired: doomed.length, isFinished: doomed.length < BATCH }
  }

  /** Sweeps this one memory now, if it has expired. */
  sweepOne(id: string, nowMs: number): void {
    this.#remove(this.#statements.oneExpired.all(id, nowMs), 'expired', nowMs)
  }

  #fitting(request: ForgetOthers, upTo: number, nowMs: number, reach: Reach | undefined): Doomed[] {
    if (request.id !== undefined) {
      const own = filterCondition({ reach: reach && { ...reach, isOwnOnly: true } }, nowMs)
      return this.#database
        .prepare<Doomed>(`SELECT m.seq, m.id FROM memories m WHERE m.id = ? AND m.seq <= ? AND ${own.sql}`)
        .all(request.id, upTo, ...own.values)
    }
    const filter = filterCondition(
      {
        layers: request.layer === undefined ? undefined : [request.layer],
        tags: request.tags,
        beforeMs: request.before === undefined ? undefined : Date.parse(request.before),
        reach: reach === undefined ? ownedBy(request.owner) : { ...reach, isOwnOnly: true },
      },
      nowMs,
    )
    return this.#database
      .prepare<Doomed>(
        `SELECT m.seq, m.id FROM memories m WHERE m.seq <= ? AND ${filter.sql} ORDER BY m.seq LIMIT ?`,
      )
      .all(upTo, ...filter.values, BATCH)
  }

  #remove(doomed: readonly Doomed[], change: 'forgotten' | 'expired', nowMs: number): void {
    if (doomed.length === 0) return
    const seqs = JSON.stringify(doomed.map(({ seq }) => seq))
    this.#statements.bury.run(change, nowMs, nowMs, seqs)
    this.#statements.remove.run(seqs)
    this.#announce(
      change,
      doomed.map(({ id }) => id),
      nowMs,
    )
  }
}
