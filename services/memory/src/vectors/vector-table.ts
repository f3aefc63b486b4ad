import type { Database } from '../file/database.js'
import { pack } from './packed-vector.js'

/** A text that has no vector of the present model. */
export interface MissingVector {
  readonly seq: number
  readonly content: string
}

export interface VectorCounts {
  /** Memories with a vector of the present model. */
  readonly filled: number
  readonly missing: number
  /** Vectors of another model or dimension, which are not searched and go as they are made anew. */
  readonly outdated: number
}

/** A model as the file knows it; the newest row is the present one. */
export interface ModelRow {
  readonly id: number
  readonly name: string
  readonly dimension: number
}

export const PRESENT_MODEL = 'SELECT id, name, dimension FROM vector_models ORDER BY id DESC LIMIT 1'

interface Heads {
  readonly added: number
  readonly changed: number
  readonly oldest_change: number
}

/** No model has this number. */
const NONE = 0
/** Memories that are looked at in one statement: few milliseconds, for questions wait for this thread, too. */
const LOOKED_AT = 20_000

/** The vectors beside the memories of one file. A memory has one at the most, of the text that it has now. */
export class VectorTable {
  readonly #database: Database
  readonly #model: string
  readonly #statements
  #present: ModelRow | undefined
  /** All up to this memory were looked at, and all from that one on. */
  #newest: number
  #oldest: number
  #changed: number

  constructor(database: Database, model: string) {
    this.#database = database
    this.#model = model
    this.#statements = prepared(database)
    this.#present = this.#statements.present.all()[0]
    const { added, changed } = this.#heads()
    this.#newest = added
    this.#oldest = added + 1
    this.#changed = changed
  }

  /** What was stored or changed last comes first; then the rest, the newest first, of which few are looked at each time. */
  missing(limit: number): MissingVector[] {
    const { fresh, backlog, changes } = this.#statements
    const { changed, oldest_change } = this.#heads()
    if (oldest_change > this.#changed + 1 && this.#changed < changed) this.#lookAgain()
    const asked = [this.#number, limit] as const
    const added = fresh.all(this.#newest, ...asked)
    this.#newest = added.at(-1)?.seq ?? this.#newest
    if (added.length > 0) return added
    const upTo = Math.min(changed, this.#changed + limit)
    const altered = changes.all(this.#changed, upTo, ...asked)
    this.#changed = upTo
    if (altered.length > 0) return altered
    const from = Math.max(0, this.#oldest - LOOKED_AT)
    const rest = backlog.all(from, this.#oldest, ...asked)
    this.#oldest = rest.length < limit ? from : (rest.at(-1)?.seq ?? from)
    return rest
  }

  /** Keeps vectors, each only where its memory still has the text that it was made of. All in one commit. */
  put(made: readonly (MissingVector & { readonly vector: Float32Array })[]): void {
    const [first] = made
    if (first === undefined) return
    const { know, put } = this.#statements
    const isAnother = this.#number === NONE || this.#present?.dimension !== first.vector.length
    this.#database.transaction(() => {
      if (isAnother) know.run(this.#model, first.vector.length)
      const number = isAnother ? this.#statements.present.all()[0]?.id : this.#number
      for (const { seq, content, vector } of made) put.run(number ?? NONE, pack(vector), seq, content)
    })
    if (!isAnother) return
    this.#present = this.#statements.present.all()[0]
    this.#lookAgain()
  }

  counts(): VectorCounts {
    const [found] = this.#statements.counts.all(this.#number)
    return found ?? { filled: 0, missing: 0, outdated: 0 }
  }

  /** Undefined before the first vector was made. */
  get dimension(): number | undefined {
    return this.#number === NONE ? undefined : this.#present?.dimension
  }

  get #number(): number {
    return this.#present?.name === this.#model ? this.#present.id : NONE
  }

  #lookAgain(): void {
    this.#oldest = this.#newest + 1
    this.#changed = this.#heads().changed
  }

  #heads(): Heads {
    return this.#statements.heads.all()[0] ?? { added: 0, changed: 0, oldest_change: 0 }
  }
}

function prepared(database: Database) {
  const missing = 'NOT EXISTS (SELECT 1 FROM memory_vectors v WHERE v.seq = m.seq AND v.model = ?)'
  const select = 'SELECT m.seq, m.content FROM memories m WHERE'
  return {
    present: database.prepare<ModelRow>(PRESENT_MODEL),
    heads: database.prepare<Heads>(
      `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'memories'), 0) AS added,
        coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'memory_changes'), 0) AS changed,
        coalesce((SELECT min(at) FROM memory_changes), 0) AS oldest_change`,
    ),
    fresh: database.prepare<MissingVector>(`${select} m.seq > ? AND ${missing} ORDER BY m.seq LIMIT ?`),
    backlog: database.prepare<MissingVector>(
      `${select} m.seq >= ? AND m.seq < ? AND ${missing} ORDER BY m.seq DESC LIMIT ?`,
    ),
    changes: database.prepare<MissingVector>(
      `${select} m.seq IN (SELECT seq FROM memory_changes WHERE at > ? AND at <= ?) AND ${missing} LIMIT ?`,
    ),
    know: database.prepare('INSERT INTO vector_models (name, dimension) VALUES (?, ?)'),
    put: database.prepare(
      `INSERT OR REPLACE INTO memory_vectors (seq, model, vector)
      SELECT m.seq, ?, ? FROM memories m WHERE m.seq = ? AND m.content = ?`,
    ),
    counts: database.prepare<VectorCounts>(
      `SELECT filled, (SELECT count(*) FROM memories) - filled AS missing, every - filled AS outdated FROM (
        SELECT (SELECT count(*) FROM memory_vectors WHERE model = ?) AS filled,
          (SELECT count(*) FROM memory_vectors) AS every)`,
    ),
  }
}
