import { findFolder } from '../lmdb/folder.js'
import { LmdbEnvironment } from '../lmdb/lmdb-environment.js'
import { LmdbSessionStore } from '../session/lmdb-session-store.js'
import { SESSION_SCHEMA } from '../session/schema.js'
import type {
  DamagedMessage,
  DropOutcome,
  Outbox,
  OutboxChanges,
  OutboxCounts,
  OutboxListOptions,
  OutboxMessage,
  OutboxPage,
} from './outbox.js'
import { OwnedOutbox } from './owned-outbox.js'
import { pageOf, recordOf } from './page.js'

export interface OutboxOptions {
  /** The folder of a session store. */
  readonly path: string
  /** The wall clock, milliseconds since 1970; `Date.now` by default. */
  readonly now?: (() => number) | undefined
}

/** Looks into a session store, which must be there. Rejects with `StoreError`. */
export async function openOutbox({ path, now = Date.now }: OutboxOptions): Promise<Outbox> {
  const outbox = new LmdbOutbox(path, now)
  await outbox.counts()
  return outbox
}

class LmdbOutbox implements Outbox {
  readonly path: string
  readonly #now: () => number
  /** Openings run one after the other: a process may have an LMDB file open only once. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(path: string, now: () => number) {
    this.path = path
    this.#now = now
  }

  counts(): Promise<OutboxCounts> {
    return this.#look(async (store, owner) => {
      const { waiting, deadLetters } = await store.open()
      const { messages } = await pageOf(store, { kind: 'waiting', maximumMessages: 1 })
      return { waiting, deadLetters, oldestAgeMs: messages[0]?.ageMs, owner }
    })
  }

  list(options: OutboxListOptions): Promise<OutboxPage> {
    return this.#look((store) => pageOf(store, options))
  }

  get(sequence: number): Promise<OutboxMessage | DamagedMessage | undefined> {
    return this.#look((store) => recordOf(store, sequence))
  }

  retry(sequence: number): Promise<number | undefined> {
    return this.change((changes) => changes.retry(sequence))
  }

  drop(sequence: number): Promise<DropOutcome> {
    return this.change((changes) => changes.drop(sequence))
  }

  change<Result>(work: (changes: OutboxChanges) => Promise<Result>): Promise<Result> {
    return this.#inTurn(async () => {
      // An owner would make what is not there.
      findFolder(this.path)
      const environment = await LmdbEnvironment.open(this.path, SESSION_SCHEMA)
      try {
        const store = new LmdbSessionStore(environment, this.#now)
        return await work(new OwnedOutbox(store))
      } finally {
        await environment.close()
      }
    })
  }

  /**
   * A reader has a slot in the lock file, by which owners know each other, and its snapshot keeps the owner from using
   * pages again: so the store is opened for each call anew, and for no longer than one page takes.
   */
  #look<Result>(
    read: (store: LmdbSessionStore, owner: number | undefined) => Promise<Result>,
  ): Promise<Result> {
    return this.#inTurn(async () => {
      const { environment, owner } = await LmdbEnvironment.openToRead(this.path, SESSION_SCHEMA)
      try {
        return await read(new LmdbSessionStore(environment, this.#now), owner)
      } finally {
        await environment.close()
      }
    })
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }
}
