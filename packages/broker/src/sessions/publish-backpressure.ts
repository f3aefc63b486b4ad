import type { QueueCapacity } from './queue-capacity.js'

/** Finds the fullest crowded queue among those in which the message that is being published has to wait. */
export class PublishBackpressure {
  #fullest: QueueCapacity | undefined

  /** Another message is published, or one that waits for no queue. */
  clear(): void {
    this.#fullest = undefined
  }

  /** A message has to wait in this queue. */
  note(queue: QueueCapacity): void {
    if (!queue.isCrowded || !queue.isWaitedFor) return
    if (this.#fullest === undefined || this.#fullest.fullness < queue.fullness) this.#fullest = queue
  }

  /** The queue that must have room before the last message is acknowledged; undefined: it is acknowledged at once. */
  get fullest(): QueueCapacity | undefined {
    return this.#fullest
  }
}
