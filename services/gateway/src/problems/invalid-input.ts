import { firstIssue, quickParse } from '@jamey/contracts'
import type { z } from 'zod'
import { Problem } from './problem.js'

type Issue = z.core.$ZodIssue

/** The names a caller used where they differ from the contract's: `{ layers: 'layer' }`. */
export type FieldNames = Readonly<Record<string, string>>

/** The first fault of an input, with the field it is in. */
export interface InputFault {
  readonly field: string
  readonly detail: string
}

/** Checks `input` against a contract's schema; throws a `Problem` 400 that names the field. */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  names: FieldNames = {},
): z.output<Schema> {
  const parsed = quickParse(schema, input)
  if (parsed.success) return parsed.data
  const { field, detail } = faultOf(parsed.error.issues, input, names)
  throw new Problem('invalid-input', detail, { field })
}

/** Puts the first of zod's issues into words: which field, what was expected, what was found. */
export function faultOf(issues: readonly Issue[], input: unknown, names: FieldNames = {}): InputFault {
  const issue = firstIssue(issues)
  if (issue === undefined) return { field: 'body', detail: 'The input is not acceptable.' }
  if (issue.code === 'unrecognized_keys') {
    const field = fieldName([...issue.path, issue.keys[0] ?? ''], names)
    return { field, detail: `There is no field ${field}; check its spelling or leave it out.` }
  }
  const field = fieldName(issue.path, names)
  const found = valueAt(input, issue.path)
  const expected = expectation(issue)
  if (found === undefined) return { field, detail: `${field} is missing: ${expected}.` }
  return { field, detail: `${field} is not acceptable: ${expected}; found ${excerpt(found)}.` }
}

/** At most 60 characters of a value, as JSON, so that a message stays a line. */
export function excerpt(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`
}

function expectation(issue: Issue): string {
  if (issue.code === 'invalid_format' && issue.format === 'datetime') {
    return 'expected a time in ISO 8601 with its zone, such as 2024-11-14T20:00:00Z'
  }
  if (issue.code === 'invalid_value') {
    return `expected one of ${issue.values.map(String).join(', ')}`
  }
  // Zod says what it received too ("expected string, received number"); the excerpt says that better.
  const message = issue.message.replace(/^[A-Z][a-z ]+: /, '').replace(/, received .*$/, '')
  return message.replace('record', 'object').replace('>=', 'at least ').replace('<=', 'at most ')
}

function fieldName(path: readonly PropertyKey[], names: FieldNames): string {
  const [first, ...rest] = path.map(String)
  if (first === undefined) return 'body'
  return [names[first] ?? first, ...(names[first] === undefined ? rest : [])].join('.')
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}
