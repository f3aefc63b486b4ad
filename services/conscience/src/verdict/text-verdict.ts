import type { AppliedRule, Decision, TextVerdict } from '@jamey/contracts'
import type { Judgement, AppliedRule as WeighedRule } from '../rules/engine.js'

const DECISIONS = { forbid: 'deny', discourage: 'deny', encourage: 'allow' } as const

/** A judgement of words, as a verdict has it. */
export function textVerdictOf(
  judgement: Judgement,
): Pick<
  TextVerdict,
  | 'kind'
  | 'approved'
  | 'decision'
  | 'reasons'
  | 'rules'
  | 'outcome'
  | 'moral_score'
  | 'recognised'
  | 'explanation'
> {
  const { approved, decision: outcome, moral_score, recognised, rules, explanation } = judgement
  return {
    kind: 'text',
    approved,
    decision: decisionOf(judgement),
    reasons: [explanation],
    rules: rules.map(appliedRule),
    outcome,
    moral_score,
    recognised,
    explanation,
  }
}

function decisionOf({ approved, decision }: Judgement): Decision {
  if (approved) return 'allow'
  return decision === 'unrecognised' ? 'ask' : 'deny'
}

function appliedRule({ name, description, effect, reason }: WeighedRule): AppliedRule {
  const why = reason === undefined ? description : `${description} [${reason}]`
  return { name, decision: DECISIONS[effect], reason: why }
}
