import { CONTRACTS } from '@jamey/contracts'
import { covers, overlaps } from '@jamey/protocol'
import type { ClientRules } from './client-rules.js'

/** `jamey/<first>/#` and `<topic>/#` of everything that we say, wide ones first. */
const SUBTREES: readonly string[] = [
  ...new Set([
    ...CONTRACTS.map(({ topic }) => `${topic.split('/').slice(0, 2).join('/')}/#`),
    ...CONTRACTS.map(({ topic }) => `${topic.replace(/\/\{.*$/, '')}/#`),
  ]),
]

/**
 * `filters` for a broker that can deny nothing which it also allows. Each that selects topics right below `root`, where
 * every client has a level of its own, is replaced by the parts of it that hold our topics and nothing of others; what it
 * selects besides is lost. One that names the client's own level there is kept, and so is that of whom it relays for.
 */
export function narrowed(
  filters: readonly string[],
  root: string,
  { clientId, relays }: Pick<ClientRules, 'clientId' | 'relays'>,
): readonly string[] {
  const owner = root.split('/').length
  if (relays.includes('+')) return filters
  return filters.flatMap((filter) => {
    const level = filter.split('/')[owner] ?? ''
    const isOpen = level === clientId || relays.includes(level)
    if (isOpen || !overlaps(filter, `${root}/+/#`)) return [filter]
    const inside = SUBTREES.filter((tree) => covers(filter, tree) && !overlaps(tree, `${root}/+/#`))
    return inside.filter((tree, i) => !inside.some((wider, j) => j < i && covers(wider, tree)))
  })
}
