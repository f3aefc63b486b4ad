import type { SessionStore, StoredPage, StoredSession } from '../model/session-store.js'
import type { QueueSettings } from '../model/settings.js'
import type { Counters } from '../model/stats.js'
import type { Clock } from '../support/clock.js'
import { Fifo } from '../support/fifo.js'
import type { Backlog } from './backlog.js'
import { isBeyondWindow, WINDOW_BYTES, WINDOW_MESSAGES } from './memory-window.js'
import type { Publication } from './publication.js'
import type { PublicationOutcomes } from './publication-outcomes.js'
import { pushedOut, queueFull } from './publish-errors.js'

/** Places of messages that were taken out, beyond as many as there are messages. */
const MAXIMUM_EMPTY = 1024
/** The next page is read from the store when fewer messages than these wait in memory. */
const LOW_MESSAGES = WINDOW_MESSAGES / 4
const LOW_BYTES = WINDOW_BYTES / 4

/** Messages that wait for their turn, in order, bounded by count and bytes. */
export class PublishQueue {
  readonly #settings: QueueSettings
  readonly #clock: Clock
  readonly #fifo = new Fifo<Publication>()
  readonly #outcomes: PublicationOutcomes
  readonly #store: SessionStore
  readonly #onRead: () => void
  /** Undefined until a store that commits was opened; without one all messages are kept in memory. */
  #backlog: Backlog | undefined
  /** Number of messages in memory that wait for their turn. */
  #messages = 0
  #bytes = 0
  /** Number of messages that are on their way into the store. */
  #held = 0
  #heldBytes = 0

  /** `onRead`: more came from the store. */
  constructor(
    settings: QueueSettings,
    clock: Clock,
    store: SessionStore,
    outcomes: PublicationOutcomes,
    onRead: () => void,
  ) {
    this.#settings = settings
    this.#clock = clock
    this.#outcomes = outcomes
    this.#store = store
    this.#onRead = onRead
  }

  /** A store that commits was opened. */
  restore(session: StoredSession, backlog: typeof Backlog, firstPage: StoredPage): void {
    this.#backlog = new backlog(this.#store, this.#clock, this.#outcomes, {
      onRead: (publication) => this.#push(publication),
      onPage: this.#onRead,
    })
    this.#backlog.restore(session, firstPage)
  }

  /** Milliseconds that the first one has waited. */
  get oldestAgeMs(): number | undefined {
    const queuedAt = this.peek()?.queuedAt
    return queuedAt === undefined ? undefined : this.#clock.now() - queuedAt
  }

  /** Messages in memory; some may be settled already. */
  get inMemory(): Fifo<Publication> {
    return this.#fifo
  }

  /** Messages that wait for their turn. */
  get messages(): number {
    return this.#messages + (this.#backlog?.messages ?? 0)
  }

  /** True where no message waits for its turn. */
  get isEmpty(): boolean {
    return this.#messages === 0 && this.#backlog?.isEmpty !== false
  }

  /** Messages that are on their way into the store. */
  get held(): number {
    return this.#held
  }

  /** Bytes of all messages. */
  get bytes(): number {
    return this.#bytes + this.#heldBytes + (this.#backlog?.bytes ?? 0)
  }

  /** True where one more message would break a bound. */
  isFullFor(publication: Publication): boolean {
    return this.#isTooMuch(this.messages + this.#held, this.bytes, publication)
  }

  /** Takes out what the policy sacrifices for one more message. Throws `PublishError` where it is not taken. */
  makeRoomFor(publication: Publication, counters: Counters): void {
    // Nothing is dropped where no dropping would make room.
    const mayDrop =
      this.#settings.overflow === 'drop-oldest' && !this.#isTooMuch(this.#held, this.#heldBytes, publication)
    while (this.isFullFor(publication)) {
      const oldest = mayDrop ? this.#withdrawOldest() : undefined
      // The oldest are still being read from the store: for that long there is one more than allowed.
      if (mayDrop && oldest === undefined && this.#backlog?.isReading) return
      counters.messagesDropped++
      if (oldest === undefined) throw queueFull(publication.topic, this.#settings)
      this.#outcomes.failed(oldest, pushedOut(oldest.topic))
    }
  }

  /** Counts a message that is not to be sent yet. */
  hold(publication: Publication): void {
    this.#held++
    this.#heldBytes += publication.bytes
  }

  unhold(publication: Publication): void {
    this.#held--
    this.#heldBytes -= publication.bytes
  }

  push(publication: Publication): void {
    publication.queuedAt ??= this.#clock.now()
    const backlog = this.#backlog
    if (
      backlog !== undefined &&
      (!backlog.isEmpty || isBeyondWindow(this.#messages, this.#bytes, publication.bytes))
    ) {
      return backlog.add(publication)
    }
    this.#push(publication)
  }

  /** A message that was stored, but is over before it was pushed. */
  skip({ sequence }: Publication): void {
    this.#backlog?.skip(sequence)
  }

  peek(): Publication | undefined {
    this.#skipSettled()
    return this.#fifo.peek()
  }

  shift(): Publication | undefined {
    this.#skipSettled()
    const publication = this.#fifo.shift()
    if (publication !== undefined) this.#subtract(publication)
    return publication
  }

  /** Takes a message out from wherever it stands; its place is skipped later. */
  withdraw(publication: Publication): void {
    publication.stage = 'settled'
    publication.unload()
    if (this.#backlog?.withdraw(publication) !== true) this.#subtract(publication)
  }

  /** The server knows nothing of what an earlier process sent. */
  forgetServerState(): void {
    for (let i = 0; i < this.#fifo.length; i++) {
      const publication = this.#fifo.at(i) as Publication
      publication.dup = publication.isInDoubt = false
      if (publication.stage !== 'released') continue
      // It was received, and PUBREL, which is all that was due, means nothing any more.
      this.withdraw(publication)
      this.#outcomes.done(publication)
    }
    this.#backlog?.forgetServerState()
  }

  /** Nothing is sent or read any more. Gives all that is left. */
  close(): Publication[] {
    const left = this.#backlog?.close() ?? []
    for (let next = this.shift(); next !== undefined; next = this.shift()) left.push(next)
    return left
  }

  #push(publication: Publication): void {
    this.#messages++
    this.#bytes += publication.bytes
    this.#fifo.push(publication)
    // Behind one that has to wait, the places of those that were taken out would add up.
    let left = this.#fifo.length
    if (left <= 2 * this.#messages + MAXIMUM_EMPTY) return
    for (; left > 0; left--) {
      const next = this.#fifo.shift() as Publication
      if (next.stage !== 'settled') this.#fifo.push(next)
    }
  }

  /** True where one more message beside so many would break a bound. */
  #isTooMuch(messages: number, bytes: number, publication: Publication): boolean {
    const { maximumMessages, maximumBytes } = this.#settings
    return (
      messages >= maximumMessages ||
      bytes + publication.bytes > maximumBytes ||
      (!publication.isRecorded && this.#backlog?.hasTooManyUnrecorded(publication) === true)
    )
  }

  /** The oldest that may be dropped: not what the server has, or may have, received. [MQTT-4.3.3-5] */
  #withdrawOldest(): Publication | undefined {
    let at = 0
    let oldest = this.peek()
    while (oldest && (oldest.stage !== 'queued' || oldest.isInDoubt)) oldest = this.#fifo.at(++at)
    if (oldest !== undefined) this.withdraw(oldest)
    return oldest
  }

  #subtract(publication: Publication): void {
    this.#messages--
    this.#bytes -= publication.bytes
  }

  /** Every look for the next message comes by here, also where all that was in memory is over. */
  #skipSettled(): void {
    while (this.#fifo.peek()?.stage === 'settled') this.#fifo.shift()
    if (this.#messages < LOW_MESSAGES && this.#bytes < LOW_BYTES) this.#backlog?.fill()
  }
}
