import type { Core } from './core.js'
import { Deadline } from './deadline.js'
import type { Outgoing } from './outgoing.js'

/** Between two sweeps: what has expired holds its place for so long, unless something else needs it. */
const LEAST_MS = 1000
/** In one sweep, some milliseconds: retained messages, and queued ones. */
const MOST_RETAINED = 10_000
const MOST_QUEUED = 1024

/** Has what has expired give up its place, in memory and in the store, though nobody asks for it. */
export class ExpirySweep {
  readonly #core: Core
  /** In which something expires, or may. */
  readonly #queues = new Set<Outgoing>()
  readonly #next: Deadline
  #dueAtMs = Number.POSITIVE_INFINITY

  constructor(core: Core) {
    this.#core = core
    this.#next = new Deadline(core.clock, () => this.#run())
  }

  add(queue: Outgoing): void {
    this.#queues.add(queue)
    this.#wakeAt(queue.expiry.dueAtMs)
  }

  /** Its session is over. */
  forget(queue: Outgoing): void {
    this.#queues.delete(queue)
    if (this.#queues.size === 0) this.#arm()
  }

  /** A message that expires was retained. */
  noteRetained(expiresAtMs: number): void {
    this.#wakeAt(expiresAtMs)
  }

  /** Forgets retained messages that have expired, so many at most. Whether any was. */
  dropRetained(maximum = MOST_RETAINED): boolean {
    const { retained, clock, counters } = this.#core
    const nowMs = clock.now()
    let dropped = 0
    for (; dropped < maximum; dropped++) {
      const expired = retained.firstExpired(nowMs)
      if (expired === undefined) break
      counters.droppedExpired++
      this.#core.forgetRetained(expired.topic)
    }
    return dropped > 0
  }

  stop(): void {
    this.#next.clear()
    this.#dueAtMs = Number.POSITIVE_INFINITY
    this.#queues.clear()
  }

  #run(): void {
    const nowMs = this.#core.clock.now()
    this.dropRetained()
    let left = MOST_QUEUED
    for (const queue of [...this.#queues]) {
      if (queue.expiry.dueAtMs > nowMs) continue
      if (left <= 0) break
      left -= queue.queued
      queue.dropExpired(MOST_QUEUED)
      // Those that were not looked at come first the next time.
      this.#queues.delete(queue)
      if (queue.expiry.dueAtMs !== Number.POSITIVE_INFINITY) this.#queues.add(queue)
    }
    this.#arm()
  }

  /** After a sweep. */
  #arm(): void {
    let dueAtMs = this.#core.retained.expiresFromMs
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
    this.#dueAtMs = Math.max(dueAtMs, this.#core.clock.now() + LEAST_MS)
    this.#next.set(this.#dueAtMs)
  }
}
