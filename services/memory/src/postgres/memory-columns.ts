import type { MemoryRow } from '../model/memory-record.js'

/** Each column of a memory that is one of `MemoryRow`, too, with its type. */
const COLUMNS: Readonly<Partial<Record<keyof MemoryRow, string>>> = {
  id: 'text',
  content: 'text',
  layer: 'text',
  tags: 'text',
  importance: 'double precision',
  sent_at: 'bigint',
  created_at: 'bigint',
  occurred_at: 'bigint',
  expires_at: 'bigint',
  source: 'text',
  owner: 'text',
  scope: 'text',
  metadata: 'text',
}

const NAMES = Object.keys(COLUMNS)

/** The columns of a row, read from the table of this name. */
export function rowOf(table: string, without: readonly string[] = []): string {
  return NAMES.filter((name) => !without.includes(name))
    .map((name) => `${table}.${name}`)
    .join(', ')
}

/** What a row becomes in the table, read from the record `given` that `json_to_recordset` makes. */
export const INSERTED = `${NAMES.join(', ')}, tag_keys, terms, terms_count`
export const GIVEN = `${NAMES.map((name) => `given.${name}`).join(', ')}, given.tag_keys, given.terms::tsvector, given.terms_count`
export const GIVEN_TYPES = `${Object.entries(COLUMNS)
  .map(([name, type]) => `${name} ${type}`)
  .join(', ')}, tag_keys text[], terms text, terms_count integer`
