import type { MatchCondition } from '@langchain/langgraph-checkpoint'

/** True where a namespace begins or ends as every condition says; `*` is any one label. */
export function matchesAll(namespace: readonly string[], conditions: readonly MatchCondition[]): boolean {
  return conditions.every(({ matchType, path }) => {
    if (path.length > namespace.length) return false
    const from = matchType === 'prefix' ? 0 : namespace.length - path.length
    return path.every((label, i) => label === '*' || label === namespace[from + i])
  })
}
