import { ReasonCode } from '@jamey/protocol'
import type { Message } from '../messages/message.js'
import { RetainedTree } from '../messages/retained-tree.js'
import type { Context } from '../support/context.js'
import type { Persistence } from './persistence.js'

/** Forgotten at once, in some milliseconds. */
const MAXIMUM_DROPPED = 10_000

/** The retained messages, within their limits, in memory and in the store. */
export class RetainedMessages {
  readonly tree = new RetainedTree()
  readonly #context: Context
  readonly #persistence: Persistence
  readonly #onExpiring: (expiresAtMs: number) => void

  /** `onExpiring` is called for each one that expires. */
  constructor(context: Context, persistence: Persistence, onExpiring: (expiresAtMs: number) => void) {
    this.#context = context
    this.#persistence = persistence
    this.#onExpiring = onExpiring
  }

  /** Makes `message` the retained one of its topic, or removes that when the payload is empty. [MQTT-3.3.1-6] */
  retain(message: Message): number {
    if (message.payload.length === 0) {
      this.forget(message.topic)
      return ReasonCode.success
    }
    if (!this.#hasRoomFor(message)) {
      this.#context.counters.retainedRefused++
      return ReasonCode.quotaExceeded
    }
    this.tree.set(message.keep())
    if (message.expiresAtMs !== Number.POSITIVE_INFINITY) this.#onExpiring(message.expiresAtMs)
    this.#persistence.putRetained(message)
    return ReasonCode.success
  }

  /** Takes a message of an earlier life, which is in the store. */
  restore(message: Message): void {
    this.tree.set(message)
    this.#onExpiring(message.expiresAtMs)
  }

  forget(topic: string): void {
    if (this.tree.delete(topic)) this.#persistence.removeRetained(topic)
  }

  /** Forgets those that have expired, so many at most. Whether there were any. */
  dropExpired(maximum = MAXIMUM_DROPPED): boolean {
    const { clock, counters } = this.#context
    const nowMs = clock.now()
    let dropped = 0
    for (; dropped < maximum; dropped++) {
      const expired = this.tree.firstExpired(nowMs)
      if (expired === undefined) break
      counters.droppedExpired++
      this.forget(expired.topic)
    }
    return dropped > 0
  }

  #hasRoomFor(message: Message): boolean {
    while (!this.tree.hasRoomFor(message, this.#context.limits)) {
      if (!this.dropExpired()) return false
    }
    return true
  }
}
