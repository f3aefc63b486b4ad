import { formatCount } from '../format/numbers.js'

interface CountProps {
  readonly of: number
  /** What is more than nothing should be seen. */
  readonly isBad?: boolean
}

/** A count in a table, where nothing is to stay in the background. */
export function Count({ of, isBad = false }: CountProps) {
  return <span class={of === 0 ? 'muted' : isBad ? 'tone-warn' : undefined}>{formatCount(of)}</span>
}
