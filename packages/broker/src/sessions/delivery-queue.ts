import type { Delivery } from '../messages/delivery.js'

/** Handled entries at the queue's front are cut off in pieces of at least this many. */
const CUT_FROM = 1024

/**
 * Deliveries that wait in memory to be sent, in order. One that is no longer 'queued' keeps its place, as an entry to
 * be skipped, until it comes to the front or there are too many of them.
 */
export class DeliveryQueue {
  #entries: (Delivery | undefined)[] = []
  #head = 0
  #waiting = 0

  /** Number of deliveries that are 'queued'. */
  get waiting(): number {
    return this.#waiting
  }

  push(delivery: Delivery): void {
    this.#entries.push(delivery)
    this.#waiting++
  }

  /** Puts deliveries in front of all others. */
  putBack(deliveries: readonly Delivery[]): void {
    this.#waiting += deliveries.length
    this.#entries = [...deliveries, ...this.#entries.slice(this.#head)]
    this.#head = 0
  }

  /** Takes the next one out; `cut` is due when the last of a batch was taken. */
  shift(): Delivery | undefined {
    while (this.#head < this.#entries.length) {
      const delivery = this.#entries[this.#head]
      this.#entries[this.#head++] = undefined
      if (delivery?.state !== 'queued') continue
      this.#waiting--
      return delivery
    }
    return undefined
  }

  /** Counts a delivery that is not 'queued' any more. */
  onLeft(): void {
    if (--this.#waiting === 0) return this.clear()
    // While nobody takes any, entries to be skipped do not pile up: of a session that is away, for one.
    while (this.#head < this.#entries.length && this.#entries[this.#head]?.state !== 'queued') {
      this.#entries[this.#head++] = undefined
    }
    this.cut()
    const toSkip = this.#entries.length - this.#head - this.#waiting
    if (toSkip < CUT_FROM || toSkip < this.#waiting) return
    this.#entries = this.#entries.filter((delivery) => delivery?.state === 'queued')
    this.#head = 0
  }

  /**
   * The oldest delivery without an identifier: one that has one may be half way through, and could still be
   * acknowledged.
   */
  get oldestUnsent(): Delivery | undefined {
    for (let at = this.#head; at < this.#entries.length; at++) {
      const delivery = this.#entries[at]
      if (delivery?.state === 'queued' && delivery.packetIdentifier === 0) return delivery
    }
    return undefined
  }

  all(): Delivery[] {
    return this.#entries.filter((delivery): delivery is Delivery => delivery?.state === 'queued')
  }

  cut(): void {
    if (this.#head === this.#entries.length) return this.clear()
    if (this.#head < CUT_FROM || this.#head * 2 <= this.#entries.length) return
    this.#entries = this.#entries.slice(this.#head)
    this.#head = 0
  }

  clear(): void {
    this.#waiting = 0
    if (this.#entries.length === 0) return
    this.#entries = []
    this.#head = 0
  }
}
