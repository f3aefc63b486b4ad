import type { SessionStore } from '@jamey/mqtt'
import { LmdbEnvironment } from '../lmdb/lmdb-environment.js'
import { LmdbSessionStore } from './lmdb-session-store.js'
import { SESSION_SCHEMA } from './schema.js'

export interface SessionStoreOptions {
  /** A folder of the store's own; made with mode 0700 where there is none. Only one process may have it open. */
  readonly path: string
  /** The wall clock, milliseconds since 1970; `Date.now` by default. Tells how long a message has waited. */
  readonly now?: (() => number) | undefined
}

/**
 * The session of a client on disk: what was committed survives the process and, once `commit` has resolved, a power
 * cut (LMDB, flushed with every commit). Throws `StoreError`.
 *
 * After a rejected `commit` the publishes appended since the last one are forgotten, because their callers were told
 * so; everything else that was staged stays staged and goes with the next commit.
 */
export async function openSessionStore({ path, now = Date.now }: SessionStoreOptions): Promise<SessionStore> {
  const environment = await LmdbEnvironment.open(path, SESSION_SCHEMA)
  try {
    return new LmdbSessionStore(environment, now)
  } catch (error) {
    await environment.close()
    throw error
  }
}
