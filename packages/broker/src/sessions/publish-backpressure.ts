import type { QueueRoom } from './queue-room.js'

/** Of the queues that what is being published has to wait in: the fullest that is crowded. */
export class PublishBackpressure {
  #fullest: QueueRoom | undefined

  /** Another message is published, or one that waits for no queue. */
  clear(): void {
    this.#fullest = undefined
  }

  /** A message has to wait in this queue. */
  note(room: QueueRoom): void {
    if (!room.isCrowded || !room.isWaitedFor) return
    if (this.#fullest === undefined || this.#fullest.fullness < room.fullness) this.#fullest = room
  }

  /** What was published last is acknowledged when this has room; undefined: at once. */
  get fullest(): QueueRoom | undefined {
    return this.#fullest
  }
}
