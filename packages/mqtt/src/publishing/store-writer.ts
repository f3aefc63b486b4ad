import type { MqttError, PublishError } from '../model/errors.js'
import type { SessionStore, StoredReason } from '../model/session-store.js'
import type { Clock } from '../support/clock.js'
import type { Publication } from './publication.js'
import { storeFailed } from './publish-errors.js'
import type { AppendListener, StoreTransactions } from './store-transactions.js'

/** The way to the session store. One that does not commit is told of dead letters and given-up messages only. */
export class StoreWriter {
  /** False where the store promises nothing beyond the process: then nothing waits. */
  readonly isNeeded: boolean
  readonly #store: SessionStore
  readonly #clock: Clock
  readonly #onFailure: (error: MqttError) => void
  /** Published before the store was read: their numbers follow those in it. */
  readonly #early: Publication[] = []
  #sequence = 0
  #listener: AppendListener | undefined
  /** Undefined until a store that commits was read. */
  transactions: StoreTransactions | undefined

  constructor(store: SessionStore, clock: Clock, onFailure: (error: MqttError) => void) {
    this.#store = store
    this.#clock = clock
    this.#onFailure = onFailure
    this.isNeeded = store.commits
  }

  /** Called once, before the first `append`. */
  listen(listener: AppendListener): void {
    this.#listener = listener
  }

  /** A number for a message; numbers ascend in the order of publishing. */
  nextSequence(): number {
    return this.#sequence++
  }

  /** True where a message ever had this number. */
  hasUsed(sequence: number): boolean {
    return sequence < this.#sequence
  }

  /** A store that commits was read, and its messages have numbers below `sequence`. */
  begin(sequence: number, Transactions: typeof StoreTransactions): void {
    this.#sequence = sequence
    this.transactions = new Transactions(this.#store, this.#clock, this.#onFailure, this.#listener)
    for (const publication of this.#early.splice(0)) this.append(publication)
  }

  /** The store cannot be read. */
  failEarly(cause: unknown): void {
    for (const publication of this.#early.splice(0)) {
      this.#listener?.onNotStored(publication, storeFailed(publication, cause))
    }
  }

  append(publication: Publication): void {
    const transactions = this.transactions
    if (transactions === undefined) {
      this.#early.push(publication)
      return
    }
    publication.sequence = this.nextSequence()
    transactions.append(publication)
  }

  addDeadLetter(publication: Publication, reason: StoredReason): void {
    this.#store.addDeadLetter(publication, reason)
    this.transactions?.schedule()
  }

  removeDeadLetter(sequence: number, bytes: number): void {
    this.#store.removeDeadLetter(sequence, bytes)
    this.transactions?.schedule()
  }

  giveUp(sequence: number, reason: StoredReason): void {
    this.#store.giveUp(sequence, reason)
    this.transactions?.schedule()
  }

  /** Resolves when everything told so far is committed. Rejects with `PublishError`. */
  async settled(): Promise<void> {
    await this.transactions?.settled()
  }

  /** Rejects the publishes that are on their way into the store. */
  failAppending(makeError: (publication: Publication) => PublishError): void {
    for (const publication of [...this.#early, ...(this.transactions?.appending ?? [])]) {
      publication.fail(makeError(publication))
    }
  }

  /** Commits what is left and closes the store. */
  async close(): Promise<void> {
    try {
      await this.transactions?.end()
      await this.#store.close()
    } catch (error) {
      this.#onFailure(storeFailed(undefined, error))
    }
  }
}
