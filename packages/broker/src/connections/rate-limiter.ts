import type { Identity } from '../ports/authenticator.js'
import type { Context } from '../support/context.js'
import { Deadline } from '../support/deadline.js'
import type { Limits } from '../support/limits.js'

/** A connection, as far as it is read from more slowly. */
export interface LimitedConnection {
  readonly context: Context
  readonly session: { readonly clientId: string; readonly identity: Identity | undefined } | undefined
  /** Number of reasons to wait before the next packet is handled. */
  readonly holds: number
  pauseReading(): void
  resumeReading(): void
}

type Rates = Pick<Limits, 'publishesPerSecond' | 'publishBytesPerSecond'>

/** A client that was slower than allowed can make up for so much of it. */
const SAVED_MS = 1000

/**
 * How fast a client may publish, in messages and in bytes of their payloads. What is beyond it is read later: nothing is
 * dropped, and the time in which we do not read is not the client's silence. Nothing is saved up at first, so that
 * nobody gains by coming again.
 */
export class RateLimiter {
  readonly #connection: LimitedConnection
  #pause: Deadline | undefined
  /**
   * Moment at which the messages until now would have been published at the highest rate; the next is that for their
   * bytes.
   */
  #messagesAtMs = Number.NEGATIVE_INFINITY
  #bytesAtMs = Number.NEGATIVE_INFINITY
  #hasBegun = false
  #wasTold = false

  constructor(connection: LimitedConnection) {
    this.#connection = connection
  }

  /** A PUBLISH with a payload of so many bytes came. */
  take(bytes: number): void {
    const { clock } = this.#connection.context
    const { publishesPerSecond, publishBytesPerSecond } = this.#rates()
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

  /** The client's own rates, and those of everybody where it has none. */
  #rates(): Rates {
    const { context, session } = this.#connection
    const own = session?.identity?.limits
    return own === undefined ? context.limits : ratesOf(own, context.limits)
  }

  #slowDown(untilMs: number): void {
    const connection = this.#connection
    const { clock, counters, log } = connection.context
    connection.pauseReading()
    this.#pause ??= new Deadline(clock, () => connection.resumeReading())
    this.#pause.set(untilMs)
    if (this.#wasTold) return
    this.#wasTold = true
    counters.publishersSlowed++
    const { publishesPerSecond, publishBytesPerSecond } = this.#rates()
    const about = { clientId: connection.session?.clientId, publishesPerSecond, publishBytesPerSecond }
    log.warn(
      { event: 'broker.publisher.slowed', ...about },
      'a client publishes faster than it may; it is read from more slowly',
    )
  }
}

function ratesOf(own: Partial<Rates>, all: Rates): Rates {
  const { publishesPerSecond = all.publishesPerSecond, publishBytesPerSecond = all.publishBytesPerSecond } =
    own
  return { publishesPerSecond, publishBytesPerSecond }
}

function costMs(count: number, perSecond: number): number {
  return perSecond === 0 ? 0 : (1000 * count) / perSecond
}
