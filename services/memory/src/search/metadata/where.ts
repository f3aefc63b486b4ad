import type { MemoryWhere } from '@jamey/contracts'
import type { SqlValue } from '../../file/database.js'
import { MemoryInputError } from '../../model/errors.js'
import { storable } from '../../model/record-checks.js'

interface Condition {
  readonly sql: string
  readonly values: readonly SqlValue[]
}

export type Scalar = string | number | boolean | null
type Bounds = Readonly<Partial<Record<keyof typeof COMPARISONS, string | number | undefined>>>

const COMPARISONS = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const

/** The conditions on metadata as SQL; a member of another type fits none, and neither does one that is not there. */
export function whereCondition(where: MemoryWhere = {}): Condition[] {
  return Object.entries(where).map(([name, wanted]) => {
    const path = pathOf(name)
    if (!isObject(wanted)) return isEqual(path, wanted)
    return 'in' in wanted ? isOneOf(path, wanted.in) : isWithin(path, wanted)
  })
}

function isObject(wanted: MemoryWhere[string]): wanted is Extract<MemoryWhere[string], object> {
  return typeof wanted === 'object' && wanted !== null
}

/** True where a member with this value meets the condition, as its SQL has it. */
export function meets(value: Scalar, wanted: MemoryWhere[string]): boolean {
  if (!isObject(wanted)) return value === asStored(wanted)
  if ('in' in wanted) return wanted.in.some((one) => value === asStored(one))
  return (Object.entries(wanted) as [keyof typeof COMPARISONS, string | number][]).every(([name, bound]) => {
    if (typeof value !== typeof bound) return false
    const order = orderOf(value as string | number, storableOf(bound))
    return order === 0 ? name.endsWith('e') : name.startsWith('g') === order > 0
  })
}

function asStored(value: Scalar): Scalar {
  return typeof value === 'string' ? storableOf(value) : value
}

/** Texts are in the order of their bytes in UTF-8. */
function orderOf(one: string | number, other: string | number): number {
  return typeof one === 'string'
    ? Buffer.compare(Buffer.from(one), Buffer.from(String(other)))
    : one - Number(other)
}

/** `a.b` is `$."a"."b"`. */
export function pathOf(name: string): string {
  const parts = name.split('.')
  if (parts.every((part) => part !== '' && !/["\0]/.test(part))) return `$."${parts.join('"."')}"`
  throw new MemoryInputError(`where.${name}`, 'must be names joined by dots, without quotation marks')
}

function isEqual(path: string, value: Scalar): Condition {
  if (value === null || typeof value === 'boolean') {
    return { sql: 'json_type(m.metadata, ?) = ?', values: [path, String(value)] }
  }
  return {
    sql: `${isOfType(value)} AND json_extract(m.metadata, ?) = ?`,
    values: [path, path, storableOf(value)],
  }
}

function isOneOf(path: string, values: readonly Scalar[]): Condition {
  const each = values.map((value) => isEqual(path, value))
  return {
    sql: `(${each.map(({ sql }) => `(${sql})`).join(' OR ')})`,
    values: each.flatMap((one) => one.values),
  }
}

function isWithin(path: string, bounds: Bounds): Condition {
  const given = Object.entries(bounds) as [keyof typeof COMPARISONS, string | number][]
  const each = given.map(([name, bound]) => ({
    sql: `${isOfType(bound)} AND json_extract(m.metadata, ?) ${COMPARISONS[name]} ?`,
    values: [path, path, storableOf(bound)],
  }))
  return { sql: each.map(({ sql }) => sql).join(' AND '), values: each.flatMap(({ values }) => values) }
}

function isOfType(value: string | number): string {
  return `json_type(m.metadata, ?) ${typeof value === 'string' ? "= 'text'" : "IN ('integer', 'real')"}`
}

/** A text that the file cannot hold as a condition fits nothing: it would be cut, and fit what it is cut to. */
function storableOf(value: string | number): string | number {
  return typeof value === 'string' ? storable(value) : value
}
