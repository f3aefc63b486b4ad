import { PROBLEM_STATUSES } from '../problems/problem.js'

/** The responses of OpenAPI for failures of these statuses. */
export function problemResponses(statuses: readonly number[]): Record<string, object> {
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
  return Object.fromEntries(
    statuses.map((status) => [status, { description: PROBLEM_STATUSES.get(status) ?? 'A problem', content }]),
  )
}
