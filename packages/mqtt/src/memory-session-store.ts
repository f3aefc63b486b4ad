import type { SessionStore, StoredSession } from './session-store.js'

const NOTHING: StoredSession = { publishes: [], received: [] }

/**
 * The session of a process that keeps none: the client itself holds all that is unacknowledged, and nothing outlives
 * it, so there is nothing to write.
 */
export class MemorySessionStore implements SessionStore {
  readonly commits = false

  load(): Promise<StoredSession> {
    return Promise.resolve(NOTHING)
  }

  append(): void {}
  release(): void {}
  remove(): void {}
  receive(): void {}
  complete(): void {}
  forgetReceived(): void {}

  commit(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
