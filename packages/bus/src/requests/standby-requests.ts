import type { Address } from '@jamey/contracts'
import type { Message as MqttMessage } from '@jamey/mqtt'
import type { Origin } from '../messaging/origin.js'
import type { Envelope } from '../wire/envelope.js'
import type { ReplyAddress } from '../wire/request-properties.js'

/** A request whose sender, deadline and answer's address are good; times by the monotonic clock. */
export interface Arrived {
  readonly message: MqttMessage
  readonly envelope: Envelope
  readonly address: Address
  readonly origin: Origin
  readonly reply: ReplyAddress | undefined
  readonly arrivedAtMs: number
  readonly deadline: number
}

/** As many as a server sends without acknowledgement; what is beyond is for its requester to send again. */
export const MAXIMUM_KEPT = 4096
const MAXIMUM_KEPT_BYTES = 16 * 1024 * 1024

/**
 * The requests that another member carries out, until it has said that it did: should it die with them, they are carried
 * out here. Beyond the bounds the oldest are forgotten, and it is for who asked to send them again.
 */
export class StandbyRequests {
  readonly #kept = new Set<Arrived>()
  #bytes = 0

  get size(): number {
    return this.#kept.size
  }

  /** What came before `answeredUntilMs` is carried out, and let go. */
  keep(request: Arrived, answeredUntilMs: number): void {
    this.#kept.add(request)
    this.#bytes += request.message.payload.length
    for (const oldest of this.#kept) {
      const isOver = this.#kept.size > MAXIMUM_KEPT || this.#bytes > MAXIMUM_KEPT_BYTES
      if (!isOver && oldest.arrivedAtMs >= answeredUntilMs) return
      this.#kept.delete(oldest)
      this.#bytes -= oldest.message.payload.length
    }
  }

  /** All that may not have been carried out and is still waited for; nothing is kept then. */
  take(answeredUntilMs: number, nowMs: number): readonly Arrived[] {
    const left = [...this.#kept].filter(
      ({ arrivedAtMs, deadline }) => arrivedAtMs >= answeredUntilMs && deadline > nowMs,
    )
    this.#kept.clear()
    this.#bytes = 0
    return left
  }
}
