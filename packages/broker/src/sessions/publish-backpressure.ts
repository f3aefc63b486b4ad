import type { QueueCapacity } from './queue-capacity.js'

/** Of the queues that what is being published has to wait in: the fullest that is crowded. */
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

  /** What was published last is acknowledged when this has room; undefined: at once. */
  get fullest(): QueueCapacity | undefined {
    return this.#fullest
  }
}
