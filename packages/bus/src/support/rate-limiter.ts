import { Deadline, type DeadlineCause } from '@jamey/mqtt/internals'
import type { Clock } from './clock.js'
import { AbortedError, RateLimitError } from './errors.js'

/** A token bucket over messages and bytes: a burst of one second's worth, refilled evenly. */
export interface RateLimit {
  readonly messagesPerSecond?: number | undefined
  readonly bytesPerSecond?: number | undefined
  /** Decides what becomes of a message over the limit: it waits for its turn (the default) or is rejected. */
  readonly overflow?: 'wait' | 'reject' | undefined
}

/** Time that a message waits for its turn where its caller set none: it bounds how many can pile up. */
const PATIENCE_MS = 30_000

/** Lets messages pass at the agreed rate, in the order they came. */
export class RateLimiter {
  readonly #overflow: 'wait' | 'reject'
  readonly #buckets: readonly Bucket[]
  readonly #messages: Bucket | undefined
  readonly #bytes: Bucket | undefined
  readonly #clock: Clock

  constructor(limit: RateLimit, clock: Clock) {
    this.#overflow = limit.overflow ?? 'wait'
    this.#clock = clock
    this.#messages = bucketOf(limit.messagesPerSecond, 'messages per second', clock.now())
    this.#bytes = bucketOf(limit.bytesPerSecond, 'bytes per second', clock.now())
    this.#buckets = [this.#messages, this.#bytes].filter((bucket) => bucket !== undefined)
  }

  /**
   * Undefined where a message of `bytes` may be sent now, else a promise for when it may.
   * Throws, or rejects with, `RateLimitError` where it may not or its turn would come after `patienceMs`.
   */
  pass(bytes: number, patienceMs = PATIENCE_MS, signal?: AbortSignal): Promise<void> | undefined {
    const now = this.#clock.now()
    let delayMs = 0
    let slowest: Bucket | undefined
    for (const bucket of this.#buckets) {
      const wait = bucket.delayMs(bucket === this.#bytes ? bytes : 1, now)
      if (wait > delayMs) {
        delayMs = wait
        slowest = bucket
      }
    }
    if (slowest !== undefined && (this.#overflow === 'reject' || delayMs > patienceMs)) {
      throw new RateLimitError(slowest.limit, Math.ceil(delayMs))
    }
    this.#messages?.take(1)
    this.#bytes?.take(bytes)
    return slowest === undefined ? undefined : this.#wait(delayMs, bytes, signal)
  }

  /** Someone who gives up waiting gives back what was reserved for them. */
  #wait(delayMs: number, bytes: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#messages?.take(-1)
        this.#bytes?.take(-bytes)
        reject(
          new AbortedError('request-aborted', 'Aborted while waiting for the rate limit.', {
            cause: signal?.reason,
          }),
        )
      }
      if (signal?.aborted) return giveUp()
      const onEnd = (why: DeadlineCause): void => (why === 'timeout' ? resolve() : giveUp())
      Deadline.start(this.#clock, { timeoutMs: Math.ceil(delayMs), signal }, onEnd)
    })
  }
}

/** A level that refills with time, up to one second's worth; it goes below zero for those who wait. */
class Bucket {
  readonly limit: string
  readonly #perSecond: number
  #level: number
  #atMs: number

  constructor(perSecond: number, unit: string, nowMs: number) {
    if (!(perSecond > 0)) {
      throw new RangeError(`A rate limit must be more than 0 ${unit}; it is ${perSecond}.`)
    }
    this.limit = `${perSecond} ${unit}`
    this.#perSecond = perSecond
    this.#level = Math.max(perSecond, 1)
    this.#atMs = nowMs
  }

  /** Milliseconds until `amount` may be taken. More than a full bucket may go once the bucket is full. */
  delayMs(amount: number, nowMs: number): number {
    const capacity = Math.max(this.#perSecond, 1)
    const elapsedMs = Math.max(0, nowMs - this.#atMs)
    this.#level = Math.min(capacity, this.#level + (elapsedMs / 1000) * this.#perSecond)
    this.#atMs = nowMs
    const missing = Math.min(amount, capacity) - this.#level
    // Adding up fractions leaves a rest that is no wait.
    return missing < 1e-6 ? 0 : (missing / this.#perSecond) * 1000
  }

  take(amount: number): void {
    this.#level -= amount
  }
}

function bucketOf(perSecond: number | undefined, unit: string, nowMs: number): Bucket | undefined {
  return perSecond === undefined ? undefined : new Bucket(perSecond, unit, nowMs)
}
