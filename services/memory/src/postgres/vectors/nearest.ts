import type { Filter } from '../../search/filter.js'
import type { Session } from '../database-pool.js'
import { filterSql } from '../filter.js'
import { SCHEMA } from '../migrations.js'
import { Parameters } from '../parameters.js'
import { shown } from './stored-vectors.js'
import type { ModelRow } from './vector-model.js'

export interface NearQuestion {
  readonly vector: Float32Array
  readonly filter: Filter
  readonly nowMs: number
  readonly limit: number
}

export interface NearParts {
  /** The schema of pgvector. */
  readonly schema: string
  readonly model: ModelRow
  readonly exactUpTo: number
}

interface NearRow {
  readonly seq: number
  readonly distance: number
}

/**
 * The vectors that are nearest to a question among those whose memories fit, the nearest first. Where few fit they are
 * compared one by one, and where many do the index says which are compared; if too few of those fit, all are.
 */
export async function nearestOf(
  session: Session,
  question: NearQuestion,
  parts: NearParts,
): Promise<NearRow[]> {
  if (!parts.model.isIndexed) return exactly(session, question, parts)
  const found = await byIndex(session, question, parts)
  const isEnough = found.length >= question.limit || found[0]?.few === true
  return isEnough ? found : exactly(session, question, parts)
}

function exactly(
  session: Session,
  { vector, filter, nowMs, limit }: NearQuestion,
  { schema, model }: NearParts,
): Promise<NearRow[]> {
  const parameters = new Parameters()
  const condition = filterSql(filter, nowMs, parameters)
  return session.rows(
    `SELECT v.seq, v.vector OPERATOR(${schema}.<=>) ${parameters.add(shown(vector))}::${schema}.vector AS distance
      FROM ${SCHEMA}.memory_vectors v JOIN ${SCHEMA}.memories m ON m.seq = v.seq
      WHERE v.model = ${model.id} AND ${condition} ORDER BY distance, v.seq DESC LIMIT ${parameters.add(limit)}`,
    parameters.values,
  )
}

/** What the index finds has two bytes for each number, so the order is that of the vectors themselves. */
function byIndex(
  session: Session,
  { vector, filter, nowMs, limit }: NearQuestion,
  { schema, model, exactUpTo }: NearParts,
): Promise<(NearRow & { readonly few: boolean })[]> {
  const parameters = new Parameters()
  const condition = filterSql(filter, nowMs, parameters)
  const asked = `${parameters.add(shown(vector))}::${schema}.vector`
  const half = `${schema}.halfvec(${model.dimension})`
  const most = parameters.add(limit)
  const vectors = `${SCHEMA}.memory_vectors v`
  return session.rows(
    `WITH fitting AS MATERIALIZED (
        SELECT m.seq FROM ${SCHEMA}.memories m WHERE ${condition} LIMIT ${exactUpTo + 1}
      ),
      counted AS MATERIALIZED (SELECT count(*) <= ${exactUpTo} AS few FROM fitting),
      few AS (
        SELECT v.seq, v.vector OPERATOR(${schema}.<=>) ${asked} AS distance FROM fitting JOIN ${vectors} ON v.seq = fitting.seq
        WHERE (SELECT few FROM counted) AND v.model = ${model.id} ORDER BY distance, v.seq DESC LIMIT ${most}
      ),
      many AS MATERIALIZED (
        SELECT v.seq, v.vector FROM ${vectors} JOIN ${SCHEMA}.memories m ON m.seq = v.seq
        WHERE (SELECT NOT few FROM counted) AND v.model = ${model.id} AND ${condition}
        ORDER BY v.vector::${half} OPERATOR(${schema}.<=>) ${asked}::${half} LIMIT ${most}
      )
    SELECT seq, distance, true AS few FROM few
    UNION ALL SELECT seq, vector OPERATOR(${schema}.<=>) ${asked}, false FROM many
    ORDER BY distance, seq DESC`,
    parameters.values,
  )
}
