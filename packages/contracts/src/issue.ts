import type { z } from 'zod'

type Issue = z.core.$ZodIssue

/**
 * The first thing that is wrong, by zod's issues. Where one of several shapes was expected, it is that of the shape which
 * comes nearest; the first of them where two come as near.
 */
export function firstIssue(issues: readonly Issue[]): Issue | undefined {
  const [issue] = issues
  if (issue?.code !== 'invalid_union' || issue.errors.length === 0) return issue
  const [nearest] = issue.errors
    .map((shape) => ({ shape, faults: shape.reduce((sum, one) => sum + countOf(one), 0) }))
    .sort((a, b) => a.faults - b.faults)
  const inner = firstIssue(nearest?.shape ?? [])
  return inner === undefined ? issue : { ...inner, path: [...issue.path, ...inner.path] }
}

function countOf(issue: Issue): number {
  return issue.code === 'unrecognized_keys' ? issue.keys.length : 1
}
