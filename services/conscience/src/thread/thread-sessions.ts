import type { Call } from '@jamey/calls'
import { type CallVerdict, judgedCall, type Provenance } from '../policy/policy.js'
import type { CallResult } from '../session/session.js'
import { type Entry, entrySchema } from '../session/session-entry.js'
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

/** Words of a user, or the answer of a call. */
export type Told = { readonly request: string } | { readonly result: CallResult }

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
    const session = this.#table.session(key, at)
    const entry = 'request' in told ? session.request(told.request, at) : session.result(told.result, at)
    return this.#remembered(key, at, entry)
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
