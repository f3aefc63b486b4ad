import type { PublishProperties } from '@jamey/protocol'
import { type MqttError, PublishError } from './errors.js'
import type { Journal } from './journal.js'
import type { Publication } from './publication.js'
import type { StoredReason } from './session-store.js'
import type { QueueSettings } from './settings.js'
import type { Counters } from './stats.js'

/** A message that was taken over (`until: 'stored'`, or by an earlier process) and that the server does not take. */
export interface SetAsideMessage {
  /** Names it for `retry` and `drop`. */
  readonly sequence: number
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly properties: PublishProperties | undefined
  readonly reason: StoredReason
}

/** The messages set aside, oldest first. They hold up no others and stay until they are retried or dropped. */
export interface SetAside {
  readonly size: number
  list(): SetAsideMessage[]
  /** Queues it anew, behind all others; false where there is none of that number. Throws `PublishError`. */
  retry(sequence: number): boolean
  /** Forgets it; false where there is none of that number. */
  drop(sequence: number): boolean
}

interface SetAsideParts {
  readonly bounds: QueueSettings
  readonly counters: Counters
  readonly journal: Journal
  readonly report: (error: MqttError) => void
  /** Queues a message anew. Throws `PublishError` where it is not taken. */
  readonly requeue: (message: SetAsideMessage) => void
}

/** Bounded like the queue; beyond that the oldest go, which is reported. */
export class SetAsideMessages implements SetAside {
  readonly #parts: SetAsideParts
  readonly #messages = new Map<number, SetAsideMessage>()
  #bytes = 0

  constructor(parts: SetAsideParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#messages.size
  }

  list(): SetAsideMessage[] {
    return [...this.#messages.values()]
  }

  retry(sequence: number): boolean {
    const message = this.#messages.get(sequence)
    if (message === undefined) return false
    // First in again, then out, in one turn and so in one transaction of the store.
    this.#parts.requeue(message)
    this.#remove(message)
    return true
  }

  drop(sequence: number): boolean {
    const message = this.#messages.get(sequence)
    if (message === undefined) return false
    this.#remove(message)
    return true
  }

  /** From now on the message is kept here instead of in the queue. */
  add(publication: Publication, error: PublishError): void {
    const { code, message, reasonCode } = error
    const reason: StoredReason = { code, message, reasonCode }
    this.restore(publication, reason)
    this.#parts.counters.messagesSetAside++
    this.#parts.journal.setAside(publication, reason)
    this.#parts.report(
      new PublishError(code, `${message}; set aside as number ${publication.sequence}`, {
        reasonCode,
        cause: error,
      }),
    )
    this.#bound()
  }

  /** An earlier process set it aside. */
  restore(publication: Publication, reason: StoredReason): void {
    const { sequence, topic, payload, qos, retain, properties } = publication
    this.#messages.set(sequence, { sequence, topic, payload, qos, retain, properties, reason })
    this.#bytes += publication.bytes
  }

  #bound(): void {
    const { maximumMessages, maximumBytes } = this.#parts.bounds
    for (const oldest of this.#messages.values()) {
      const isFull = this.#messages.size > maximumMessages || this.#bytes > maximumBytes
      if (!isFull || this.#messages.size === 1) return
      this.#remove(oldest)
      this.#parts.counters.messagesDropped++
      this.#parts.report(
        new PublishError(
          'dropped',
          `message ${oldest.sequence} on '${oldest.topic}': too many messages were set aside; retry or drop them`,
        ),
      )
    }
  }

  #remove(message: SetAsideMessage): void {
    this.#messages.delete(message.sequence)
    this.#bytes -= message.topic.length + message.payload.length
    this.#parts.journal.removeRecord(message.sequence)
  }
}
