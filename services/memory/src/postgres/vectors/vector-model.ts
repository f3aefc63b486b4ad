import type { Session } from '../database-pool.js'

/** A model, and the numbers that its vectors have. */
export interface ModelRow {
  readonly id: number
  readonly name: string
  readonly dimension: number
  /** Whether its vectors have an index. */
  readonly isIndexed: boolean
}

/** pgvector, as it is installed. */
export interface Extension {
  /** As SQL names it. */
  readonly schema: string
  /** Whether the scan of an index goes on where too little of what it found fits: since 0.8. */
  readonly scansOn: boolean
}

/** No model has this number. */
export const NO_MODEL = 0

/** pgvector in this database; undefined where it is not installed. */
export async function extensionIn(session: Session): Promise<Extension | undefined> {
  const [found] = await session.rows<{ schema: string; version: string }>(
    `SELECT quote_ident(n.nspname) AS schema, e.extversion AS version
      FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'`,
  )
  if (found === undefined) return undefined
  const [major = 0, minor = 0] = found.version.split('.').map(Number)
  return { schema: found.schema, scansOn: major > 0 || minor >= 8 }
}
