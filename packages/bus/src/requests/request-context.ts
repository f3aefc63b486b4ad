import type { RequestContext } from '../model/message.js'
import type { Clock } from '../support/clock.js'
import { RequestTimeoutError } from '../support/errors.js'

/** A handler's view of its request's time. Signal and timer are only made for handlers that ask for them. */
export class ServedRequestContext implements RequestContext {
  readonly #dueAtMs: number
  readonly #clock: Clock
  readonly #topic: string
  readonly #action: string
  #controller: AbortController | undefined
  #timer: unknown
  #brought: Promise<unknown>[] | undefined

  /** `dueAtMs`: the deadline by the monotonic clock. */
  constructor(clock: Clock, topic: string, action: string, dueAtMs: number) {
    this.#clock = clock
    this.#topic = topic
    this.#action = action
    this.#dueAtMs = dueAtMs
  }

  get deadlineAtMs(): number {
    return this.#clock.timeOfDay() + this.remainingMs
  }

  get remainingMs(): number {
    return this.#dueAtMs - this.#clock.now()
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      const { remainingMs } = this
      if (remainingMs <= 0) this.expire()
      else this.#timer = this.#clock.setTimeout(() => this.expire(), remainingMs)
    }
    return this.#controller.signal
  }

  acknowledgeAfter(done: Promise<unknown>): void {
    this.#brought ??= []
    this.#brought.push(done)
  }

  /** Settles with what the request has brought about beside its answer; undefined: nothing. */
  get brought(): Promise<unknown> | undefined {
    return this.#brought && Promise.allSettled(this.#brought)
  }

  /** True where the handler was told to stop, so that its failing is no fault of its own. */
  get isAborted(): boolean {
    return this.#controller?.signal.aborted === true
  }

  /** Aborts a handler that is still at work. */
  abort(reason: unknown): void {
    this.#controller ??= new AbortController()
    this.#controller.abort(reason)
    this.settle()
  }

  /** The deadline has passed. */
  expire(): void {
    this.abort(new RequestTimeoutError(this.#topic, this.#action, 0))
  }

  /** The handler is done: nothing is left to be timed. */
  settle(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
