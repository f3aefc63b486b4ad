import { type MqttError, PublishError } from './errors.js'
import type { Publication } from './publication.js'
import type { SessionStore, StoredReason } from './session-store.js'
import { afterTurn, cancelTurn } from './turn.js'

interface Appending {
  readonly publication: Publication
  readonly onStored: (publication: Publication) => void
  readonly onFailed: (publication: Publication, error: PublishError) => void
}

interface Waiting {
  readonly publication: Publication | undefined
  readonly onCommitted: () => void
  readonly onFailed: (error: PublishError) => void
}

/**
 * The way to a SessionStore that commits: what changes in one turn of the event loop, or during a commit, is one
 * transaction, and what depends on a change is called after it. [promise 3]
 */
export class Journal {
  /** False where the store promises nothing beyond the process: then nothing waits. */
  readonly isNeeded: boolean
  readonly #store: SessionStore
  readonly #onFailure: (error: MqttError) => void
  /** Published before the store was read: their numbers follow those in it. Undefined once it was read. */
  #early: Appending[] | undefined
  #sequence = 0
  #waiting: Waiting[] = []
  #committing: Promise<void> | undefined
  #turn: unknown

  constructor(store: SessionStore, onFailure: (error: MqttError) => void) {
    this.#store = store
    this.#onFailure = onFailure
    this.isNeeded = store.commits
    this.#early = store.commits ? [] : undefined
  }

  /** For a message; ascends in the order of publishing. */
  nextSequence(): number {
    return this.#sequence++
  }

  /** Whether a message ever had this number. */
  hasUsed(sequence: number): boolean {
    return sequence < this.#sequence
  }

  /** Whether a message can have its number: the store was read. */
  get hasBegun(): boolean {
    return this.#early === undefined
  }

  /** The store was read, and its messages have numbers below `sequence`. */
  begin(sequence: number): void {
    const early = this.#early
    if (early === undefined) return
    this.#early = undefined
    this.#sequence = sequence
    for (const { publication, onStored, onFailed } of early) this.append(publication, onStored, onFailed)
  }

  /** The store can not be read. */
  failEarly(cause: unknown): void {
    const early = this.#early?.splice(0) ?? []
    for (const { publication, onFailed } of early) onFailed(publication, storeFailed(publication, cause))
  }

  append(
    publication: Publication,
    onStored: (publication: Publication) => void,
    onFailed: (publication: Publication, error: PublishError) => void,
  ): void {
    if (this.#early !== undefined) {
      this.#early.push({ publication, onStored, onFailed })
      return
    }
    publication.sequence = this.nextSequence()
    if (publication.isRecorded) this.#store.append(publication)
    this.#wait({
      publication,
      onCommitted: () => onStored(publication),
      // One without a record only waited for those before it.
      onFailed: (error) => (publication.isRecorded ? onFailed(publication, error) : onStored(publication)),
    })
  }

  release(
    publication: Publication,
    onReleased: (publication: Publication) => void,
    onFailed: (publication: Publication) => void,
  ): void {
    this.#store.release(publication.sequence)
    this.#wait({
      publication: undefined,
      onCommitted: () => onReleased(publication),
      onFailed: () => onFailed(publication),
    })
  }

  /** Nothing depends on it: a record that comes back after a crash is only sent once more. */
  remove({ sequence, bytes, isRecorded }: Publication): void {
    if (!this.isNeeded || !isRecorded) return
    this.#store.remove(sequence, bytes)
    this.#schedule()
  }

  setAside(publication: Publication, reason: StoredReason): void {
    this.#store.setAside(publication, reason)
    this.#schedule()
  }

  removeSetAside(sequence: number, bytes: number): void {
    this.#store.removeSetAside(sequence, bytes)
    this.#schedule()
  }

  giveUp(sequence: number, reason: StoredReason): void {
    this.#store.giveUp(sequence, reason)
    this.#schedule()
  }

  /** Resolves when everything told so far is committed. Rejects with `PublishError`. */
  settled(): Promise<void> {
    if (!this.isNeeded) return Promise.resolve()
    return new Promise((onCommitted, onFailed) => {
      this.#wait({ publication: undefined, onCommitted, onFailed })
    })
  }

  receive(packetIdentifier: number, digest: number, onStored: () => void, onFailed: () => void): void {
    this.#store.receive(packetIdentifier, digest)
    this.#wait({ publication: undefined, onCommitted: onStored, onFailed })
  }

  complete(packetIdentifier: number): void {
    if (!this.isNeeded) return
    this.#store.complete(packetIdentifier)
    this.#schedule()
  }

  forgetReceived(): void {
    if (!this.isNeeded) return
    this.#store.forgetReceived()
    this.#schedule()
  }

  /** Rejects the publishes that are on their way into the store. */
  failAppending(makeError: (publication: Publication) => PublishError): void {
    for (const { publication } of this.#early ?? []) publication.fail(makeError(publication))
    for (const { publication } of this.#waiting) publication?.fail(makeError(publication))
  }

  /** Commits what is left and closes the store. */
  async close(): Promise<void> {
    if (this.#turn !== undefined) cancelTurn(this.#turn)
    this.#turn = undefined
    await this.#committing
    try {
      if (this.isNeeded) await this.#store.commit()
      await this.#store.close()
    } catch (error) {
      this.#onFailure(storeFailed(undefined, error))
    }
  }

  #wait(waiting: Waiting): void {
    this.#waiting.push(waiting)
    this.#schedule()
  }

  #schedule(): void {
    if (!this.isNeeded) return
    if (this.#turn === undefined && this.#committing === undefined) {
      this.#turn = afterTurn(() => {
        this.#turn = undefined
        this.#committing = this.#commit()
      })
    }
  }

  async #commit(): Promise<void> {
    const batch = this.#waiting
    this.#waiting = []
    try {
      await this.#store.commit()
    } catch (error) {
      this.#onFailure(storeFailed(undefined, error))
      for (const { publication, onFailed } of batch.splice(0)) onFailed(storeFailed(publication, error))
    }
    for (const { onCommitted } of batch) onCommitted()
    this.#committing = undefined
    if (this.#waiting.length > 0) this.#schedule()
  }
}

function storeFailed(publication: Publication | undefined, cause: unknown): PublishError {
  const what = publication === undefined ? 'session store' : `publish to '${publication.topic}'`
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new PublishError('store-failed', `${what}: the store failed: ${reason}`, { cause })
}
