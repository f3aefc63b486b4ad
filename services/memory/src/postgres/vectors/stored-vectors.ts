import { StorageError } from '../../model/errors.js'
import type { VectorsToFill } from '../../vectors/vector-filler.js'
import type { MissingVector, VectorCounts } from '../../vectors/vector-table.js'
import type { DatabasePool, Session } from '../database-pool.js'
import { BEGIN_MIGRATING, FILLING, lockFor, SCHEMA } from '../migrations.js'
import type { Turn } from '../turn.js'
import { IS_INDEXED, type NearIndex } from './near-index.js'
import { type Extension, type ModelRow, NO_MODEL } from './vector-model.js'

/**
 * Each memory has a row, whose vector is missing where `model` is null: right after it was stored, or its text changed.
 * The tables are made where the extension is first met, and stay away from databases that have none.
 */
const tablesSql = ({ schema }: Extension): string => `
  CREATE TABLE vector_models (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    dimension integer NOT NULL
  );
  CREATE TABLE memory_vectors (
    seq bigint PRIMARY KEY REFERENCES memories ON DELETE CASCADE,
    model integer,
    vector ${schema}.vector
  );
  CREATE INDEX memory_vectors_missing ON memory_vectors (seq) WHERE model IS NULL;
  CREATE INDEX memory_vectors_by_model ON memory_vectors (model, seq) WHERE model IS NOT NULL;
  CREATE FUNCTION want_vector() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO ${SCHEMA}.memory_vectors (seq) VALUES (new.seq)
        ON CONFLICT (seq) DO UPDATE SET model = NULL, vector = NULL;
      RETURN NULL;
    END
  $$;
  CREATE TRIGGER memory_wants_vector AFTER INSERT ON memories FOR EACH ROW EXECUTE FUNCTION want_vector();
  CREATE TRIGGER memory_wants_another AFTER UPDATE ON memories FOR EACH ROW
    WHEN (old.content_hash IS DISTINCT FROM new.content_hash) EXECUTE FUNCTION want_vector();
  INSERT INTO memory_vectors (seq) SELECT seq FROM memories;
`

/** Makes the tables of vectors, once for all instances. */
export async function makeTables(pool: DatabasePool, extension: Extension): Promise<void> {
  const isThere = async (session: Session) => {
    const sql = `SELECT to_regclass('${SCHEMA}.memory_vectors') IS NOT NULL AS there`
    return (await session.rows<{ there: boolean }>(sql))[0]?.there === true
  }
  if (await pool.use(isThere)) return
  await pool.transaction(BEGIN_MIGRATING, async (session) => {
    if (await isThere(session)) return
    // Nothing may be stored between the triggers and the rows that are there already.
    await session.rows(`SET LOCAL search_path = ${SCHEMA}; LOCK TABLE memories IN SHARE ROW EXCLUSIVE MODE`)
    await session.rows(tablesSql(extension))
  })
}

const PRESENT = `SELECT m.id, m.name, m.dimension, ${IS_INDEXED} AS "isIndexed"
  FROM ${SCHEMA}.vector_models m ORDER BY m.id DESC LIMIT 1`
const MISSING = `SELECT m.seq, m.content, m.content_hash AS hash FROM (
    SELECT seq FROM ${SCHEMA}.memory_vectors WHERE model IS NULL AND seq <> ALL($2) ORDER BY seq DESC LIMIT $1
  ) v JOIN ${SCHEMA}.memories m ON m.seq = v.seq ORDER BY m.seq DESC`
const OUTDATED = `SELECT m.seq, m.content, m.content_hash AS hash FROM (
    SELECT seq FROM ${SCHEMA}.memory_vectors WHERE (model < $3 OR model > $3) AND seq <> ALL($2) LIMIT $1
  ) v JOIN ${SCHEMA}.memories m ON m.seq = v.seq`
const COUNTS = `SELECT count(*) FILTER (WHERE model = $1) AS filled, count(*) FILTER (WHERE model IS NULL) AS missing,
    count(*) FILTER (WHERE model <> $1) AS outdated FROM ${SCHEMA}.memory_vectors`

interface Parts {
  /** For the filler alone: its lock is held by the connection. */
  readonly pool: DatabasePool
  readonly turn: <T>(work: (turn: Turn) => Promise<T>) => Promise<T>
  readonly extension: Extension
  readonly model: string
  readonly index: Pick<NearIndex, 'keep' | 'wasCut'>
}

/** The vectors in the database; one instance at a time fills in what is missing. */
export class StoredVectors implements VectorsToFill {
  readonly #parts: Parts
  readonly #hashes = new Map<number, string>()
  #present: ModelRow | undefined
  /** Whether something was made since the index was looked at. */
  #isMore = true

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** The model of the vectors that are compared, where there are any of the one that is asked. */
  get present(): ModelRow | undefined {
    return this.#present?.name === this.#parts.model ? this.#present : undefined
  }

  /** The newest first, and those of another model last; none where another instance is at it. */
  async missing(limit: number, refused: ReadonlySet<number>): Promise<MissingVector[]> {
    try {
      return await this.#parts.pool.use((session) => this.#missing(session, limit, [...refused]))
    } catch (error) {
      // It is asked again a second later; whoever asks or stores is told why.
      if (error instanceof StorageError && error.retryable) return []
      throw error
    }
  }

  async #missing(session: Session, limit: number, refused: readonly number[]): Promise<MissingVector[]> {
    this.#present = (await session.rows<ModelRow>(PRESENT))[0]
    const [lock] = await session.rows<{ mine: boolean }>(lockFor(FILLING))
    if (lock?.mine !== true) return []
    type Row = MissingVector & { readonly hash: string }
    const fresh = await session.rows<Row>(MISSING, [limit, refused])
    const rows =
      fresh.length > 0
        ? fresh
        : await session.rows<Row>(OUTDATED, [limit, refused, this.present?.id ?? NO_MODEL])
    if (rows.length === 0) this.#keepIndex()
    this.#hashes.clear()
    for (const { seq, hash } of rows) this.#hashes.set(seq, hash)
    return rows.map(({ seq, content }) => ({ seq, content }))
  }

  /** Once everything is made: to make an index at once is faster than to add to one. */
  #keepIndex(): void {
    const { index } = this.#parts
    if (this.present === undefined || !(this.#isMore || index.wasCut)) return
    this.#isMore = false
    index.keep(this.present)
  }

  /** Keeps vectors, each only where its memory still has the text that it was made of. */
  async put(made: readonly (MissingVector & { readonly vector: Float32Array })[]): Promise<void> {
    const [first] = made
    if (first === undefined) return
    const { turn, extension, model } = this.#parts
    const given = made.map(({ seq, vector }) => ({ seq, hash: this.#hashes.get(seq), vector: shown(vector) }))
    await turn(async ({ session }) => {
      const [present] = await session.rows<ModelRow>(PRESENT)
      const isAnother = present?.name !== model || present.dimension !== first.vector.length
      const [known] = isAnother
        ? await session.rows<ModelRow>(
            `INSERT INTO ${SCHEMA}.vector_models (name, dimension) VALUES ($1, $2)
              RETURNING id, name, dimension, false AS "isIndexed"`,
            [model, first.vector.length],
          )
        : [present]
      await session.run(
        `UPDATE ${SCHEMA}.memory_vectors v SET model = $1, vector = given.vector::${extension.schema}.vector
          FROM json_to_recordset($2) AS given (seq bigint, hash text, vector text)
            JOIN ${SCHEMA}.memories m ON m.seq = given.seq AND m.content_hash = given.hash
          WHERE v.seq = given.seq`,
        [known?.id ?? NO_MODEL, JSON.stringify(given)],
      )
      this.#present = known
    })
    this.#isMore = true
  }

  /** Of all memories. */
  async counts(session: Session): Promise<VectorCounts> {
    const [found] = await session.rows<VectorCounts>(COUNTS, [this.present?.id ?? NO_MODEL])
    return found ?? { filled: 0, missing: 0, outdated: 0 }
  }
}

/** A vector as pgvector reads it. */
export function shown(vector: Float32Array): string {
  return `[${vector.join(',')}]`
}
