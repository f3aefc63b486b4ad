import { CONTRACTS } from '@jamey/contracts'
import { covers, overlaps } from '@jamey/protocol'

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
 * selects besides is lost. One that names the client's own level there is kept.
 */
export function narrowed(filters: readonly string[], root: string, clientId: string): readonly string[] {
  const owner = root.split('/').length
  return filters.flatMap((filter) => {
    const isOwn = filter.split('/')[owner] === clientId
    if (isOwn || !overlaps(filter, `${root}/+/#`)) return [filter]
    const inside = SUBTREES.filter((tree) => covers(filter, tree) && !overlaps(tree, `${root}/+/#`))
    return inside.filter((tree, i) => !inside.some((wider, j) => j < i && covers(wider, tree)))
  })
}
