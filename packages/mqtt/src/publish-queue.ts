import { PublishError } from './errors.js'
import { Fifo } from './fifo.js'
import type { Publication } from './publication.js'
import type { QueueSettings } from './settings.js'

/** Messages that wait to be sent for the first time, bounded by count and bytes. */
export class PublishQueue {
  readonly #settings: QueueSettings
  readonly #fifo = new Fifo<Publication>()
  /** Of those that wait for their turn. */
  #messages = 0
  /** Of those that are on their way into the store. */
  #held = 0
  /** Of both. */
  #bytes = 0

  constructor(settings: QueueSettings) {
    this.#settings = settings
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
