import type { FastifyRequest } from 'fastify'
import type { FieldNames } from '../problems/invalid-input.js'
import { excerpt } from '../problems/invalid-input.js'
import { Problem } from '../problems/problem.js'

interface Parameter {
  /** The field of the contract that it fills, where that has another name. */
  readonly field?: string
  readonly kind: 'text' | 'list' | 'integer' | 'time' | 'boolean'
  readonly description: string
}

/** The query parameters of one endpoint by name; checking and documentation come from such a table. */
export type QueryParameters = Readonly<Record<string, Parameter>>

/** Those of every list that is told by pages. */
const PAGE_PARAMETERS: QueryParameters = {
  limit: { kind: 'integer', description: 'How many at most.' },
  cursor: { kind: 'text', description: 'next_cursor of the page before.' },
}

/** Those of `GET /v1/memories`. */
export const RECALL_PARAMETERS: QueryParameters = {
  q: { field: 'query', kind: 'text', description: 'Words to look for; without them the newest come first.' },
  layer: { field: 'layers', kind: 'list', description: 'Only memories of this layer; may be repeated.' },
  tag: { field: 'tags', kind: 'list', description: 'Only memories with this tag; may be repeated.' },
  from: { kind: 'time', description: 'Only what happened at this time or later.' },
  to: { kind: 'time', description: 'Only what happened at this time or earlier.' },
  session_id: { kind: 'text', description: 'Only what comes from this session.' },
  scope: { kind: 'text', description: 'Only what is private, shared, or shared with a group: group:NAME.' },
  origin: { kind: 'text', description: 'Only texts that came from there.' },
  source: { kind: 'text', description: 'Only what this client stored.' },
  trusted: { kind: 'boolean', description: 'Only what is believed, or only what is not.' },
  as_of: { kind: 'time', description: 'What was known and held at this time.' },
  include_superseded: { kind: 'boolean', description: 'Also what holds no longer.' },
  explain: { kind: 'boolean', description: 'Say of each memory why it was found.' },
  count_recall: { kind: 'boolean', description: 'False where this is not to count as recalling it.' },
  ...PAGE_PARAMETERS,
  offset: { kind: 'integer', description: 'How many to leave out; a cursor is better.' },
}

/** Those of `GET /v1/others/memories`. */
export const OTHERS_RECALL_PARAMETERS: QueryParameters = {
  ...RECALL_PARAMETERS,
  owner: { kind: 'text', description: 'Only the memories of this client.' },
}

/** Those of `GET /v1/memories/:id/history`. */
export const HISTORY_PARAMETERS: QueryParameters = {
  limit: { kind: 'integer', description: 'How many versions at most.' },
  cursor: { kind: 'text', description: 'next_cursor of the page before.' },
}

/** Those of `GET /v1/memories/export`. */
export const EXPORT_PARAMETERS: QueryParameters = {
  with_history: { kind: 'boolean', description: 'With the versions before.' },
}

/** Those of `GET /v1/others/memories/stats`. */
export const STATS_PARAMETERS: QueryParameters = {
  owner: { kind: 'text', description: 'Only the memories of this client.' },
}

/** Those of `GET /v1/approvals`. */
export const APPROVAL_PARAMETERS: QueryParameters = {
  status: { kind: 'list', description: 'Only those of this status; may be repeated.' },
  requested_by: { kind: 'text', description: 'Only what this client asked for.' },
  order: {
    kind: 'text',
    description:
      'created_at or changed_at (when the status last changed), the newest first; or expires_at, the next to expire first.',
  },
  ...PAGE_PARAMETERS,
  offset: { kind: 'integer', description: 'How many to leave out; a cursor is better.' },
}

/** Those of `GET /v1/verdicts`. */
export const VERDICT_PARAMETERS: QueryParameters = {
  conscience: { kind: 'text', description: 'Whose audit, by its client identifier.' },
  decision: { kind: 'text', description: 'Only those that say so: allow, ask or deny.' },
  requested_by: { kind: 'text', description: 'Only what this client asked about.' },
  tool: { kind: 'text', description: 'Only calls of this tool.' },
  ...PAGE_PARAMETERS,
}

/** Those of `GET /v1/approvals/:id`. */
export const WAIT_PARAMETERS: QueryParameters = {
  wait_ms: { kind: 'integer', description: 'How long to wait until it is pending no more.' },
}

/** Those of `GET /v1/broker/clients`. */
export const CLIENTS_PARAMETERS: QueryParameters = {
  search: { kind: 'text', description: 'A part of the client id, the user name or the address.' },
  sort: { kind: 'text', description: 'client_id, or the highest first by a number.' },
  is_connected: { kind: 'boolean', description: 'Only those that are connected, or that are not.' },
  ...PAGE_PARAMETERS,
}

/** Those of `GET /v1/broker/retained`. */
export const RETAINED_PARAMETERS: QueryParameters = {
  filter: { kind: 'text', description: 'Only topics that this MQTT filter selects.' },
  ...PAGE_PARAMETERS,
}

/** What a caller calls the fields of the query contract. */
export const RECALL_FIELD_NAMES: FieldNames = Object.fromEntries(
  Object.entries(RECALL_PARAMETERS).map(([name, { field = name }]) => [field, name]),
)

/**
 * The fields of a contract from a query string, still to be checked against it. Throws a `Problem` 400 on a parameter that
 * does not exist, so that a misspelt filter is never silently ignored.
 */
export function queryOf({ query }: FastifyRequest, parameters: QueryParameters): Record<string, unknown> {
  const input: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(query as Record<string, unknown>)) {
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
  if (kind === 'boolean') return value === 'true' ? true : value === 'false' ? false : value
  // An unescaped "+01:00" arrives as " 01:00", and no date has a space there otherwise.
  if (kind === 'time') return value.replace(/ (\d\d:\d\d)$/, '+$1')
  return value
}

function unknownParameter(name: string, parameters: QueryParameters): Problem {
  const known = Object.keys(parameters).join(', ')
  return new Problem('invalid-input', `There is no query parameter ${excerpt(name)}; there are ${known}.`, {
    field: name.slice(0, 60),
  })
}
