import type { Clock } from './clock.js'
import { PublishError } from './errors.js'
import { Fifo } from './fifo.js'
import type { Publication } from './publication.js'
import type { QueueSettings } from './settings.js'
import type { Counters } from './stats.js'

/** Messages that wait to be sent for the first time, bounded by count and bytes. */
export class PublishQueue {
  readonly #settings: QueueSettings
  readonly #clock: Clock
  readonly #fifo = new Fifo<Publication>()
  /** Of those that wait for their turn. */
  #messages = 0
  /** Of those that are on their way into the store. */
  #held = 0
  /** Of both. */
  #bytes = 0

  constructor(settings: QueueSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
  }

  /** How long the first one has waited, milliseconds. */
  get oldestAgeMs(): number | undefined {
    const oldest = this.peek()
    return oldest === undefined ? undefined : this.#clock.now() - oldest.queuedAt
  }

  /** Messages that wait for their turn. */
  get messages(): number {
    return this.#messages
  }

  /** Messages that are on their way into the store. */
  get held(): number {
    return this.#held
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether one more message of this size would break a bound. */
  isFullFor(publication: Publication): boolean {
    return (
      this.#messages + this.#held >= this.#settings.maximumMessages ||
      this.#bytes + publication.bytes > this.#settings.maximumBytes
    )
  }

  /** Takes out what the policy sacrifices for one more message. Throws `PublishError` where it is not taken. */
  makeRoomFor(
    publication: Publication,
    counters: Counters,
    onDropped: (publication: Publication) => void,
  ): void {
    while (this.isFullFor(publication)) {
      const oldest = this.#settings.whenFull === 'drop-oldest' ? this.shift() : undefined
      counters.messagesDropped++
      if (oldest === undefined) throw queueFull(publication.topic, this.#settings)
      oldest.stage = 'settled'
      onDropped(oldest)
      oldest.fail(
        new PublishError(
          'dropped',
          `publish to '${oldest.topic}': newer messages pushed it out of the full queue`,
        ),
      )
    }
  }

  /** Counts a message that is not to be sent yet. */
  hold(publication: Publication): void {
    this.#held++
    this.#bytes += publication.bytes
  }

  unhold(publication: Publication): void {
    this.#held--
    this.#bytes -= publication.bytes
  }

  push(publication: Publication): void {
    this.#messages++
    this.#bytes += publication.bytes
    if (publication.queuedAt === 0) publication.queuedAt = this.#clock.now()
    this.#fifo.push(publication)
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
    this.#subtract(publication)
  }

  #subtract(publication: Publication): void {
    this.#messages--
    this.#bytes -= publication.bytes
  }

  #skipSettled(): void {
    while (this.#fifo.peek()?.stage === 'settled') this.#fifo.shift()
  }
}

export function queueFull(topic: string, settings: QueueSettings): PublishError {
  return new PublishError(
    'queue-full',
    `publish to '${topic}': the queue is full (at most ${settings.maximumMessages} messages and ` +
      `${settings.maximumBytes} bytes); wait for earlier publishes, or raise the option queue`,
    { retryable: true },
  )
}
