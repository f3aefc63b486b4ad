import { PublishError } from '../model/errors.js'
import type { SessionStore, StoredPage, StoredSession, WaitingPublish } from '../model/session-store.js'
import { PUBLISH_IDENTIFIERS } from '../model/settings.js'
import type { Clock } from '../support/clock.js'
import { isBeyondWindow } from './memory-window.js'
import { type Publication, publicationOf } from './publication.js'
import type { PublicationOutcomes } from './publication-outcomes.js'

// The two are needed together, so they are fetched together.
export { StoreTransactions } from './store-transactions.js'

const PAGE_MESSAGES = 2048
const PAGE_BYTES = 4_194_304
/** Time until the next try after a failure of the store. */
const RETRY_MS = 1000

export interface BacklogListener {
  /** Gets messages in order; each goes behind those in memory. */
  onRead(publication: Publication): void
  /** Everything of one page was told. */
  onPage(): void
}

/**
 * The part of the queue that lies in the store alone: everything with a sequence number above a cursor. It is read in
 * pages, so that a queue may be far larger than memory.
 */
export class Backlog {
  readonly #store: SessionStore
  readonly #clock: Clock
  readonly #outcomes: PublicationOutcomes
  readonly #listener: BacklogListener
  #messages = 0
  #bytes = 0
  /** Up to here messages are in memory, or over. */
  #after = -1
  /** Sequence of the last message that was stored. */
  #upTo = -1
  /** Behind the cursor, and a publisher waits for them. */
  readonly #waiting = new Map<number, Publication>()
  /**
   * Behind the cursor, and not in the store: with their payloads, in order of sequence. They take their turn when the
   * page around them is read.
   */
  readonly #unrecorded = new Map<number, Publication>()
  #unrecordedBytes = 0
  /** Behind the cursor, and over: their records may still be there when they are read. */
  readonly #over = new Set<number>()
  /** An earlier process may have sent what lies below. */
  #sentBelow = 0
  #isSessionLost = false
  #isReading = false
  #isUnreadable = false
  #timer: unknown

  constructor(store: SessionStore, clock: Clock, outcomes: PublicationOutcomes, listener: BacklogListener) {
    this.#store = store
    this.#clock = clock
    this.#outcomes = outcomes
    this.#listener = listener
  }

  get messages(): number {
    return this.#messages
  }

  get bytes(): number {
    return this.#bytes
  }

  /**
   * Messages that are not in the store keep their payload in memory, so they must not grow with the part of the queue
   * on disk.
   */
  hasTooManyUnrecorded({ bytes }: Publication): boolean {
    return isBeyondWindow(this.#unrecorded.size, this.#unrecordedBytes, bytes)
  }

  /** Counts may drift where records are damaged; the cursor does not. */
  get isEmpty(): boolean {
    return this.#after >= this.#upTo
  }

  /** A page is on its way, or tried for again. */
  get isReading(): boolean {
    return this.#isReading
  }

  /** Loads the counts that an earlier process left, and the first page of its messages. */
  restore({ waiting, nextSequence }: StoredSession, page: StoredPage): void {
    this.#messages = waiting.messages
    this.#bytes = waiting.bytes
    this.#upTo = nextSequence - 1
    const oldest = page.publishes[0]?.sequence ?? nextSequence
    // Messages that were on the wire at once have identifiers of their own.
    this.#sentBelow = Math.min(nextSequence, oldest + PUBLISH_IDENTIFIERS)
    this.#onPage(page)
  }

  /** The first page of what an earlier process left. */
  static firstPage(store: SessionStore, { nextSequence }: StoredSession): Promise<StoredPage> {
    return store.read(rangeOf(-1, nextSequence - 1))
  }

  /**
   * A message that was stored and need not be kept in memory, or one without a record that comes behind such: all that
   * follow must come here, too.
   */
  add(publication: Publication): void {
    if (this.isEmpty) this.#after = publication.sequence - 1
    this.#upTo = publication.sequence
    this.#messages++
    this.#bytes += publication.bytes
    if (!publication.isRecorded) {
      this.#unrecorded.set(publication.sequence, publication)
      this.#unrecordedBytes += publication.bytes
      return
    }
    if (!publication.hasCaller) return
    publication.unload()
    this.#waiting.set(publication.sequence, publication)
  }

  /** Takes a message out; false where it is not here. */
  withdraw({ sequence, bytes }: Publication): boolean {
    if (this.#unrecorded.delete(sequence)) this.#unrecordedBytes -= bytes
    else if (this.#waiting.delete(sequence)) this.skip(sequence)
    else return false
    this.#count(1, bytes)
    return true
  }

  /** A message that was stored, but is over before it was added. */
  skip(sequence: number): void {
    if (!this.isEmpty) this.#over.add(sequence)
  }

  /** The server knows nothing of what an earlier process sent. */
  forgetServerState(): void {
    this.#isSessionLost = true
  }

  /** Reads the next page, unless that is under way. */
  fill(): void {
    if (this.isEmpty || this.#isReading) return
    this.#isReading = true
    this.#store.read(rangeOf(this.#after, this.#upTo)).then(this.#onPage, this.#onFailed)
  }

  /** Nothing is read any more. Gives those whose publishers wait. */
  close(): Publication[] {
    this.#clock.clearTimeout(this.#timer)
    const waiting = [...this.#waiting.values(), ...this.#unrecorded.values()]
    this.#waiting.clear()
    this.#unrecorded.clear()
    this.#unrecordedBytes = 0
    this.#over.clear()
    this.#after = this.#upTo
    this.#messages = this.#bytes = 0
    return waiting
  }

  readonly #onPage = (page: StoredPage): void => {
    this.#isReading = this.#isUnreadable = false
    // Closed in the meantime.
    if (this.isEmpty) return
    for (const stored of page.publishes) {
      this.#takeUnrecorded(stored.sequence)
      if (this.#over.delete(stored.sequence)) continue
      this.#take(stored)
    }
    this.#takeUnrecorded(page.upTo)
    for (const { sequence, error } of page.damaged) {
      const publication = this.#waiting.get(sequence)
      this.#waiting.delete(sequence)
      this.#count(1, publication?.bytes ?? 0)
      const message = `message ${sequence} cannot be read and is left in the store: ${error.message}`
      const failure = new PublishError('store-failed', message, { cause: error })
      publication?.fail(failure)
      this.#outcomes.damaged(sequence, failure)
    }
    this.#after = page.upTo
    for (const sequence of this.#over) if (sequence <= page.upTo) this.#over.delete(sequence)
    if (this.isEmpty) this.#messages = this.#bytes = 0
    this.#listener.onPage()
  }

  #take(stored: WaitingPublish): void {
    const waiting = this.#waiting.get(stored.sequence)
    const isSent = !this.#isSessionLost && stored.sequence < this.#sentBelow
    const publication = waiting ?? this.#revive(stored, isSent)
    this.#count(1, publication.bytes)
    if (waiting !== undefined) {
      this.#waiting.delete(stored.sequence)
      waiting.reload(stored)
    } else if (stored.isReleased && this.#isSessionLost) {
      // The server has it, and its session, which PUBREL would have ended, is gone.
      return this.#outcomes.done(publication)
    }
    this.#listener.onRead(publication)
  }

  #takeUnrecorded(upTo: number): void {
    for (const [sequence, publication] of this.#unrecorded) {
      if (sequence > upTo) return
      this.#unrecorded.delete(sequence)
      this.#unrecordedBytes -= publication.bytes
      this.#count(1, publication.bytes)
      this.#listener.onRead(publication)
    }
  }

  /** Makes a message of an earlier process one of this. `isSent`: the server of this session may have it already. */
  #revive(stored: WaitingPublish, isSent: boolean): Publication {
    const publication = publicationOf(stored)
    publication.queuedAt = this.#clock.now() - stored.ageMs
    if (stored.isReleased) publication.stage = 'released'
    publication.dup = isSent
    publication.isInDoubt = isSent && stored.qos === 2
    return publication
  }

  #count(messages: number, bytes: number): void {
    this.#messages = Math.max(0, this.#messages - messages)
    this.#bytes = Math.max(0, this.#bytes - bytes)
  }

  readonly #onFailed = (error: Error): void => {
    if (this.isEmpty) return
    // The failure is told once, and reading is tried again until it works.
    if (!this.#isUnreadable) this.#outcomes.unreadable(unreadable(error))
    this.#isUnreadable = true
    this.#timer = this.#clock.setTimeout(() => {
      this.#isReading = false
      this.fill()
    }, RETRY_MS)
  }
}

function unreadable(cause: Error): PublishError {
  const message = `the store cannot be read, which is tried again: ${cause.message}`
  return new PublishError('store-failed', message, { cause, retryable: true })
}

function rangeOf(after: number, upTo: number) {
  return { after, upTo, maximumMessages: PAGE_MESSAGES, maximumBytes: PAGE_BYTES }
}
