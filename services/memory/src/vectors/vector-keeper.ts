import type { Database } from '../file/database.js'
import { similarity } from './packed-vector.js'
import { VectorIndex } from './vector-index.js'
import { type ModelRow, PRESENT_MODEL } from './vector-table.js'

/** Rows that are read at once: few enough to stop in time. */
const ROWS = 500
/** Candidates by their signs, for each memory that is wanted, whose vectors are compared exactly. */
const CANDIDATES = 4
const LEAST_CANDIDATES = 400

interface VectorRow {
  readonly at: number
  readonly seq: number
  readonly vector: ArrayBuffer
}

export interface NearMemory {
  readonly seq: number
  /** The cosine of its vector and the question's. */
  readonly similarity: number
}

/** Keeps the index of vectors up with the file, and finds the nearest ones with it. */
export class VectorKeeper {
  readonly #statements
  #model: ModelRow | undefined
  #index = new VectorIndex(1)
  #read = 0

  constructor(database: Database) {
    this.#statements = {
      present: database.prepare<ModelRow>(PRESENT_MODEL),
      added: database.prepare<VectorRow>(
        `SELECT at, seq, vector FROM memory_vectors WHERE model = ? AND at > ? ORDER BY at LIMIT ${ROWS}`,
      ),
      some: database.prepare<VectorRow>(
        'SELECT at, seq, vector FROM memory_vectors WHERE model = ? AND seq IN (SELECT value FROM json_each(?))',
      ),
    }
  }

  get size(): { readonly vectors: number; readonly bytes: number } {
    return { vectors: this.#index.count, bytes: this.#index.bytes }
  }

  /** Reads what is new for about so long; true once there is no more. */
  catchUp(forMs: number): boolean {
    const until = performance.now() + forMs
    const [present] = this.#statements.present.all()
    if (present === undefined) return true
    if (present.id !== this.#model?.id) this.#begin(present)
    for (;;) {
      const rows = this.#statements.added.all(present.id, this.#read)
      for (const { seq, vector } of rows) this.#index.put(seq, new Uint8Array(vector))
      this.#read = rows.at(-1)?.at ?? this.#read
      if (rows.length < ROWS) return true
      if (performance.now() > until) return false
    }
  }

  /**
   * The nearest memories to a vector of this model, of those that fit; undefined where there are no vectors of it, or of
   * another dimension.
   */
  nearest(
    asked: { readonly model: string; readonly vector: Float32Array },
    limit: number,
    fits: (seq: number) => boolean,
  ): NearMemory[] | undefined {
    const { vector } = asked
    if (this.#model?.name !== asked.model || this.#model.dimension !== vector.length) return undefined
    const candidates = this.#index.nearest(vector, Math.max(LEAST_CANDIDATES, limit * CANDIDATES), fits)
    const rows = this.#statements.some.all(this.#model.id, JSON.stringify(candidates))
    // One that has no vector any more has another text now.
    const there = new Set(rows.map(({ seq }) => seq))
    for (const seq of candidates) if (!there.has(seq)) this.#index.remove(seq)
    return rows
      .map(({ seq, vector: packed }) => ({ seq, similarity: similarity(vector, new Uint8Array(packed)) }))
      .sort((one, other) => other.similarity - one.similarity || other.seq - one.seq)
      .slice(0, limit)
  }

  #begin(model: ModelRow): void {
    this.#model = model
    this.#index = new VectorIndex(model.dimension)
    this.#read = 0
  }
}
