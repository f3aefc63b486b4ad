import type { Decision, TextVerdict } from '@jamey/contracts'

type Former = Pick<TextVerdict, 'outcome' | 'moral_score' | 'recognised' | 'explanation' | 'rules_version'>

const OUTCOMES = { allow: 'approved', ask: 'unrecognised', deny: 'forbidden' } as const
const SCORES: Readonly<Record<Decision, number>> = { allow: 1, ask: 0, deny: -1 }

/** A decision about words as it was told before; for one version more. */
export function formerWords({
  decision,
  reasons,
  policy_version: rules_version,
}: Pick<TextVerdict, 'decision' | 'reasons' | 'policy_version'>): Former {
  return {
    outcome: OUTCOMES[decision],
    moral_score: SCORES[decision],
    recognised: decision !== 'ask',
    explanation: reasons.map((reason) => `${reason}.`).join(' '),
    rules_version,
  }
}
