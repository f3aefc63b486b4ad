import type { Call } from '@jamey/calls'
import { type CallVerdict, judgedCall, type Provenance } from '../policy/policy.js'
import type { CallResult, Session } from '../session/session.js'
import { type CallEntry, type Entry, entrySchema } from '../session/session-entry.js'
import {
  type SessionKey,
  type SessionRecord,
  SessionTable,
  type StoredRecord,
} from '../session/session-table.js'

/** A call's session, and when it is judged, in milliseconds since 1970. */
export interface CallSession {
  readonly key: SessionKey
  readonly callId: string | undefined
  readonly at: number
}

/** Words of a user, the answer of a call, or a call that no rule allowed and somebody else did. */
export type Told =
  | { readonly request: string }
  | { readonly result: CallResult }
  | { readonly allowed: CallEntry }

/** News of a session, to be written down and told to others before anybody is answered. */
export interface Remembered {
  readonly records: readonly SessionRecord[]
  /** Undefined where nothing is new. */
  readonly entry: Entry | undefined
  /** How many entries the session ever had. */
  readonly total: number
}

/** The sessions of the thread in which calls are judged. */
export class ThreadSessions {
  #table = new SessionTable()

  /** Returns how many sessions are damaged. */
  load(records: readonly StoredRecord[]): number {
    return this.#table.load(records)
  }

  provenanceOf({ key, at }: CallSession): Provenance {
    return { session: this.#table.session(key, at), now: at }
  }

  called(
    { key, callId, at }: CallSession,
    call: Call,
    verdict: Pick<CallVerdict, 'decision' | 'facts'>,
  ): Remembered {
    const entry = this.#table.session(key, at).called(judgedCall(call, verdict, callId), at)
    return this.#remembered(key, at, entry)
  }

  told(key: SessionKey, told: Told, at: number): Remembered {
    return this.#remembered(key, at, added(this.#table.session(key, at), told, at))
  }

  /** Takes an entry that another conscience remembers; nothing comes of it where that is not understood. */
  heard(key: SessionKey, entry: unknown, total: number, at: number): readonly SessionRecord[] {
    const { success, data } = entrySchema.safeParse(entry)
    if (!success) return []
    this.#table.session(key, at).heard(data, total)
    return this.#table.changes(key, at)
  }

  #remembered(key: SessionKey, at: number, entry: Entry | undefined): Remembered {
    const records = this.#table.changes(key, at)
    return { records, entry, total: this.#table.session(key, at).total }
  }
}

function added(session: Session, told: Told, at: number): Entry | undefined {
  if ('request' in told) return session.request(told.request, at)
  if ('result' in told) return session.result(told.result, at)
  return session.add({ ...told.allowed, decision: 'allow', at })
}
