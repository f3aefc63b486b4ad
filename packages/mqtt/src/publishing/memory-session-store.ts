import type {
  DeadLetter,
  SessionStore,
  StoredOutcome,
  StoredPage,
  StoredPublish,
  StoredRange,
  StoredReason,
  StoredSession,
} from '../model/session-store.js'

/** Number of outcomes that are kept of messages that were given up; then the oldest are forgotten. */
const GIVEN_UP_KEPT = 10_000
const NOTHING = { messages: 0, bytes: 0 }

/**
 * The session of a process that keeps none: the client itself holds all that is unacknowledged, and nothing outlives
 * it. Only what is over, and yet not acknowledged, is kept here.
 */
export class MemorySessionStore implements SessionStore {
  readonly commits = false
  readonly #deadLetters = new Map<number, DeadLetter>()
  readonly #givenUp = new Map<number, StoredReason>()

  async open(): Promise<StoredSession> {
    return { identifier: '', nextSequence: 0, waiting: NOTHING, deadLetters: NOTHING, received: [] }
  }

  async read({ upTo }: StoredRange): Promise<StoredPage> {
    return { publishes: [], damaged: [], upTo }
  }

  async readDeadLetters(range: StoredRange): Promise<StoredPage<DeadLetter>> {
    // The caller has fetched the module already.
    const { pageOf } = await import('./dead-letter-operations.js')
    return pageOf([...this.#deadLetters.values()], range)
  }

  async find(sequence: number): Promise<StoredOutcome | undefined> {
    const deadLetter = this.#deadLetters.get(sequence)
    if (deadLetter !== undefined) return { state: 'dead-letter', reason: deadLetter.reason }
    const reason = this.#givenUp.get(sequence)
    return reason === undefined ? undefined : { state: 'given-up', reason }
  }

  append(): void {}
  release(): void {}
  remove(): void {}
  receive(): void {}
  complete(): void {}
  forgetReceived(): void {}

  addDeadLetter(
    { sequence, topic, payload, qos, retain, properties }: StoredPublish,
    reason: StoredReason,
  ): void {
    this.#deadLetters.set(sequence, { sequence, topic, payload, qos, retain, properties, reason })
  }

  removeDeadLetter(sequence: number): void {
    this.#deadLetters.delete(sequence)
  }

  giveUp(sequence: number, reason: StoredReason): void {
    this.#givenUp.set(sequence, reason)
    const [oldest] = this.#givenUp.keys()
    if (oldest !== undefined && this.#givenUp.size > GIVEN_UP_KEPT) this.#givenUp.delete(oldest)
  }

  async commit(): Promise<void> {}
  async close(): Promise<void> {}
}
