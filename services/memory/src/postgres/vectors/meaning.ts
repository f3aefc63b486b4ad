import type { EmbeddingSettings, QueryVector } from '../../model/embeddings.js'
import { StorageError } from '../../model/errors.js'
import type { Filter } from '../../search/filter.js'
import type { Nearest } from '../../search/fuse.js'
import { EmbeddingEndpoint } from '../../vectors/embedding-endpoint.js'
import { QueryEmbedder } from '../../vectors/query-embedder.js'
import { VectorFiller } from '../../vectors/vector-filler.js'
import type { DatabasePool, Session } from '../database-pool.js'
import { filterSql } from '../filter.js'
import { SCHEMA } from '../migrations.js'
import { Parameters } from '../parameters.js'
import type { Turn } from '../turn.js'
import { extensionIn, makeTables, StoredVectors, shown } from './stored-vectors.js'

export interface MeaningParts {
  readonly embeddings: EmbeddingSettings
  /** One connection, for the filler alone. */
  readonly pool: DatabasePool
  readonly turn: <T>(work: (turn: Turn) => Promise<T>) => Promise<T>
}

/** Number of the nearest that take part in an order; beyond them a memory is found by its words alone. */
const NEAREST = 200

/** Finds what says the same as a question, where the database has pgvector: an exact search among what fits. */
export class Meaning {
  readonly #extension: string
  readonly #model: string
  readonly #vectors: StoredVectors
  readonly #filler: VectorFiller
  readonly #embedder: QueryEmbedder
  readonly #filled: Promise<void>
  #wake = (): void => {}

  private constructor({ embeddings, pool, turn }: MeaningParts, extension: string) {
    const { model, queryMs, batch } = embeddings
    this.#extension = extension
    this.#model = model
    this.#vectors = new StoredVectors({ pool, turn, extension, model })
    const endpoint = new EmbeddingEndpoint(embeddings)
    const wait = (ms: number) => this.#wait(ms)
    this.#filler = new VectorFiller({ table: this.#vectors, endpoint, batch, wait })
    const dimension = () => this.#vectors.present?.dimension
    this.#embedder = new QueryEmbedder({ endpoint, model, queryMs, dimension, now: () => performance.now() })
    this.#filled = this.#filler.run()
    // It makes no more, which the statistics tell; what keeps it from writing is told whoever stores, too.
    this.#filled.catch((error: unknown) => {
      if (error instanceof StorageError) this.#filler.fault = error
    })
  }

  /** Undefined where the database has no pgvector. */
  static async open(parts: MeaningParts): Promise<Meaning | undefined> {
    const extension = await parts.pool.use(extensionIn)
    if (extension === undefined) return undefined
    await makeTables(parts.pool, extension)
    return new Meaning(parts, extension)
  }

  /** The vector of a question, or why it has none. */
  asked(text: string): Promise<QueryVector> {
    return this.#embedder.embed(text)
  }

  /** The memories that are nearest to a question of those that fit, the nearest first, with their cosines. */
  async nearest(
    session: Session,
    asked: QueryVector,
    { filter, nowMs, depth }: { readonly filter: Filter; readonly nowMs: number; readonly depth: number },
  ): Promise<Nearest> {
    if ('missing' in asked) return { missing: asked.missing }
    const { present } = this.#vectors
    if (present === undefined || present.dimension !== asked.vector.length)
      return { missing: `there are no vectors of ${this.#model} yet` }
    const parameters = new Parameters()
    const condition = filterSql(filter, nowMs, parameters)
    const vector = `${parameters.add(shown(asked.vector))}::${this.#extension}.vector`
    const rows = await session.rows<{ seq: number; distance: number }>(
      `SELECT v.seq, v.vector OPERATOR(${this.#extension}.<=>) ${vector} AS distance
        FROM ${SCHEMA}.memory_vectors v JOIN ${SCHEMA}.memories m ON m.seq = v.seq
        WHERE v.model = ${parameters.add(present.id)} AND ${condition}
        ORDER BY distance, v.seq DESC LIMIT ${parameters.add(Math.max(NEAREST, depth))}`,
      parameters.values,
    )
    return { near: new Map(rows.map(({ seq, distance }) => [seq, 1 - distance])) }
  }

  /** For `stats`; what others have is counted for those alone who may read it. */
  async stats(session: Session, areAll: boolean): Promise<Record<string, unknown>> {
    const { fault, refused } = this.#filler
    const { present } = this.#vectors
    return {
      model: this.#model,
      ...(present === undefined ? {} : { dimension: present.dimension }),
      ...(areAll ? { ...(await this.#vectors.counts(session)), refused } : {}),
      ...(fault === undefined ? {} : { fault: fault.message }),
    }
  }

  async close(): Promise<void> {
    this.#filler.end()
    this.#wake()
    await this.#filled.catch(() => {})
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
