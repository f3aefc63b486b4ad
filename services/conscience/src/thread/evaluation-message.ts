import type { Call, Words } from '@jamey/calls'
import type { CallVerdict, PolicyText, Surroundings } from '../policy/policy.js'
import type { SessionKey, SessionRecord, StoredRecord } from '../session/session-table.js'
import type { CallSession, Remembered, Told } from './thread-sessions.js'

/** The data that the thread is started with. */
export interface ThreadOptions {
  readonly policy: PolicyText
  /** For one evaluation. */
  readonly budgetMs: number | undefined
  /** Where the thread notes what it is at; see `Progress`. */
  readonly progress: SharedArrayBuffer
}

/** A call, or words, to be judged. */
export type Work = (
  | {
      readonly call: Call
      readonly belongsTo?: CallSession | undefined
      /** True where the facts are told, too, for a judge beside the rules. */
      readonly isForJudge?: boolean | undefined
    }
  | { readonly words: Words }
) &
  Pick<Surroundings, 'attested'>

/** Work of one sender. Senders take turns. `leftMs`: after that nobody waits for it. */
export interface Assignment {
  readonly id: number
  readonly sender: string
  readonly work: Work | Report
  readonly leftMs: number
}

/** The result of an assignment. */
export interface Outcome {
  readonly id: number
  readonly result: Findings | Remembered | 'late'
}

export type Order =
  /** An `Assignment` as JSON, which takes a fraction of what a copy of its objects takes both threads. */
  | string
  /** The policy of all evaluations that are ordered later. */
  | { readonly policy: PolicyText }
  /** Sessions as they were written down: before anything else, and all of each session together. */
  | { readonly sessions: readonly StoredRecord[] }
  | HeardEntry

/** An entry that another conscience remembers. */
export interface HeardEntry {
  readonly heard: SessionKey
  readonly entry: unknown
  readonly total: number
  readonly at: number
}

/** Something to be remembered. */
export interface Report {
  readonly told: Told
  readonly key: SessionKey
  readonly at: number
}

/** The findings of the policy, as a rule without the facts that they are of. */
export interface Findings extends Omit<CallVerdict, 'facts'> {
  /** Of a call. */
  readonly callDigest?: string | undefined
  /** Of the call with changed arguments. */
  readonly changedCallDigest?: string | undefined
  /** Of a call for a judge, what was found in it, as JSON. */
  readonly factsFound?: string | undefined
  /** Of a call that belongs to a session. */
  readonly remembered?: Remembered | undefined
}

export type Result =
  /** An `Outcome` as JSON. */
  | string
  | { readonly isReady: true }
  /** To be written down, of what another conscience remembers. */
  | { readonly records: readonly SessionRecord[] }
  /** So many sessions could not be read again. */
  | { readonly damaged: number }
