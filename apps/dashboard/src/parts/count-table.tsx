import { formatCount } from '../format/numbers.js'
import { reasonInWords } from '../format/words.js'
import { Empty } from './notice.js'
import { Table } from './table.js'

interface CountTableProps {
  readonly caption: string
  readonly counts: Readonly<Record<string, number>>
}

/** Counts by reason, the most first. */
export function CountTable({ caption, counts }: CountTableProps) {
  const rows = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .sort((a, b) => b[1] - a[1])
  if (rows.length === 0) return <Empty>None.</Empty>
  return (
    <Table
      caption={caption}
      columns={[
        { head: 'Reason', cell: ([reason]: [string, number]) => reasonInWords(reason) },
        { head: 'Count', isNumber: true, cell: ([, count]: [string, number]) => formatCount(count) },
      ]}
      rows={rows}
      keyOf={([reason]) => reason}
    />
  )
}
