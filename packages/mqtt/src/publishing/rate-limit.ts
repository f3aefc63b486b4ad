import type { Clock } from '../support/clock.js'

/** The lowest rate, however often the server complains. */
const SLOWEST_PER_SECOND = 1
/** The allowed rate grows by this much per second without a complaint. */
const GROWTH_PER_SECOND = 1.1

/**
 * A rate that messages may leave with, after a complaint half of what that was about; it grows again until it is twice
 * that rate, and then falls away.
 */
export class RateLimit {
  readonly #clock: Clock
  readonly #onOpen: () => void
  #perSecond = Number.POSITIVE_INFINITY
  /** The limit right after the last complaint, and when that was. */
  #reduced = 0
  #complainedAtMs = 0
  #liftedFrom = 0
  /** Messages that may leave now; below zero for those that did not wait. */
  #level = 0
  #atMs = 0
  #timer: unknown

  constructor(clock: Clock, onOpen: () => void) {
    this.#clock = clock
    this.#onOpen = onOpen
  }

  /** Undefined once the limit fell away. */
  get messagesPerSecond(): number | undefined {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return undefined
    this.#refill()
    return this.#perSecond === Number.POSITIVE_INFINITY ? undefined : this.#perSecond
  }

  /** True where a message may leave. Where it is false, `onOpen` will be called. */
  get isOpen(): boolean {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return true
    this.#refill()
    if (this.#level >= 1) return true
    this.#wake()
    return false
  }

  /** A message leaves. */
  take(): void {
    this.#level--
  }

  /** The server complained; without a limit about `observedPerSecond`. */
  slow(observedPerSecond: number): void {
    const now = this.#clock.now()
    const before = this.messagesPerSecond
    const rate = before ?? observedPerSecond
    this.#reduced = this.#perSecond = Math.max(SLOWEST_PER_SECOND, rate / 2)
    this.#liftedFrom = Math.max(before === undefined ? 2 * rate : this.#liftedFrom, 4 * SLOWEST_PER_SECOND)
    this.#complainedAtMs = this.#atMs = now
    this.#level = 0
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #refill(): void {
    const now = this.#clock.now()
    const calmSeconds = (now - this.#complainedAtMs) / 1000
    this.#perSecond = this.#reduced * GROWTH_PER_SECOND ** calmSeconds
    if (this.#perSecond >= this.#liftedFrom) this.#perSecond = Number.POSITIVE_INFINITY
    const gained = ((now - this.#atMs) / 1000) * this.#perSecond
    // A tenth of a second's worth may leave at once, so that timers need not be finer than that.
    this.#level = Math.min(Math.max(1, this.#perSecond / 10), this.#level + gained)
    this.#atMs = now
  }

  #wake(): void {
    if (this.#timer !== undefined) return
    const delayMs = Math.ceil(((1 - this.#level) / this.#perSecond) * 1000)
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      this.#onOpen()
    }, delayMs)
  }
}
