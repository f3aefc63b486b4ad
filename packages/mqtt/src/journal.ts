import type { Clock } from './clock.js'
import { type MqttError, PublishError } from './errors.js'
import type { Publication } from './publication.js'
import type { SessionStore, StoredReason } from './session-store.js'
import { afterTurn, cancelTurn } from './turn.js'

/**
 * How long a removal may wait for another reason to commit, milliseconds. Nothing depends on it: a record that comes
 * back after a crash is only sent once more. A stream of publishes so has one commit per round trip and not two.
 */
const REMOVAL_DELAY_MS = 20

/** What becomes of a message on its way into the store. */
export interface AppendListener {
  onStored(publication: Publication): void
  onNotStored(publication: Publication, error: PublishError): void
}

interface Waiting {
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
  #early: Publication[] | undefined
  #sequence = 0
  /** Both wait for the next commit; messages apart, since there are a great many of them. */
  #appending: Publication[] = []
  #waiting: Waiting[] = []
  #committing: Promise<void> | undefined
  #turn: unknown
  #removalTimer: unknown
  /** A commit is to follow the one under way. */
  #isDue = false
  readonly #clock: Clock
  #listener: AppendListener | undefined

  constructor(store: SessionStore, clock: Clock, onFailure: (error: MqttError) => void) {
    this.#store = store
    this.#clock = clock
    this.#onFailure = onFailure
    this.isNeeded = store.commits
    this.#early = store.commits ? [] : undefined
  }

  /** Once, before the first `append`. */
  listen(listener: AppendListener): void {
    this.#listener = listener
  }

  /** For a message; ascends in the order of publishing. */
  nextSequence(): number {
    return this.#sequence++
  }

  /** Whether a message ever had this number. */
  hasUsed(sequence: number): boolean {
    return sequence < this.#sequence
  }

  /** The store was read, and its messages have numbers below `sequence`. */
  begin(sequence: number): void {
    const early = this.#early
    if (early === undefined) return
    this.#early = undefined
    this.#sequence = sequence
    for (const publication of early) this.append(publication)
  }

  /** The store can not be read. */
  failEarly(cause: unknown): void {
    const early = this.#early?.splice(0) ?? []
    for (const publication of early) this.#listener?.onNotStored(publication, storeFailed(publication, cause))
  }

  append(publication: Publication): void {
    if (this.#early !== undefined) {
      this.#early.push(publication)
      return
    }
    publication.sequence = this.nextSequence()
    this.#store.append(publication)
    this.#appending.push(publication)
    this.#schedule()
  }

  release(
    publication: Publication,
    onReleased: (publication: Publication) => void,
    onFailed: (publication: Publication) => void,
  ): void {
    this.#store.release(publication.sequence)
    this.#wait({
      onCommitted: () => onReleased(publication),
      onFailed: () => onFailed(publication),
    })
  }

  remove({ sequence, bytes }: Publication): void {
    if (!this.isNeeded) return
    this.#store.remove(sequence, bytes)
    if (this.#turn !== undefined || this.#removalTimer !== undefined) return
    this.#removalTimer = this.#clock.setTimeout(this.#onRemovalDue, REMOVAL_DELAY_MS)
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
      this.#wait({ onCommitted, onFailed })
    })
  }

  receive(packetIdentifier: number, digest: number, onStored: () => void, onFailed: () => void): void {
    this.#store.receive(packetIdentifier, digest)
    this.#wait({ onCommitted: onStored, onFailed })
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
    for (const publication of this.#early ?? []) publication.fail(makeError(publication))
    for (const publication of this.#appending) publication.fail(makeError(publication))
  }

  /** Commits what is left and closes the store. */
  async close(): Promise<void> {
    if (this.#turn !== undefined) cancelTurn(this.#turn)
    this.#turn = undefined
    this.#clock.clearTimeout(this.#removalTimer)
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

  readonly #onRemovalDue = (): void => {
    this.#removalTimer = undefined
    this.#schedule()
  }

  #schedule(): void {
    if (!this.isNeeded || this.#turn !== undefined) return
    // One commit at a time; what comes meanwhile is the next one's.
    this.#isDue = this.#committing !== undefined
    if (this.#isDue) return
    this.#turn = afterTurn(() => {
      this.#turn = undefined
      this.#committing = this.#commit()
    })
  }

  async #commit(): Promise<void> {
    this.#clock.clearTimeout(this.#removalTimer)
    this.#removalTimer = undefined
    const appended = this.#appending
    const batch = this.#waiting
    this.#appending = []
    this.#waiting = []
    try {
      await this.#store.commit()
    } catch (error) {
      this.#onFailure(storeFailed(undefined, error))
      for (const publication of appended.splice(0)) {
        this.#listener?.onNotStored(publication, storeFailed(publication, error))
      }
      for (const { onFailed } of batch.splice(0)) onFailed(storeFailed(undefined, error))
    }
    for (const publication of appended) this.#listener?.onStored(publication)
    for (const { onCommitted } of batch) onCommitted()
    this.#committing = undefined
    if (this.#isDue) this.#schedule()
  }
}

function storeFailed(publication: Publication | undefined, cause: unknown): PublishError {
  const what = publication === undefined ? 'session store' : `publish to '${publication.topic}'`
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new PublishError('store-failed', `${what}: the store failed: ${reason}`, { cause })
}
