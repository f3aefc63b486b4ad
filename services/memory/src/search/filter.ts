import type { MemoryWhere } from '@jamey/contracts'
import type { SqlValue } from '../file/database.js'
import { storable, tagKey } from '../model/memory-record.js'
import type { Reach } from '../model/memory-storage.js'
import { whereCondition } from './metadata/where.js'

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
  readonly sessionId?: string | undefined
  readonly scope?: string | undefined
  readonly origin?: string | undefined
  /** The client identifier of who stored it. */
  readonly source?: string | undefined
  readonly isTrusted?: boolean | undefined
  readonly where?: MemoryWhere | undefined
  /** What holds no longer at this moment is left out. */
  readonly heldAtMs?: number | undefined
  /** What was not there yet at this moment as it is now is left out, and what was to hold later. */
  readonly knownAtMs?: number | undefined
  readonly reach?: Reach | undefined
}

/** What a query and a request to forget have in common. */
interface Circumstances {
  readonly tags?: readonly string[] | undefined
  readonly session_id?: string | undefined
  readonly scope?: string | undefined
  readonly origin?: string | undefined
  readonly source?: string | undefined
  readonly trusted?: boolean | undefined
  readonly where?: MemoryWhere | undefined
}

/** The part of a filter that a query and a request to forget have in common. */
export function circumstancesOf(request: Circumstances): Filter {
  const { tags, session_id: sessionId, scope, origin, source, trusted: isTrusted, where } = request
  return { tags, sessionId, scope, origin, source, isTrusted, where }
}

/** Whether a filter asks for what the index in memory does not know. */
export function asksTheFile(filter: Filter): boolean {
  return filter.origin !== undefined || filter.where !== undefined
}

/** The filter as SQL; what has expired never fits, swept or not. Lists go in as JSON so that their length does not change the statement. */
export function filterCondition(filter: Filter, nowMs: number): Condition {
  const sql = ['(m.expires_at IS NULL OR m.expires_at > ?)']
  const values: SqlValue[] = [nowMs]
  const add = (condition: string, ...added: readonly SqlValue[]) => {
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
  if (filter.sessionId !== undefined) add('m.session_id = ?', storable(filter.sessionId))
  if (filter.scope !== undefined) add('m.scope = ?', filter.scope)
  if (filter.origin !== undefined) add('m.origin = ?', storable(filter.origin))
  if (filter.source !== undefined) add('m.source = ?', storable(filter.source))
  if (filter.isTrusted !== undefined) add('m.trusted = ?', filter.isTrusted ? 1 : 0)
  if (filter.heldAtMs !== undefined) add('(m.valid_to IS NULL OR m.valid_to > ?)', filter.heldAtMs)
  if (filter.knownAtMs !== undefined) {
    const known = 'm.created_at <= ? AND m.updated_at <= ? AND (m.valid_from IS NULL OR m.valid_from <= ?)'
    add(known, filter.knownAtMs, filter.knownAtMs, filter.knownAtMs)
  }
  for (const condition of whereCondition(filter.where)) add(condition.sql, ...condition.values)
  if (filter.reach !== undefined) {
    const readable = readableBy(filter.reach)
    add(readable.sql, ...readable.values)
  }
  return { sql: sql.join(' AND '), values }
}

/** What a caller may read, of the memories table under that name. */
export function readableBy({ owner, groups = [], isOwnOnly }: Reach, table = 'm'): Condition {
  const isOwn = `${table}.owner = ?`
  if (isOwnOnly === true) return { sql: isOwn, values: [storable(owner)] }
  const shared = ["'shared'", ...groups.map(() => '?')].join(', ')
  return {
    sql: `(${isOwn} OR ${table}.scope IN (${shared}))`,
    values: [storable(owner), ...groups.map((group) => `group:${group}`)],
  }
}

/** The tags that a memory must have, as they are compared. */
export function tagKeys({ tags = [] }: Filter): string[] {
  return [...new Set(tags.map((tag) => tagKey(storable(tag))))]
}

/** The memories of one owner, for a caller that may read everybody's and asks for those. */
export function ownedBy(owner: string | undefined): Reach | undefined {
  return owner === undefined ? undefined : { owner, isOwnOnly: true }
}
