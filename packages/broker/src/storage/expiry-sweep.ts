import type { Context } from '../support/context.js'
import { Deadline } from '../support/deadline.js'
import type { RetainedMessages } from './retained-messages.js'

/** Time between two sweeps: an expired message holds its place for so long, unless something else needs it. */
const LEAST_MS = 1000
/** Queued ones in one sweep, some milliseconds. */
const MAXIMUM_QUEUED = 1024

/** A queue in which something expires, or may. */
export interface SweptQueue {
  readonly queued: number
  /** Moment by the monotonic clock; infinity: never. */
  readonly expiry: { readonly dueAtMs: number }
  /** Looks at so many at most of those that lie in the store. */
  dropExpired(maximum: number): boolean
}

/** Has what has expired give up its place, in memory and in the store, though nobody asks for it. */
export class ExpirySweep {
  readonly #context: Context
  readonly #retained: RetainedMessages
  readonly #queues = new Set<SweptQueue>()
  readonly #next: Deadline
  #dueAtMs = Number.POSITIVE_INFINITY

  constructor(context: Context, retained: RetainedMessages) {
    this.#context = context
    this.#retained = retained
    this.#next = new Deadline(context.clock, () => this.#run())
  }

  add(queue: SweptQueue): void {
    this.#queues.add(queue)
    this.#wakeAt(queue.expiry.dueAtMs)
  }

  /** Forgets the queue of a session that is over. */
  forget(queue: SweptQueue): void {
    this.#queues.delete(queue)
    if (this.#queues.size === 0) this.#arm()
  }

  /** A message that expires was retained. */
  noteRetained(expiresAtMs: number): void {
    this.#wakeAt(expiresAtMs)
  }

  stop(): void {
    this.#next.clear()
    this.#dueAtMs = Number.POSITIVE_INFINITY
    this.#queues.clear()
  }

  #run(): void {
    const nowMs = this.#context.clock.now()
    this.#retained.dropExpired()
    let left = MAXIMUM_QUEUED
    for (const queue of [...this.#queues]) {
      if (queue.expiry.dueAtMs > nowMs) continue
      if (left <= 0) break
      left -= queue.queued
      queue.dropExpired(MAXIMUM_QUEUED)
      // Queues that were not looked at come first the next time.
      this.#queues.delete(queue)
      if (queue.expiry.dueAtMs !== Number.POSITIVE_INFINITY) this.#queues.add(queue)
    }
    this.#arm()
  }

  /** Sets the timer for the next sweep. */
  #arm(): void {
    let dueAtMs = this.#retained.tree.expiresFromMs
    for (const queue of this.#queues) dueAtMs = Math.min(dueAtMs, queue.expiry.dueAtMs)
    this.#set(dueAtMs)
  }

  #wakeAt(dueAtMs: number): void {
    if (dueAtMs < this.#dueAtMs) this.#set(dueAtMs)
  }

  #set(dueAtMs: number): void {
    if (dueAtMs === Number.POSITIVE_INFINITY) {
      this.#dueAtMs = dueAtMs
      return this.#next.clear()
    }
    this.#dueAtMs = Math.max(dueAtMs, this.#context.clock.now() + LEAST_MS)
    this.#next.set(this.#dueAtMs)
  }
}
