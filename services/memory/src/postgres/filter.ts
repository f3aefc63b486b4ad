import type { MemoryWhere } from '@jamey/contracts'
import { MemoryInputError } from '../model/errors.js'
import { storable } from '../model/memory-record.js'
import type { Reach } from '../model/memory-storage.js'
import { type Filter, tagKeys } from '../search/filter.js'
import { plainText } from './facts.js'
import type { Parameters } from './parameters.js'

/** The filter as SQL on `m`, the memories table; what has expired never fits, swept or not. */
export function filterSql(filter: Filter, nowMs: number, parameters: Parameters): string {
  const conditions = [`(m.expires_at IS NULL OR m.expires_at > ${parameters.add(nowMs)}::bigint)`]
  const add = (value: unknown, condition: (name: string) => string) => {
    if (value !== undefined) conditions.push(condition(parameters.add(value)))
  }
  const { layers = [], sessionId, origin, source, isTrusted, reach } = filter
  const tags = tagKeys(filter)
  add(layers.length === 0 ? undefined : layers, (name) => `m.layer = ANY(${name}::text[])`)
  add(tags.length === 0 ? undefined : tags, (name) => `m.tag_keys @> ${name}::text[]`)
  add(filter.fromMs, (name) => `m.occurred_at >= ${name}::bigint`)
  add(filter.toMs, (name) => `m.occurred_at <= ${name}::bigint`)
  add(filter.beforeMs, (name) => `m.occurred_at < ${name}::bigint`)
  add(sessionId === undefined ? undefined : storable(sessionId), (name) => `m.session_id = ${name}`)
  add(filter.scope, (name) => `m.scope = ${name}`)
  add(origin === undefined ? undefined : storable(origin), (name) => `m.origin = ${name}`)
  add(source === undefined ? undefined : storable(source), (name) => `m.source = ${name}`)
  add(isTrusted === undefined ? undefined : Number(isTrusted), (name) => `m.trusted = ${name}`)
  add(filter.heldAtMs, (name) => `(m.valid_to IS NULL OR m.valid_to > ${name}::bigint)`)
  for (const [name, wanted] of Object.entries(filter.where ?? {}))
    conditions.push(whereSql(name, wanted, parameters))
  if (reach !== undefined) conditions.push(reachSql(reach, parameters))
  return conditions.join(' AND ')
}

/** What a caller may read, of the memories table under that name. */
export function reachSql(
  { owner, groups = [], isOwnOnly }: Reach,
  parameters: Parameters,
  table = 'm',
): string {
  const isOwn = `${table}.owner = ${parameters.add(storable(owner))}`
  if (isOwnOnly === true) return isOwn
  const scopes = ['shared', ...groups.map((group) => `group:${group}`)]
  // The first condition says nothing more, and lets the index of what is not private be used.
  return `(${isOwn} OR (${table}.scope <> 'private' AND ${table}.scope = ANY(${parameters.add(scopes)}::text[])))`
}

const COMPARISONS = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const

/** A condition on metadata; a member of another type fits none, and neither does one that is not there. */
function whereSql(name: string, wanted: MemoryWhere[string], parameters: Parameters): string {
  const path = name.split('.')
  if (path.some((part) => part === '' || /["\0]/.test(part))) {
    throw new MemoryInputError(`where.${name}`, 'must be names joined by dots, without quotation marks')
  }
  const member = `(m.facts #> ${parameters.add(path.map(plainText))}::text[])`
  if (typeof wanted !== 'object' || wanted === null) return isOneOf(member, [wanted], parameters)
  if ('in' in wanted) return isOneOf(member, wanted.in, parameters)
  const bounds = Object.entries(wanted) as [keyof typeof COMPARISONS, string | number][]
  return bounds.map(([word, bound]) => isWithin(member, COMPARISONS[word], bound, parameters)).join(' AND ')
}

function isOneOf(member: string, values: readonly unknown[], parameters: Parameters): string {
  const json = values.map((value) => JSON.stringify(typeof value === 'string' ? plainText(value) : value))
  return `${member} = ANY(${parameters.add(json)}::text[]::jsonb[])`
}

function isWithin(
  member: string,
  comparison: string,
  bound: string | number,
  parameters: Parameters,
): string {
  const isText = typeof bound === 'string'
  const value = isText ? `(${member} #>> '{}') COLLATE "C"` : `(${member} #>> '{}')::numeric`
  const name = parameters.add(isText ? plainText(bound) : bound)
  const type = isText ? 'string' : 'number'
  // Only what has the type may be cast to it.
  return `CASE WHEN jsonb_typeof(${member}) = '${type}' THEN ${value} ${comparison} ${name}::${isText ? 'text' : 'numeric'} ELSE false END`
}
