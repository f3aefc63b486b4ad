import { type Call, type FactOptions, type Facts, factsOf } from '@jamey/calls'

/** What is to become of a call. `ask`: a person decides; where nobody can be asked that is `deny`. */
export type Decision = 'allow' | 'ask' | 'deny'

/** What a condition looks at: what the call would do, and what the deployer has named. */
export interface Circumstances extends Omit<Facts, 'isKnown' | 'isUntrusted'> {
  readonly known: boolean
  /** Lists of the deployer by name; every list that a rule names is there, if empty. */
  readonly lists: Readonly<Record<string, readonly string[]>>
}

/** A rule of a policy, compiled. */
export interface PolicyRule {
  readonly name: string
  /** Told with the verdict, to whoever is asked. */
  readonly reason: string
  readonly decision: Decision
  /** Throws where it cannot be evaluated. */
  readonly applies: (circumstances: Circumstances) => boolean
}

/** What a policy is made of. */
export interface PolicyText {
  readonly file: string
  readonly text: string
  /** Absolute; where the file names none. */
  readonly workspace: string
  /** Absolute. */
  readonly home: string
}

/** Rules, and what they need to know of the place they are for. */
export interface Policy {
  readonly version: string
  readonly source: PolicyText
  readonly rules: readonly PolicyRule[]
  readonly facts: FactOptions
  readonly lists: Readonly<Record<string, readonly string[]>>
}

export interface AppliedPolicyRule {
  readonly name: string
  readonly decision: Decision
  readonly reason: string
}

export interface CallVerdict {
  readonly decision: Decision
  /** Those that decided, and those that they overruled. */
  readonly rules: readonly AppliedPolicyRule[]
  readonly facts: Facts
  readonly policyVersion: string
}

/** `deny` beats `ask`, and `ask` beats `allow`. What no rule knows is asked. */
export function judgeCall(policy: Policy, call: Call): CallVerdict {
  const facts = factsOf(call, policy.facts)
  const { isKnown, isUntrusted: _, ...rest } = facts
  const circumstances = { ...rest, known: isKnown, lists: policy.lists }
  const rules = policy.rules.flatMap((rule) => applied(rule, circumstances))
  return { decision: decisionOf(rules), rules, facts, policyVersion: policy.version }
}

function applied(rule: PolicyRule, circumstances: Circumstances): AppliedPolicyRule[] {
  const { name, decision, reason } = rule
  try {
    return rule.applies(circumstances) ? [{ name, decision, reason }] : []
  } catch (error) {
    // A rule that would allow allows nothing; one that would not, does not.
    if (decision === 'allow') return []
    const why = error instanceof Error ? error.message : String(error)
    return [{ name, decision, reason: `${reason} (it could not be evaluated: ${why})` }]
  }
}

function decisionOf(rules: readonly AppliedPolicyRule[]): Decision {
  const has = (decision: Decision): boolean => rules.some((rule) => rule.decision === decision)
  if (has('deny')) return 'deny'
  return has('allow') && !has('ask') ? 'allow' : 'ask'
}
