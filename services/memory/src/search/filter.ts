import type { SqlValue } from '../file/database.js'
import { storable, tagKey } from '../model/memory-record.js'
import type { Reach } from '../model/memory-storage.js'

/** A condition on `m`, the memories table. */
export interface Condition {
  readonly sql: string
  readonly values: readonly SqlValue[]
}

/** The memories that a query may return, whatever its words. */
export interface Filter {
  readonly layers?: readonly string[] | undefined
  readonly tags?: readonly string[] | undefined
  /** Earliest `occurred_at`, inclusive. */
  readonly fromMs?: number | undefined
  /** Latest `occurred_at`, inclusive. */
  readonly toMs?: number | undefined
  /** Everything at or after this moment is left out. */
  readonly beforeMs?: number | undefined
  readonly reach?: Reach | undefined
}

/** The filter as SQL; what has expired never fits, swept or not. Lists go in as JSON so that their length does not change the statement. */
export function filterCondition(filter: Filter, nowMs: number): Condition {
  const sql = ['(m.expires_at IS NULL OR m.expires_at > ?)']
  const values: SqlValue[] = [nowMs]
  const add = (condition: string, ...added: SqlValue[]) => {
    sql.push(condition)
    values.push(...added)
  }
  if (filter.layers !== undefined && filter.layers.length > 0) {
    add('m.layer IN (SELECT value FROM json_each(?))', JSON.stringify(filter.layers))
  }
  const tags = tagKeys(filter)
  if (tags.length > 0) {
    add(
      `m.seq IN (SELECT seq FROM memory_tags WHERE tag IN (SELECT value FROM json_each(?))
        GROUP BY seq HAVING count(*) = ?)`,
      JSON.stringify(tags),
      tags.length,
    )
  }
  if (filter.fromMs !== undefined) add('m.occurred_at >= ?', filter.fromMs)
  if (filter.toMs !== undefined) add('m.occurred_at <= ?', filter.toMs)
  if (filter.beforeMs !== undefined) add('m.occurred_at < ?', filter.beforeMs)
  if (filter.reach !== undefined) {
    const { owner, isOwnOnly } = filter.reach
    add(isOwnOnly === true ? 'm.owner = ?' : "(m.owner = ? OR m.scope = 'shared')", storable(owner))
  }
  return { sql: sql.join(' AND '), values }
}

/** The tags that a memory must have, as they are compared. */
export function tagKeys({ tags = [] }: Filter): string[] {
  return [...new Set(tags.map((tag) => tagKey(tag.toWellFormed())))]
}

/** The memories of one owner, for a caller that may read everybody's and asks for those. */
export function ownedBy(owner: string | undefined): Reach | undefined {
  return owner === undefined ? undefined : { owner, isOwnOnly: true }
}
