import { StorageError } from '../../model/errors.js'
import type { DatabasePool, Session } from '../database-pool.js'
import { INDEXING, lockFor, SCHEMA } from '../migrations.js'
import type { Extension, ModelRow } from './vector-model.js'

/** More numbers than an index of pgvector takes, with two bytes each. */
const MOST_DIMENSIONS = 4000
const NAME = 'memory_vectors_near_'

/** Of a reader's connections: candidates at a time, and on until enough of them fit. */
export const NEAR_SETTINGS = 'SET hnsw.ef_search = 200; SET hnsw.iterative_scan = relaxed_order'

/** Whether the vectors of the model `m` have an index that is whole. */
export const IS_INDEXED = `coalesce((
    SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('${SCHEMA}.${NAME}' || m.id)
  ), false)`

/** Indexes of other models, and those whose making was cut short. */
const OUTDATED = `SELECT c.relname AS name FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
  WHERE c.relnamespace = '${SCHEMA}'::regnamespace AND c.relname LIKE '${NAME.replaceAll('_', '\\_')}%'
    AND (c.relname <> $1 OR NOT i.indisvalid)`

export interface NearIndexParts {
  /** One connection, on which a statement may take as long as it does. */
  readonly pool: DatabasePool
  readonly extension: Extension
  /** So many vectors are compared with a question one by one; they need no index. */
  readonly exactUpTo: number
}

/** A graph (HNSW) of the vectors of one model, made at once when they are many, while the memory works. */
export class NearIndex {
  readonly #parts: NearIndexParts
  readonly #ending = new AbortController()
  #making: Promise<void> | undefined
  /** Why it could not be made the last time. */
  fault: Error | undefined

  constructor(parts: NearIndexParts) {
    this.#parts = parts
  }

  /** Whether the connection was lost while it was made. */
  get wasCut(): boolean {
    return this.fault instanceof StorageError && this.fault.code === 'storage-away'
  }

  /** Sees to the index of this model, all of whose vectors have been made; does not wait for it. */
  keep(model: ModelRow): void {
    const { extension } = this.#parts
    if (!extension.scansOn || model.dimension > MOST_DIMENSIONS) return
    this.#making ??= this.#make(model)
      .then(() => {
        this.fault = undefined
      })
      .catch((error: Error) => {
        this.fault = error
      })
      .finally(() => {
        this.#making = undefined
      })
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await this.#making
    await this.#parts.pool.close()
  }

  #make(model: ModelRow): Promise<void> {
    return this.#parts.pool.use(async (session) => {
      // Held by the connection; another instance that makes it has it.
      const [lock] = await session.rows<{ mine: boolean }>(lockFor(INDEXING))
      if (lock?.mine !== true) return
      await this.#makeAlone(session, model)
    }, this.#ending.signal)
  }

  async #makeAlone(session: Session, { id, dimension }: ModelRow): Promise<void> {
    const { extension, exactUpTo } = this.#parts
    const name = `${NAME}${id}`
    for (const one of await session.rows<{ name: string }>(OUTDATED, [name])) {
      await session.rows(`DROP INDEX CONCURRENTLY IF EXISTS ${SCHEMA}.${one.name}`)
    }
    const [found] = await session.rows<{ many: boolean }>(
      `SELECT count(*) > $2 AS many FROM (
        SELECT FROM ${SCHEMA}.memory_vectors WHERE model = $1 LIMIT $2 + 1
      ) AS counted`,
      [id, exactUpTo],
    )
    if (found?.many !== true) return
    await session.rows(
      `CREATE INDEX CONCURRENTLY IF NOT EXISTS ${name} ON ${SCHEMA}.memory_vectors
        USING hnsw ((vector::${extension.schema}.halfvec(${dimension})) ${extension.schema}.halfvec_cosine_ops) WHERE model = ${id}`,
    )
  }
}
