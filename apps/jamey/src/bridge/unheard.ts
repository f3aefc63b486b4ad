import { type Client, systemClock } from '@jamey/mqtt'
import { ReasonCode } from '@jamey/protocol'
import type { Copy } from './carrier.js'

/** Until the first request of a topic that met nobody is sent again, milliseconds; then ever longer, up to the last. */
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 2000
/** For how long one without an expiry is sent again. */
const PATIENCE_MS = 60_000
/** Watched and waiting at once; those beyond are sent once, as any message. */
const MOST_WATCHED = 10_000

interface Watched {
  readonly copy: Copy
  /** By the monotonic clock. */
  readonly endsAtMs: number
}

/** Those of one topic, oldest first. */
interface Waiting {
  readonly requests: Watched[]
  retryMs: number
  timer: unknown
}

/**
 * Requests that the bridge has taken from a share group in the place of a service. Who else was in that group cannot get
 * them any more: so one that nobody subscribes to on the other side, yet, is sent again until somebody does, or its time
 * is over. Of each topic one is tried, and the others follow when it was heard.
 */
export class Unheard {
  readonly #to: Pick<Client, 'publish' | 'acknowledged'>
  readonly #waiting = new Map<string, Waiting>()
  #count = 0
  #repeated = 0
  #isClosed = false

  constructor(to: Pick<Client, 'publish' | 'acknowledged'>) {
    this.#to = to
  }

  /** How often any was sent again. */
  get repeated(): number {
    return this.#repeated
  }

  /** The copy is in the outbox under this receipt. */
  watch(copy: Copy, receipt: string): void {
    if (this.#count >= MOST_WATCHED) return
    this.#count++
    const seconds = copy.properties.messageExpiryInterval
    const patienceMs = seconds === undefined ? PATIENCE_MS : seconds * 1000
    this.#await({ copy, endsAtMs: systemClock.now() + patienceMs }, receipt)
  }

  close(): void {
    this.#isClosed = true
    for (const { timer } of this.#waiting.values()) systemClock.clearTimeout(timer)
    this.#waiting.clear()
  }

  #await(watched: Watched, receipt: string): void {
    this.#to.acknowledged(receipt).then(
      ({ reasonCode }) => {
        if (reasonCode === ReasonCode.noMatchingSubscribers) this.#wait(watched)
        else this.#heard(watched)
      },
      // Refused, given up or closed: no other attempt would end differently.
      () => void this.#count--,
    )
  }

  #wait(watched: Watched): void {
    if (this.#isClosed) return
    const { topic } = watched.copy
    const waiting = this.#waiting.get(topic) ?? { requests: [], retryMs: FIRST_RETRY_MS, timer: undefined }
    this.#waiting.set(topic, waiting)
    waiting.requests.push(watched)
    waiting.timer ??= systemClock.setTimeout(() => this.#retry(topic, waiting), waiting.retryMs)
  }

  #retry(topic: string, waiting: Waiting): void {
    waiting.timer = undefined
    waiting.retryMs = Math.min(waiting.retryMs * 2, LAST_RETRY_MS)
    const nowMs = systemClock.now()
    const { requests } = waiting
    while (requests[0] !== undefined && requests[0].endsAtMs <= nowMs) {
      requests.shift()
      this.#count--
    }
    const first = requests.shift()
    if (first !== undefined) this.#repeat(first)
    else this.#waiting.delete(topic)
  }

  #repeat(watched: Watched): void {
    const { copy, endsAtMs } = watched
    const leftMs = endsAtMs - systemClock.now()
    if (leftMs <= 0 || this.#isClosed) {
      this.#count--
      return
    }
    const { topic, payload, qos, retain, properties } = copy
    const messageExpiryInterval =
      properties.messageExpiryInterval === undefined ? undefined : Math.ceil(leftMs / 1000)
    const options = {
      qos,
      retain,
      properties: { ...properties, messageExpiryInterval },
      until: 'stored',
    } as const
    this.#repeated++
    this.#to.publish(topic, payload, options).then(
      ({ receipt }) => {
        if (receipt !== undefined) this.#await(watched, receipt)
      },
      () => this.#wait(watched),
    )
  }

  /** Somebody subscribes to its topic now: the others of it go, too. */
  #heard({ copy }: Watched): void {
    this.#count--
    const waiting = this.#waiting.get(copy.topic)
    if (waiting === undefined) return
    this.#waiting.delete(copy.topic)
    systemClock.clearTimeout(waiting.timer)
    for (const one of waiting.requests) this.#repeat(one)
  }
}
