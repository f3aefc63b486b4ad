import type { MemoryWhere } from '@jamey/contracts'

type Filter = Readonly<Record<string, unknown>>

const OPERATORS: Readonly<Record<string, (found: unknown, wanted: unknown) => boolean>> = {
  $eq: (found, wanted) => found === wanted,
  $ne: (found, wanted) => found !== wanted,
  $gt: (found, wanted) => Number(found) > Number(wanted),
  $gte: (found, wanted) => Number(found) >= Number(wanted),
  $lt: (found, wanted) => Number(found) < Number(wanted),
  $lte: (found, wanted) => Number(found) <= Number(wanted),
  $in: (found, wanted) => Array.isArray(wanted) && wanted.includes(found),
  $nin: (found, wanted) => !(Array.isArray(wanted) && wanted.includes(found)),
}

/** True where a value has the members that a filter asks for, as LangGraph's own stores compare them. */
export function fits(value: Filter, filter: Filter): boolean {
  return Object.entries(filter).every(([name, wanted]) => {
    const found = value[name]
    if (!isOperators(wanted)) return found === wanted
    return Object.entries(wanted).every(
      ([operator, operand]) => OPERATORS[operator]?.(found, operand) === true,
    )
  })
}

function isOperators(wanted: unknown): wanted is Filter {
  return typeof wanted === 'object' && wanted !== null && Object.keys(wanted).every((key) => key in OPERATORS)
}

/** Number of members that a memory compares by itself; `fits` has the last word in any case. */
const COMPARED = 20

/** The part of a filter that a memory itself compares in the same way, so that the rest need not be fetched. */
export function whereOf(filter: Filter): MemoryWhere | undefined {
  const equal = Object.entries(filter).flatMap(([name, wanted]): [string, string | number | boolean][] => {
    const scalar = isOperators(wanted) ? wanted['$eq'] : wanted
    const isComparable = ['string', 'boolean'].includes(typeof scalar) || Number.isFinite(scalar)
    // A name with a dot would be a path.
    if (!isComparable || String(scalar).length > 1000 || !/^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(name))
      return []
    return [[`langgraph.value.${name}`, scalar as string | number | boolean]]
  })
  return equal.length === 0 ? undefined : Object.fromEntries(equal.slice(0, COMPARED))
}
