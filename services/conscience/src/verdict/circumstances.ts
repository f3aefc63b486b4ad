import type { CountedFact, TextEvaluation } from '@jamey/contracts'
import { type Judgement, type Proposal, stricter } from '../rules/engine.js'
import type { AttestedFact } from './attestations.js'

/** More are of no help to whoever reads a verdict. */
const MAXIMUM_TOLD = 50

/** What an action is judged by: with what its requester says of the circumstances, and with what others vouch for alone. */
export interface Circumstances {
  readonly asserted: Proposal
  /** Undefined where the requester says nothing. */
  readonly attested: Proposal | undefined
}

/**
 * Each attestor's facts stand in a map of their own, which rules look into: so a contradiction between two of them, or
 * between one and the requester, is seen as one.
 */
export function circumstancesOf(
  { action, context, user }: TextEvaluation,
  facts: readonly AttestedFact[],
): Circumstances {
  const byAttestor = new Map<string, [string, unknown][]>()
  for (const { name, value, attestor } of facts) {
    const said = byAttestor.get(attestor) ?? []
    byAttestor.set(attestor, said)
    said.push([name, value])
  }
  const attested = Object.fromEntries(
    [...byAttestor.values()].map((said, i) => [`attested_${i}`, Object.fromEntries(said)]),
  )
  const isSilent = Object.keys(context).length === 0 && Object.keys(user ?? {}).length === 0
  return {
    asserted: { action, context: { ...context, ...attested }, user },
    attested: isSilent ? undefined : { action, context: attested },
  }
}

/** What is decided, and which facts counted: what a requester says of itself speaks against its action or not at all. */
export function conclude(
  request: { readonly evaluation: TextEvaluation; readonly requester: string; readonly digest: string },
  facts: readonly AttestedFact[],
  asserted: Judgement,
  attested: Judgement,
): { judgement: Judgement; facts: CountedFact[] } {
  const { evaluation, requester, digest } = request
  const judgement = stricter(attested, asserted)
  const counted: CountedFact[] = facts.map(({ name, value, attestor }) => ({
    name,
    value,
    status: 'attested',
    given_by: attestor,
  }))
  if (judgement === asserted && asserted !== attested) {
    for (const [name, value] of Object.entries(evaluation.context)) {
      counted.push({
        name: name.slice(0, 100),
        value: shortened(value),
        status: 'asserted',
        given_by: requester,
      })
    }
  }
  const told = { judgement, facts: counted.slice(0, MAXIMUM_TOLD) }
  if (judgement.approved || !asserted.approved) return told
  const explanation = `${judgement.explanation} What the requester says of itself (${namesIn(evaluation)}) cannot speak for its action; somebody else may attest it for ${digest}.`
  return { ...told, judgement: { ...judgement, explanation } }
}

function namesIn({ context, user }: TextEvaluation): string {
  const names = [...Object.keys(context), ...(user === undefined ? [] : ['user'])]
  const shown = names.slice(0, 5).map((name) => name.slice(0, 60))
  return names.length > 5 ? `${shown.join(', ')} and ${names.length - 5} more` : shown.join(', ')
}

/** A verdict is no place to store what was sent. */
function shortened(value: unknown): unknown {
  if (typeof value === 'string') return value.length > 200 ? `${value.slice(0, 200)}...` : value
  return typeof value === 'object' && value !== null ? 'an object' : value
}
