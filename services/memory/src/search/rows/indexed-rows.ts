/** The columns of a memory that it is found by; see `IndexedRow`. */
export const INDEXED_COLUMNS = [
  ...['seq', 'owner', 'scope', 'layer', 'importance', 'created_at', 'occurred_at', 'expires_at', 'tags'],
  ...['content', 'metadata', 'session_id', 'turn', 'valid_from', 'valid_to', 'source', 'trusted'],
  'updated_at',
]

export interface JsonRows {
  readonly rows: string
}

/** All rows as one text: the library takes longer for each value that it hands over than SQLite for the row. */
export function jsonOfRows(columns: readonly string[]): string {
  return `json_group_array(json_array(${columns.join(', ')})) AS rows`
}

export function rowsFromJson<Row>(columns: readonly string[], [found]: readonly JsonRows[]): Row[] {
  const rows = JSON.parse(found?.rows ?? '[]') as unknown[][]
  return rows.map((values) => Object.fromEntries(columns.map((column, i) => [column, values[i]])) as Row)
}
