import type { Context } from '../support/context.js'
import { Deadline } from '../support/deadline.js'

/** A connection, as far as it is read from more slowly. */
export interface LimitedConnection {
  readonly context: Context
  readonly session: { readonly clientId: string } | undefined
  /** How many wait for something before the next packet is handled. */
  readonly holds: number
  pauseReading(): void
  resumeReading(): void
}

/** Who was slower than it may be can make up for so much of it. */
const SAVED_MS = 1000

/**
 * How fast a client may publish, in messages and in bytes of their payloads. What is beyond it is read later: nothing is
 * dropped, and the time in which we do not read is not the client's silence. Nothing is saved up at first, so that
 * nobody gains by coming again.
 */
export class RateLimiter {
  readonly #connection: LimitedConnection
  #pause: Deadline | undefined
  /** When what was published until now would have been published at the highest rate: in messages, and in bytes. */
  #messagesAtMs = Number.NEGATIVE_INFINITY
  #bytesAtMs = Number.NEGATIVE_INFINITY
  #hasBegun = false
  #wasTold = false

  constructor(connection: LimitedConnection) {
    this.#connection = connection
  }

  /** A PUBLISH with a payload of so many bytes came. */
  take(bytes: number): void {
    const { clock, limits } = this.#connection.context
    const { publishesPerSecond, publishBytesPerSecond } = limits
    if (publishesPerSecond === 0 && publishBytesPerSecond === 0) return
    const nowMs = clock.now()
    const earliestMs = this.#hasBegun ? nowMs - SAVED_MS : nowMs
    this.#hasBegun = true
    this.#messagesAtMs = Math.max(this.#messagesAtMs, earliestMs) + costMs(1, publishesPerSecond)
    this.#bytesAtMs = Math.max(this.#bytesAtMs, earliestMs) + costMs(bytes, publishBytesPerSecond)
    const untilMs = Math.max(this.#messagesAtMs, this.#bytesAtMs)
    if (untilMs > nowMs) this.#slowDown(untilMs)
  }

  clear(): void {
    this.#pause?.clear()
  }

  #slowDown(untilMs: number): void {
    const connection = this.#connection
    const { clock, counters, limits, log } = connection.context
    connection.pauseReading()
    this.#pause ??= new Deadline(clock, () => connection.resumeReading())
    this.#pause.set(untilMs)
    if (this.#wasTold) return
    this.#wasTold = true
    counters.publishersSlowed++
    const { publishesPerSecond, publishBytesPerSecond } = limits
    const about = { clientId: connection.session?.clientId, publishesPerSecond, publishBytesPerSecond }
    log.warn(about, 'a client publishes faster than it may; it is read from more slowly')
  }
}

function costMs(count: number, perSecond: number): number {
  return perSecond === 0 ? 0 : (1000 * count) / perSecond
}
