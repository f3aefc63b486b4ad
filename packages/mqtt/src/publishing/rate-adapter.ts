import type { Clock } from '../support/clock.js'
import type { RateLimit } from './rate-limit.js'

/** Messages after which the observed rate is taken anew. */
const WINDOW_MESSAGES = 256

/** Makes the limit that a complaint leads to. */
export interface RateLimitSource {
  /** Calls `use` with it, at once or when it is there. */
  rateLimit(use: (Limit: typeof RateLimit) => void): void
}

/** How fast messages may leave: without limit, until the server says that it is too much (0x96, 0x97). [promise 26] */
export class RateAdapter {
  readonly #clock: Clock
  readonly #limits: RateLimitSource
  readonly #onOpen: () => void
  #limit: RateLimit | undefined
  #windowMessages = 0
  #windowAtMs: number
  #observedPerSecond = 0

  /** `onOpen` is called when messages may leave again after `isOpen` was false. */
  constructor(clock: Clock, limits: RateLimitSource, onOpen: () => void) {
    this.#clock = clock
    this.#limits = limits
    this.#onOpen = onOpen
    this.#windowAtMs = clock.now()
  }

  /** Undefined where there is no limit. */
  get messagesPerSecond(): number | undefined {
    return this.#limit?.messagesPerSecond
  }

  /** True where a message may leave. Where it is false, `onOpen` will be called. */
  get isOpen(): boolean {
    return this.#limit === undefined || this.#limit.isOpen
  }

  /** A message leaves. */
  take(): void {
    this.#limit?.take()
    if (++this.#windowMessages === WINDOW_MESSAGES) this.#observe()
  }

  /** The server complained. */
  slow(): void {
    this.#observe()
    const observed = this.#observedPerSecond
    this.#limits.rateLimit((Limit) => {
      this.#limit ??= new Limit(this.#clock, this.#onOpen)
      this.#limit.slow(observed)
    })
  }

  stop(): void {
    this.#limit?.stop()
  }

  /** The rate of the messages since it was last looked at. */
  #observe(): void {
    const now = this.#clock.now()
    this.#observedPerSecond = (this.#windowMessages * 1000) / Math.max(1, now - this.#windowAtMs)
    this.#windowMessages = 0
    this.#windowAtMs = now
  }
}
