import type { Facts } from '@jamey/calls'
import type { SessionView } from './session-view.js'

/** What a condition looks at: what the call would do, and what the deployer has named. */
export interface Circumstances extends Omit<Facts, 'isKnown' | 'isUntrusted' | 'isTrusted' | 'folders'> {
  readonly kind: 'call' | 'text'
  readonly known: boolean
  /** What whoever asks says beside its words; empty with a call. */
  readonly context: Readonly<Record<string, unknown>>
  /** What the agent says that a call is for; empty for words, where it says nothing, and for rules that allow. */
  readonly intent: string
  readonly attested: Readonly<Record<string, unknown>>
  readonly session: SessionView
  /** Lists of the deployer by name; every list that a rule names is there, if empty. */
  readonly lists: Readonly<Record<string, readonly string[]>>
}
