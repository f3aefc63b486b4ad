import type { Finding, Proposal } from './engine.js'
import type { RuleText } from './rule-file.js'

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
  /** `leftMs`: after that nobody waits for it. */
  | { readonly id: number; readonly proposal: Proposal; readonly leftMs: number }

/** What the rules say of an action, and which rules they were. */
export interface Findings {
  readonly findings: readonly Finding[]
  readonly rulesVersion: string
}

export type Result =
  | 'ready'
  | { readonly id: number; readonly result: Findings }
  | { readonly id: number; readonly result: 'late' }
