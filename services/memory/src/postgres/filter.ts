import { storable, tagKey } from '../model/memory-record.js'
import type { Reach } from '../model/memory-storage.js'
import type { Parameters } from './parameters.js'

/** The memories that a request may reach, whatever its words; `m` is the memories table. */
export interface Filter {
  readonly layers?: readonly string[] | undefined
  readonly tags?: readonly string[] | undefined
  /** Earliest `occurred_at`, inclusive. */
  readonly from?: string | undefined
  /** Latest `occurred_at`, inclusive. */
  readonly to?: string | undefined
  /** Everything at or after this moment is left out. */
  readonly before?: string | undefined
  readonly reach?: Reach | undefined
}

/** The filter as SQL; what has expired never fits, swept or not. */
export function filterSql(filter: Filter, nowMs: number, parameters: Parameters): string {
  const conditions = [`(m.expires_at IS NULL OR m.expires_at > ${parameters.add(nowMs)}::bigint)`]
  const { layers, tags, from, to, before, reach } = filter
  if (layers !== undefined && layers.length > 0)
    conditions.push(`m.layer = ANY(${parameters.add(layers)}::text[])`)
  if (tags !== undefined && tags.length > 0) {
    const keys = tags.map((tag) => tagKey(tag.toWellFormed()))
    conditions.push(`m.tag_keys @> ${parameters.add(keys)}::text[]`)
  }
  const time = (condition: string, moment: string | undefined) => {
    if (moment !== undefined) conditions.push(`${condition} ${parameters.add(Date.parse(moment))}::bigint`)
  }
  time('m.occurred_at >=', from)
  time('m.occurred_at <=', to)
  time('m.occurred_at <', before)
  if (reach !== undefined) conditions.push(reachSql(reach, parameters))
  return conditions.join(' AND ')
}

function reachSql({ owner, isOwnOnly }: Reach, parameters: Parameters): string {
  const isOwn = `m.owner = ${parameters.add(storable(owner))}`
  return isOwnOnly === true ? isOwn : `(${isOwn} OR m.scope = 'shared')`
}
