import type { Call, Words } from '@jamey/calls'
import { type Decision, decisionSchema } from '@jamey/contracts'
import { z } from 'zod'
import { Session } from '../session/session.js'
import {
  type CallVerdict,
  judgeCall,
  judgedCall,
  judgeWords,
  type Policy,
  type Surroundings,
} from './policy.js'
import { RuleFileError } from './policy-errors.js'
import { type Supposed, supposedSchema } from './policy-schema.js'
import { YamlSource } from './yaml-source.js'

const callSchema = z.strictObject({
  tool: z.string().min(1).max(200),
  arguments: z.record(z.string(), z.unknown()).default({}),
})

const caseSchema = z
  .strictObject({
    name: z.string().trim().min(1).max(200).optional(),
    ...callSchema.partial({ tool: true }).shape,
    /** The agent's own word for why it makes the call. */
    intent: z.string().max(10_000).optional(),
    /** The folder that the call is said to be made in. */
    cwd: z.string().min(1).max(4_096).optional(),
    /** In the place of a call: an action in words, what is said beside it, and what others vouch for. */
    action: z.string().min(1).optional(),
    context: z.record(z.string(), z.unknown()).default({}),
    attested: z.record(z.string(), z.unknown()).default({}),
    /** The user's words before; without them there is no session. */
    request: z.string().min(1).optional(),
    /** The calls that were made since, and what they answered. */
    after: z.array(callSchema.extend({ answer: z.unknown().optional() })).default([]),
    decision: decisionSchema,
    /** Rules that have to be among those that apply. */
    rules: z.array(z.string()).default([]),
  })
  .refine(({ tool, action }) => (tool === undefined) !== (action === undefined), {
    error: 'needs either tool or action',
    // Whatever else is wrong with it, which zod would tell alone.
    when: ({ value }) => typeof value === 'object' && value !== null,
  })

const casesSchema = z.strictObject({
  given: supposedSchema.default({ lists: {}, tools: {} }),
  cases: z.array(caseSchema).min(1).max(10_000),
})

/** A file of cases, and what all of them suppose that the policy has. */
export interface PolicyCases {
  readonly cases: readonly PolicyCase[]
  readonly given: Supposed
}

/** A call that was made before, and what it answered. */
export interface AnsweredCall extends Call {
  readonly answer?: unknown
}

/** A call, or words, and what a policy is to say of it. */
export interface PolicyCase {
  readonly name: string
  /** Undefined where words are judged. */
  readonly call: Call | undefined
  readonly words: Words | undefined
  readonly attested: Readonly<Record<string, unknown>>
  readonly request: string | undefined
  readonly after: readonly AnsweredCall[]
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
export function parsePolicyCases(text: string, file: string): PolicyCases {
  const source = new YamlSource(text, file)
  const content = source.content(casesSchema)
  if (content === undefined) throw new RuleFileError(source.sortedFaults(), undefined, 'The cases')
  const cases = content.cases.map(
    ({ name, tool, arguments: given, intent, cwd, action, context, request, ...rest }) => {
      const call = tool === undefined ? undefined : { tool, arguments: given, intent, cwd }
      const words = action === undefined ? undefined : { action, context, user: {} }
      return { name: name ?? nameOf(call, action), call, words, request, ...rest }
    },
  )
  return { cases, given: content.given }
}

/** Tries each case, and tells which rules of the policy they try. */
export function testPolicy(policy: Policy, cases: readonly PolicyCase[]): PolicyTest {
  const failures: FailedPolicyCase[] = []
  const counts = new Map(policy.rules.map(({ name }) => [name, 0]))
  for (const each of cases) {
    const verdict = verdictOn(policy, each)
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

/** Of a case the moment does not matter; its calls are made one after the other. */
const BEGAN_AT = 1_000_000

function verdictOn(policy: Policy, { call, words, attested, request, after }: PolicyCase): CallVerdict {
  let now = BEGAN_AT
  const around: Surroundings =
    request === undefined ? { attested } : { attested, session: new Session(), now }
  const { session } = around
  if (session !== undefined && request !== undefined) {
    session.request(request, now)
    for (const { answer, ...earlier } of after) {
      const judged = judgeCall(policy, earlier, { session, now: ++now })
      session.called({ ...judgedCall(earlier, judged), decision: 'allow' }, now)
      session.result({ tool: earlier.tool, result: answer ?? null, outcome: 'succeeded' }, ++now)
    }
  }
  const here = session === undefined ? around : { ...around, now: ++now }
  return call === undefined ? judgeWords(policy, words as Words, here) : judgeCall(policy, call, here)
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

function nameOf(call: Call | undefined, action = ''): string {
  return (call === undefined ? action : `${call.tool} ${JSON.stringify(call.arguments)}`).slice(0, 200)
}
