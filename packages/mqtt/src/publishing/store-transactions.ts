import type { MqttError, PublishError } from '../model/errors.js'
import type { SessionStore } from '../model/session-store.js'
import { afterTurn, cancelTurn } from '../support/after-turn.js'
import type { Clock } from '../support/clock.js'
import type { Publication } from './publication.js'
import { storeFailed } from './publish-errors.js'

/**
 * How long a removal may wait for another reason to commit, milliseconds. Nothing depends on it: a record that comes
 * back after a crash is only sent once more. A stream of publishes so has one commit per round trip and not two.
 */
const REMOVAL_DELAY_MS = 20

/** The queue, which is told of messages on their way into the store. */
export interface AppendListener {
  onStored(publication: Publication): void
  onNotStored(publication: Publication, error: PublishError): void
}

interface Waiting {
  readonly onCommitted: () => void
  readonly onFailed: (error: PublishError) => void
}

/**
 * The transactions of a SessionStore that commits: what changes in one turn of the event loop, or during a commit, is
 * one transaction, and what depends on a change is called after it. [promise 3]
 */
export class StoreTransactions {
  readonly #store: SessionStore
  readonly #clock: Clock
  readonly #onFailure: (error: MqttError) => void
  readonly #listener: AppendListener | undefined
  /** Changes and messages that wait for the next commit; messages apart, since there are a great many of them. */
  #appending: Publication[] = []
  #waiting: Waiting[] = []
  #committing: Promise<void> | undefined
  #turn: unknown
  #removalTimer: unknown
  /** A commit is to follow the one under way. */
  #isDue = false

  constructor(
    store: SessionStore,
    clock: Clock,
    onFailure: (error: MqttError) => void,
    listener: AppendListener | undefined,
  ) {
    this.#store = store
    this.#clock = clock
    this.#onFailure = onFailure
    this.#listener = listener
  }

  /** Messages that the next commit makes durable. */
  get appending(): readonly Publication[] {
    return this.#appending
  }

  append(publication: Publication): void {
    if (publication.isRecorded) this.#store.append(publication)
    this.#appending.push(publication)
    this.schedule()
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

  remove({ sequence, bytes, isRecorded }: Publication): void {
    if (!isRecorded) return
    this.#store.remove(sequence, bytes)
    if (this.#turn !== undefined || this.#removalTimer !== undefined) return
    this.#removalTimer = this.#clock.setTimeout(this.#onRemovalDue, REMOVAL_DELAY_MS)
  }

  receive(packetIdentifier: number, digest: number, onStored: () => void, onFailed: () => void): void {
    this.#store.receive(packetIdentifier, digest)
    this.#wait({ onCommitted: onStored, onFailed })
  }

  complete(packetIdentifier: number): void {
    this.#store.complete(packetIdentifier)
    this.schedule()
  }

  forgetReceived(): void {
    this.#store.forgetReceived()
    this.schedule()
  }

  /** Resolves when everything told so far is committed. Rejects with `PublishError`. */
  settled(): Promise<void> {
    return new Promise((onCommitted, onFailed) => {
      this.#wait({ onCommitted, onFailed })
    })
  }

  /** The store was told of a change. */
  schedule(): void {
    if (this.#turn !== undefined) return
    // Commits run one at a time; changes that come meanwhile are the next one's.
    this.#isDue = this.#committing !== undefined
    if (this.#isDue) return
    this.#turn = afterTurn(() => {
      this.#turn = undefined
      this.#committing = this.#commit()
    })
  }

  /** Commits what is left. */
  async end(): Promise<void> {
    if (this.#turn !== undefined) cancelTurn(this.#turn)
    this.#turn = undefined
    this.#clock.clearTimeout(this.#removalTimer)
    await this.#committing
    await this.#store.commit()
  }

  #wait(waiting: Waiting): void {
    this.#waiting.push(waiting)
    this.schedule()
  }

  readonly #onRemovalDue = (): void => {
    this.#removalTimer = undefined
    this.schedule()
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
        // A message without a record only waited for those before it.
        if (!publication.isRecorded) this.#listener?.onStored(publication)
        else this.#listener?.onNotStored(publication, storeFailed(publication, error))
      }
      for (const { onFailed } of batch.splice(0)) onFailed(storeFailed(undefined, error))
    }
    for (const publication of appended) this.#listener?.onStored(publication)
    for (const { onCommitted } of batch) onCommitted()
    this.#committing = undefined
    if (this.#isDue) this.schedule()
  }
}
