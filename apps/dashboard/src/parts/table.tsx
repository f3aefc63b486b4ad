import type { ComponentChildren } from 'preact'

export interface Column<Row> {
  readonly head: string
  /** Numbers stand at the right, so that their digits are below each other. */
  readonly isNumber?: boolean
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
          {columns.map(({ head, isNumber, isMinor }) => (
            <th key={head} scope="col" class={classOf(isNumber, isMinor)}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} class={toneOf?.(row)}>
            {columns.map(({ head, isNumber, isMinor, cell }) => (
              <td key={head} data-head={head} class={classOf(isNumber, isMinor)}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function classOf(isNumber = false, isMinor = false): string | undefined {
  const names = [isNumber ? 'number' : '', isMinor ? 'minor' : ''].filter((name) => name !== '')
  return names.length === 0 ? undefined : names.join(' ')
}
