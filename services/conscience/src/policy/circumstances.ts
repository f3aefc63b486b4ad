import type { Facts } from '@jamey/calls'
import type { SessionView } from './session-view.js'

/** Everything that a condition can look at: what the call would do, and what the deployer has named. */
export interface Circumstances extends Omit<Facts, 'isKnown' | 'isUntrusted' | 'isTrusted' | 'folders'> {
  readonly kind: 'call' | 'text'
  readonly known: boolean
  /** Said by whoever asks beside its words; empty with a call. */
  readonly context: Readonly<Record<string, unknown>>
  /** The agent's own word for why it makes a call; empty for words, where it says nothing, and for rules that allow. */
  readonly intent: string
  readonly attested: Readonly<Record<string, unknown>>
  readonly session: SessionView
  /** Lists of the deployer by name; every list that a rule names is there, if empty. */
  readonly lists: Readonly<Record<string, readonly string[]>>
}

/** The variables of conditions, and the types that CEL checks them by. */
export const VARIABLES = {
  kind: 'string',
  tool: 'string',
  known: 'bool',
  effects: 'list<string>',
  commands: 'list',
  files: 'list',
  urls: 'list',
  mails: 'list',
  recipients: 'list',
  amounts: 'list',
  numbers: 'list',
  sql: 'list',
  code: 'list',
  secrets: 'list',
  signals: 'list',
  texts: 'list',
  unread: 'list',
  lists: 'map',
  context: 'map',
  intent: 'string',
  attested: 'map',
  session: 'map',
} as const satisfies Readonly<Record<keyof Circumstances, string>>
