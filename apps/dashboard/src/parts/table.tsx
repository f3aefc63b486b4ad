import type { ComponentChildren } from 'preact'

export interface Column<Row> {
  readonly head: string
  /** Numbers stand at the right, so that their digits are below each other. */
  readonly isNumber?: boolean
  /** Keeps room for a topic, a payload, an address, or the name of somebody, beside columns of long texts. */
  readonly holds?: 'topic' | 'payload' | 'name' | 'address'
  /** Left out where columns have little room. */
  readonly isMinor?: boolean
  cell(row: Row): ComponentChildren
}

interface TableProps<Row> {
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  keyOf(row: Row): string
  toneOf?(row: Row): string | undefined
}

/** A table, which becomes a list of rows with their heads where there is no room for columns. */
export function Table<Row>({ caption, columns, rows, keyOf, toneOf }: TableProps<Row>) {
  return (
    <table>
      <caption class="unseen">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.head} scope="col" class={classOf(column)}>
              {column.head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} class={toneOf?.(row)}>
            {columns.map((column) => (
              <td key={column.head} data-head={column.head} class={classOf(column)}>
                {column.cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function classOf<Row>({ isNumber, isMinor, holds }: Column<Row>): string | undefined {
  const names = [
    isNumber === true ? 'number' : '',
    isMinor === true ? 'minor' : '',
    holds === undefined ? '' : `holds-${holds}`,
  ].filter((name) => name !== '')
  return names.length === 0 ? undefined : names.join(' ')
}
