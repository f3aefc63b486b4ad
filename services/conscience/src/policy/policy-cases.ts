import type { Call } from '@jamey/calls'
import { z } from 'zod'
import { type CallVerdict, type Decision, judgeCall, type Policy } from './policy.js'
import { RuleFileError, Source } from './source.js'

const DECISIONS = ['allow', 'ask', 'deny'] as const satisfies readonly Decision[]

const caseSchema = z.strictObject({
  name: z.string().trim().min(1).max(200).optional(),
  tool: z.string().min(1).max(200),
  arguments: z.record(z.string(), z.unknown()).default({}),
  decision: z.enum(DECISIONS),
  /** Rules that have to be among those that apply. */
  rules: z.array(z.string()).default([]),
})

const casesSchema = z.strictObject({ cases: z.array(caseSchema).min(1).max(10_000) })

/** A call, and what a policy is to say of it. */
export interface PolicyCase {
  readonly name: string
  readonly call: Call
  readonly decision: Decision
  readonly rules: readonly string[]
}

export interface FailedPolicyCase {
  readonly case: PolicyCase
  readonly verdict: CallVerdict
  /** Of the rules that were to apply, those that did not. */
  readonly missing: readonly string[]
}

export interface PolicyTest {
  readonly cases: number
  readonly failures: readonly FailedPolicyCase[]
  /** Rules that no case makes apply: nothing tells whether they work. */
  readonly unused: readonly string[]
  /** Rules that apply in every case: nothing tells whether they ever do not. */
  readonly constant: readonly string[]
}

/** Reads the cases of a policy. Throws `RuleFileError` with every fault at once. */
export function parsePolicyCases(text: string, file: string): PolicyCase[] {
  const source = new Source(text, file)
  const content = source.content(casesSchema)
  if (content === undefined) throw new RuleFileError(source.sortedFaults(), undefined, 'The cases')
  return content.cases.map(({ name, tool, arguments: given, decision, rules }) => {
    const call = { tool, arguments: given }
    return { name: name ?? nameOf(call), call, decision, rules }
  })
}

/** What the policy says of each case, and which of its rules they try. */
export function testPolicy(policy: Policy, cases: readonly PolicyCase[]): PolicyTest {
  const failures: FailedPolicyCase[] = []
  const counts = new Map(policy.rules.map(({ name }) => [name, 0]))
  for (const each of cases) {
    const verdict = judgeCall(policy, each.call)
    const applied = verdict.rules.map(({ name }) => name)
    for (const name of applied) counts.set(name, (counts.get(name) ?? 0) + 1)
    const missing = each.rules.filter((name) => !applied.includes(name))
    if (verdict.decision !== each.decision || missing.length > 0) {
      failures.push({ case: each, verdict, missing })
    }
  }
  const those = (count: number): string[] => {
    return [...counts].flatMap(([name, found]) => (found === count ? [name] : []))
  }
  return { cases: cases.length, failures, unused: those(0), constant: those(cases.length) }
}

/** A call of which two policies say different things. */
export interface PolicyDifference {
  readonly call: Call
  readonly before: CallVerdict
  readonly after: CallVerdict
}

/** Of the calls, those that the other policy would decide otherwise. */
export function* policyDifferences(
  before: Policy,
  after: Policy,
  calls: Iterable<Call>,
): Generator<PolicyDifference, void> {
  for (const call of calls) {
    const difference = { call, before: judgeCall(before, call), after: judgeCall(after, call) }
    if (difference.before.decision !== difference.after.decision) yield difference
  }
}

function nameOf({ tool, arguments: given }: Call): string {
  return `${tool} ${JSON.stringify(given)}`.slice(0, 200)
}
