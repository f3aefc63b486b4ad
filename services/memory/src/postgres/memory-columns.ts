import type { MemoryRow } from '../model/memory-record.js'

/** Each column of a memory that is one of `MemoryRow`, too, with its type. */
const COLUMNS: Readonly<Record<keyof MemoryRow, string>> = {
  id: 'text NOT NULL',
  content: 'text NOT NULL',
  layer: 'text NOT NULL',
  tags: 'text NOT NULL',
  importance: 'double precision NOT NULL',
  sent_at: 'bigint NOT NULL',
  created_at: 'bigint NOT NULL',
  occurred_at: 'bigint NOT NULL',
  expires_at: 'bigint',
  source: 'text NOT NULL',
  owner: 'text NOT NULL',
  scope: 'text NOT NULL',
  metadata: 'text NOT NULL',
  stored_by: 'text NOT NULL',
  session_id: 'text',
  turn: 'bigint',
  origin: 'text',
  trusted: 'smallint NOT NULL',
  valid_from: 'bigint',
  valid_to: 'bigint',
  supersedes: 'text',
  superseded_by: 'text',
  idempotency_key: 'text',
  version: 'integer NOT NULL',
  updated_at: 'bigint NOT NULL',
  count: 'integer NOT NULL',
  last_stored_at: 'bigint NOT NULL',
  content_hash: 'text NOT NULL',
  stored_hash: 'text',
  bytes: 'bigint NOT NULL',
}

const NAMES = Object.keys(COLUMNS)
const typeOf = (definition: string): string => definition.replace(' NOT NULL', '')

/** The columns as a table is made with them. */
export const COLUMN_DEFINITIONS = Object.entries(COLUMNS)
  .map(([name, type]) => `${name} ${type}`)
  .join(', ')

/** The columns of a row, read from the table of this name. */
export function rowOf(table: string): string {
  return NAMES.map((name) => `${table}.${name}`).join(', ')
}

/** What a row of a table is found by, beside its own columns: see `migrations.ts`. */
export const FOUND_BY: Readonly<Record<string, string>> = {
  tag_keys: 'text[]',
  terms: 'text',
  terms_count: 'integer',
  facts: 'jsonb',
}

/** Columns of records that `json_to_recordset` makes: a row, and what else is named with its type. */
export function givenTypes(more: Readonly<Record<string, string>>): string {
  const types = Object.entries(COLUMNS).map(([name, type]) => [name, typeOf(type)])
  return [...types, ...Object.entries(more)].map(([name, type]) => `${name} ${type}`).join(', ')
}

/** The names of the columns of a row, for an INSERT. */
export const ROW_NAMES = NAMES.join(', ')

/** Assignments of every column of a row from the table of this name, for an UPDATE. */
export const assignedFrom = (table: string): string =>
  NAMES.map((name) => `${name} = ${table}.${name}`).join(', ')
