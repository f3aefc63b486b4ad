import type { MemoryQueryInput } from '@jamey/contracts'
import type { FieldNames } from '../problems/invalid-input.js'
import { excerpt } from '../problems/invalid-input.js'
import { Problem } from '../problems/problem.js'

interface Parameter {
  /** The field of the query contract that it fills, where that has another name. */
  readonly field?: keyof MemoryQueryInput | 'owner'
  readonly kind: 'text' | 'list' | 'integer' | 'time'
  readonly description: string
}

/** The query parameters of `GET /v1/memories`; checking and documentation come from this table. */
export const RECALL_PARAMETERS: Readonly<Record<string, Parameter>> = {
  q: { field: 'query', kind: 'text', description: 'Words to look for; without them the newest come first.' },
  layer: { field: 'layers', kind: 'list', description: 'Only memories of this layer; may be repeated.' },
  tag: { field: 'tags', kind: 'list', description: 'Only memories with this tag; may be repeated.' },
  from: { kind: 'time', description: 'Only what happened at this time or later.' },
  to: { kind: 'time', description: 'Only what happened at this time or earlier.' },
  limit: { kind: 'integer', description: 'How many at most.' },
  offset: { kind: 'integer', description: 'How many to leave out, for the next page.' },
}

/** Those of `GET /v1/others/memories`. */
export const OTHERS_RECALL_PARAMETERS: Readonly<Record<string, Parameter>> = {
  ...RECALL_PARAMETERS,
  owner: { kind: 'text', description: 'Only the memories of this client.' },
}

/** What a caller calls the fields of the query contract. */
export const RECALL_FIELD_NAMES: FieldNames = Object.fromEntries(
  Object.entries(RECALL_PARAMETERS).map(([name, { field = name }]) => [field, name]),
)

/**
 * The data of a memory query from a parsed query string, still to be checked against the contract. Throws a
 * `Problem` 400 on a parameter that does not exist, so that a misspelt filter is never silently ignored.
 */
export function recallQueryOf(
  query: Readonly<Record<string, unknown>>,
  parameters = RECALL_PARAMETERS,
): Record<string, unknown> {
  const input: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(query)) {
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined
    if (parameter === undefined) throw unknownParameter(name, parameters)
    if (value !== '') input[parameter.field ?? name] = readValue(parameter.kind, value)
  }
  return input
}

function readValue(kind: Parameter['kind'], value: unknown): unknown {
  if (kind === 'list') return Array.isArray(value) ? value : [value]
  if (typeof value !== 'string') return value
  if (kind === 'integer') return /^-?\d{1,15}$/.test(value) ? Number(value) : value
  // An unescaped "+01:00" arrives as " 01:00", and no date has a space there otherwise.
  if (kind === 'time') return value.replace(/ (\d\d:\d\d)$/, '+$1')
  return value
}

function unknownParameter(name: string, parameters: typeof RECALL_PARAMETERS): Problem {
  const known = Object.keys(parameters).join(', ')
  return new Problem('invalid-input', `There is no query parameter ${excerpt(name)}; there are ${known}.`, {
    field: name.slice(0, 60),
  })
}
