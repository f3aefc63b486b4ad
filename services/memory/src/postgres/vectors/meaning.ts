import type { EmbeddingSettings, QueryVector } from '../../model/embeddings.js'
import { StorageError } from '../../model/errors.js'
import type { Filter } from '../../search/filter.js'
import type { Nearest } from '../../search/fuse.js'
import { EmbeddingEndpoint } from '../../vectors/embedding-endpoint.js'
import { QueryEmbedder } from '../../vectors/query-embedder.js'
import { VectorFiller } from '../../vectors/vector-filler.js'
import type { DatabasePool, Session } from '../database-pool.js'
import type { Turn } from '../turn.js'
import { NearIndex } from './near-index.js'
import { nearestOf } from './nearest.js'
import { makeTables, StoredVectors } from './stored-vectors.js'
import { type Extension, extensionIn } from './vector-model.js'

export interface MeaningParts {
  readonly embeddings: EmbeddingSettings
  /** One connection, for the filler alone. */
  readonly pool: DatabasePool
  readonly turn: <T>(work: (turn: Turn) => Promise<T>) => Promise<T>
  /** One connection without a bound, for the index alone. */
  readonly indexPool: DatabasePool
  /** As in `NearIndexParts`. */
  readonly exactUpTo?: number | undefined
}

/** Of a hundred thousand, where a tenth fits, comparing one by one takes as long as the index. */
const EXACT_UP_TO = 10_000

/** Number of the nearest that take part in an order; beyond them a memory is found by its words alone. */
const NEAREST = 200

/** Finds what says the same as a question, where the database has pgvector. */
export class Meaning {
  readonly #schema: string
  readonly #exactUpTo: number
  readonly #model: string
  readonly #index: NearIndex
  readonly #vectors: StoredVectors
  readonly #filler: VectorFiller
  readonly #embedder: QueryEmbedder
  readonly #filled: Promise<void>
  #wake = (): void => {}

  private constructor(parts: MeaningParts, extension: Extension) {
    const { embeddings, pool, turn, indexPool, exactUpTo = EXACT_UP_TO } = parts
    const { model, queryMs, batch } = embeddings
    this.#schema = extension.schema
    this.#exactUpTo = exactUpTo
    this.#model = model
    this.#index = new NearIndex({ pool: indexPool, extension, exactUpTo })
    this.#vectors = new StoredVectors({ pool, turn, extension, model, index: this.#index })
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
    const near = { vector: asked.vector, filter, nowMs, limit: Math.max(NEAREST, depth) }
    const parts = { schema: this.#schema, model: present, exactUpTo: this.#exactUpTo }
    const rows = await nearestOf(session, near, parts)
    return { near: new Map(rows.map(({ seq, distance }) => [seq, 1 - distance])) }
  }

  /** For `stats`; what others have is counted for those alone who may read it. */
  async stats(session: Session, areAll: boolean): Promise<Record<string, unknown>> {
    const { fault = this.#index.fault, refused } = this.#filler
    const { present } = this.#vectors
    return {
      model: this.#model,
      ...(present === undefined ? {} : { dimension: present.dimension, indexed: present.isIndexed }),
      ...(areAll ? { ...(await this.#vectors.counts(session)), refused } : {}),
      ...(fault === undefined ? {} : { fault: fault.message }),
    }
  }

  async close(): Promise<void> {
    this.#filler.end()
    this.#wake()
    await this.#filled.catch(() => {})
    await this.#index.close()
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
