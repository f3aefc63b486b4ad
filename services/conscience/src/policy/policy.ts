import { type Call, type FactOptions, type Facts, factsOf } from '@jamey/calls'
import type { JudgedCall, Session } from '../session/session.js'
import type { Source } from '../session/session-entry.js'
import { NO_SESSION, type SessionView, sessionView } from './session-view.js'

/** What is to become of a call. `ask`: a person decides; where nobody can be asked that is `deny`. */
export type Decision = 'allow' | 'ask' | 'deny'

/** What a condition looks at: what the call would do, and what the deployer has named. */
export interface Circumstances extends Omit<Facts, 'isKnown' | 'isUntrusted' | 'isTrusted'> {
  readonly known: boolean
  readonly session: SessionView
  /** Lists of the deployer by name; every list that a rule names is there, if empty. */
  readonly lists: Readonly<Record<string, readonly string[]>>
}

/** A rule of a policy, compiled. */
export interface PolicyRule {
  readonly name: string
  /** Told with the verdict, to whoever is asked. */
  readonly reason: string
  readonly decision: Decision
  /** How many different people have to approve, where it asks; one by default. */
  readonly approvers?: 1 | 2 | undefined
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
  /** 2 where two people have to approve. */
  readonly approvers?: 1 | 2 | undefined
}

export interface CallVerdict {
  readonly decision: Decision
  /** Those that decided, and those that they overruled. */
  readonly rules: readonly AppliedPolicyRule[]
  readonly facts: Facts
  readonly policyVersion: string
}

/** The session that a call belongs to, and the time, in milliseconds since 1970. */
export interface Provenance {
  readonly session: Session
  readonly now: number
}

/**
 * `deny` beats `ask`, and `ask` beats `allow`. What no rule knows is asked. Without its session nothing is known to come
 * from the user. The session is only looked at: whoever goes by the verdict tells it (`judgedCall`).
 */
export function judgeCall(policy: Policy, call: Call, provenance?: Provenance): CallVerdict {
  const facts = factsOf(call, policy.facts)
  const { isKnown, isUntrusted: _, isTrusted: __, ...rest } = facts
  const session = provenance === undefined ? NO_SESSION : sessionView(provenance.session, provenance.now)
  const circumstances = { ...rest, known: isKnown, session, lists: policy.lists }
  const rules = policy.rules.flatMap((rule) => applied(rule, circumstances))
  return { decision: decisionOf(rules), rules, facts, policyVersion: policy.version }
}

function applied(rule: PolicyRule, circumstances: Circumstances): AppliedPolicyRule[] {
  const { name, decision, reason, approvers } = rule
  const told = { name, decision, ...(approvers === undefined ? {} : { approvers }) }
  try {
    return rule.applies(circumstances) ? [{ ...told, reason }] : []
  } catch (error) {
    // A rule that would allow allows nothing; one that would not, does not.
    if (decision === 'allow') return []
    const why = error instanceof Error ? error.message : String(error)
    return [{ ...told, reason: `${reason} (it could not be evaluated: ${why})` }]
  }
}

function decisionOf(rules: readonly AppliedPolicyRule[]): Decision {
  const has = (decision: Decision): boolean => rules.some((rule) => rule.decision === decision)
  if (has('deny')) return 'deny'
  return has('allow') && !has('ask') ? 'allow' : 'ask'
}

/** What a session is to remember of a call that was judged. */
export function judgedCall(call: Call, { decision, facts }: CallVerdict, id?: string): JudgedCall {
  const { effects, amounts, recipients } = facts
  return {
    id,
    ...call,
    decision,
    effects,
    source: sourceOf(facts),
    amount: amounts.reduce((sum, { amount }) => sum + amount, 0),
    recipients: recipients.map(({ text }) => text),
  }
}

/** Effects that bring in what others wrote, whatever the tool is said to be. */
const FROM_ELSEWHERE: ReadonlySet<string> = new Set(['outward-read', 'send', 'execute'])

/** The agent's own files and programs vouch for nothing, and mean nothing by what is in them. */
function sourceOf({ isTrusted, isUntrusted, isKnown, effects, files, urls }: Facts): Source {
  if (isTrusted) return 'trusted'
  const isOutside = urls.length > 0 || files.some(({ place }) => place !== 'workspace')
  return isUntrusted || !isKnown || isOutside || effects.some((effect) => FROM_ELSEWHERE.has(effect))
    ? 'untrusted'
    : 'neutral'
}
