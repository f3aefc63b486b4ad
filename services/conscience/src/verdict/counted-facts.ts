import type { CountedFact } from '@jamey/contracts'
import type { AttestedFact } from './attestations.js'

/** More are of no help to whoever reads a verdict. */
const MAXIMUM_TOLD = 50

/** Facts that others vouch for, by name. Where two say different things, a `false` counts, and else neither. */
export function attestedFacts(facts: readonly AttestedFact[]): Record<string, unknown> {
  const byName = new Map<string, unknown>()
  const disputed = new Set<string>()
  for (const { name, value } of facts) {
    if (byName.has(name) && byName.get(name) !== value) disputed.add(name)
    if (byName.get(name) !== false) byName.set(name, value)
  }
  return Object.fromEntries([...byName].filter(([name, value]) => value === false || !disputed.has(name)))
}

/** Facts that a verdict tells of: what was attested, and what a requester said of itself where it counted. */
export function countedFacts(
  attested: readonly AttestedFact[],
  asserted: { readonly context: Readonly<Record<string, unknown>>; readonly requester: string } | undefined,
): CountedFact[] {
  const counted: CountedFact[] = attested.map(({ name, value, attestor }) => {
    return { name, value, status: 'attested', given_by: attestor }
  })
  if (asserted !== undefined) {
    for (const [name, value] of Object.entries(asserted.context)) {
      const fact = { name: name.slice(0, 100), value: shortened(value) }
      counted.push({ ...fact, status: 'asserted', given_by: asserted.requester })
    }
  }
  return counted.slice(0, MAXIMUM_TOLD)
}

/** A verdict is no place to store what was sent. */
function shortened(value: unknown): unknown {
  if (typeof value === 'string') return value.length > 200 ? `${value.slice(0, 200)}...` : value
  return typeof value === 'object' && value !== null ? 'an object' : value
}
