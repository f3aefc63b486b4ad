import type { Finding, Proposal } from '../rules/engine.js'
import type { RuleText } from '../rules/rule-file.js'

/** What the thread is started with. */
export interface ThreadOptions {
  readonly rules: readonly RuleText[]
  /** For all rules of one evaluation. */
  readonly budgetMs: number | undefined
  /** Where the thread notes what it is at; see `Progress`. */
  readonly progress: SharedArrayBuffer
}

export type Order =
  /** The rules of all evaluations that are ordered later. */
  | { readonly rules: readonly RuleText[] }
  /** Senders take turns. `leftMs`: after that nobody waits for it. */
  | {
      readonly id: number
      readonly sender: string
      readonly proposals: readonly Proposal[]
      readonly leftMs: number
    }

/** What the rules say of each proposal, and which rules they were. */
export interface Findings {
  readonly findings: readonly (readonly Finding[])[]
  readonly rulesVersion: string
}

export type Result =
  | 'ready'
  | { readonly id: number; readonly result: Findings }
  | { readonly id: number; readonly result: 'late' }
