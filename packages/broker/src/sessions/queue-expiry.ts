import type { Delivery } from '../messages/delivery.js'
import type { Message } from '../messages/message.js'
import type { Context } from '../support/context.js'
import { type Backlog, BacklogCursor } from './backlog.js'
import type { DeliveryQueue } from './delivery-queue.js'
import type { QueueCapacity } from './queue-capacity.js'

/** Number of deliveries that one read takes; see `Backlog`. */
const PAGE_MESSAGES = 256
/** A store that cannot be read is asked again after this. */
const RETRY_MS = 60_000

/**
 * Drops what expires in one session's queue, so that it holds no place there, whether its client is connected or away.
 */
export class QueueExpiry {
  readonly #context: Context
  readonly #capacity: Pick<QueueCapacity, 'onDropped'>
  readonly #queue: DeliveryQueue
  readonly #finish: (delivery: Delivery) => void
  /** Nothing in the queue expires before, apart from what the running sweep has passed. */
  #earliestMs = Number.POSITIVE_INFINITY
  /** Earliest expiry among the deliveries that the running sweep has passed. */
  #passedMs = Number.POSITIVE_INFINITY
  #cursor: BacklogCursor | undefined

  constructor(
    context: Context,
    capacity: Pick<QueueCapacity, 'onDropped'>,
    queue: DeliveryQueue,
    finish: (delivery: Delivery) => void,
  ) {
    this.#context = context
    this.#capacity = capacity
    this.#queue = queue
    this.#finish = finish
  }

  /** Moment at which there is something to do, by the monotonic clock; infinity: never. */
  get dueAtMs(): number {
    return this.#cursor === undefined ? this.#earliestMs : Number.NEGATIVE_INFINITY
  }

  /** The message waits from now on. Whether something is to be done earlier than before. */
  note({ expiresAtMs }: Message): boolean {
    if (expiresAtMs >= this.#earliestMs) return false
    this.#earliestMs = expiresAtMs
    return true
  }

  /** The expiries of deliveries in the store are not known, so it has to look. */
  noteUnknown(): void {
    this.#earliestMs = Number.NEGATIVE_INFINITY
  }

  /**
   * Drops what has expired. Of what lies in the store it looks at so many at most, and goes on the next time. False:
   * there was nothing to look for.
   */
  sweep(backlog: Backlog | undefined, maximum: number): boolean {
    if (this.dueAtMs > this.#context.clock.now()) return false
    if (this.#cursor === undefined) {
      this.#earliestMs = this.#passedMs = Number.POSITIVE_INFINITY
      for (const delivery of this.#queue.all()) if (this.#isOver(delivery)) this.#finish(delivery)
      this.#cursor = new BacklogCursor()
    }
    if (backlog !== undefined && !this.#sweepStored(backlog, this.#cursor, maximum)) return true
    this.#cursor = undefined
    this.#earliestMs = Math.min(this.#earliestMs, this.#passedMs)
    return true
  }

  /** Sweeps a part of the store; true where the end was reached. */
  #sweepStored(backlog: Backlog, cursor: BacklogCursor, maximum: number): boolean {
    const end = cursor.shown + maximum
    try {
      while (!backlog.isEmpty && !cursor.isAtEnd && cursor.shown < end) {
        const page = Math.min(PAGE_MESSAGES, end - cursor.shown)
        backlog.offer(cursor, page, (delivery) => this.#isOver(delivery))
      }
      return backlog.isEmpty || cursor.isAtEnd
    } catch {
      // The client is told of damage when it comes; the sweep only tries again later.
      this.#passedMs = Math.min(this.#passedMs, this.#context.clock.now() + RETRY_MS)
      return true
    }
  }

  #isOver(delivery: Delivery): boolean {
    if (delivery.hasExpired(this.#context.clock)) {
      this.#capacity.onDropped(delivery.message, 'expired')
      return true
    }
    // A delivery that has begun is completed.
    if (!delivery.wasSent) this.#passedMs = Math.min(this.#passedMs, delivery.message.expiresAtMs)
    return false
  }
}
