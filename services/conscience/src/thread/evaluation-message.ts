import type { Call, Words } from '@jamey/calls'
import type { CallVerdict, PolicyText, Surroundings } from '../policy/policy.js'

/** What the thread is started with. */
export interface ThreadOptions {
  readonly policy: PolicyText
  /** For one evaluation. */
  readonly budgetMs: number | undefined
  /** Where the thread notes what it is at; see `Progress`. */
  readonly progress: SharedArrayBuffer
}

/** What is to be judged. */
export type Work = ({ readonly call: Call } | { readonly words: Words }) & Surroundings

export type Order =
  /** The policy of all evaluations that are ordered later. */
  | { readonly policy: PolicyText }
  /** Senders take turns. `leftMs`: after that nobody waits for it. */
  | { readonly id: number; readonly sender: string; readonly work: Work; readonly leftMs: number }

/** What the policy says, without the facts that it says it of. */
export interface Findings extends Omit<CallVerdict, 'facts'> {
  /** Of a call. */
  readonly callDigest?: string
  /** Of the call with changed arguments. */
  readonly changedCallDigest?: string
}

export type Result =
  | 'ready'
  | { readonly id: number; readonly result: Findings }
  | { readonly id: number; readonly result: 'late' }
