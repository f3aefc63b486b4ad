import type { Call } from '@jamey/calls'
import type { AppliedPolicyRule, Decision, PolicyText } from '../policy/policy.js'
import type { Finding, Proposal } from '../rules/engine.js'
import type { RuleText } from '../rules/rule-file.js'

/** What the thread is started with. */
export interface ThreadOptions {
  readonly rules: readonly RuleText[]
  readonly policy: PolicyText
  /** For all rules of one evaluation. */
  readonly budgetMs: number | undefined
  /** Where the thread notes what it is at; see `Progress`. */
  readonly progress: SharedArrayBuffer
}

export type Order =
  /** The rules of all evaluations that are ordered later. */
  | { readonly rules: readonly RuleText[]; readonly policy: PolicyText }
  /** Senders take turns. `leftMs`: after that nobody waits for it. */
  | {
      readonly id: number
      readonly sender: string
      readonly work: Work
      readonly leftMs: number
    }

/** What is to be judged: a call, or words, with each of several accounts of their circumstances. */
export type Work = { readonly call: Call } | { readonly proposals: readonly Proposal[] }

/** What the rules say of each proposal, and which rules they were. */
export interface Findings {
  readonly findings: readonly (readonly Finding[])[]
  readonly rulesVersion: string
}

/** What the policy says of a call. */
export interface CallFindings {
  readonly decision: Decision
  readonly rules: readonly AppliedPolicyRule[]
  readonly policyVersion: string
  readonly callDigest: string
}

export type Result =
  | 'ready'
  | { readonly id: number; readonly result: Findings | CallFindings }
  | { readonly id: number; readonly result: 'late' }
