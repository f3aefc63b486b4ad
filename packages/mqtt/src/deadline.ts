import type { Clock } from './clock.js'
import type { CallOptions } from './options.js'

export type DeadlineCause = 'timeout' | 'aborted'

/** The end of one call's patience: a time-out, an abort signal, or both. Calls `onEnd` at most once. */
export class Deadline {
  readonly #clock: Clock
  readonly #signal: AbortSignal | undefined
  #onEnd: ((why: DeadlineCause) => void) | undefined
  #timer: unknown

  private constructor(clock: Clock, options: CallOptions, onEnd: (why: DeadlineCause) => void) {
    this.#clock = clock
    this.#onEnd = onEnd
    this.#signal = options.signal
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true })
    const { timeoutMs } = options
    if (timeoutMs !== undefined && timeoutMs <= 0x7fff_ffff) {
      this.#timer = clock.setTimeout(() => this.#end('timeout'), Math.max(0, timeoutMs))
    }
  }

  /** Undefined where the call may take for ever. The caller has looked at `signal.aborted`. */
  static start(
    clock: Clock,
    options: CallOptions,
    onEnd: (why: DeadlineCause) => void,
  ): Deadline | undefined {
    if (options.timeoutMs === undefined && options.signal === undefined) return undefined
    return new Deadline(clock, options, onEnd)
  }

  cancel(): void {
    this.#onEnd = undefined
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => this.#end('aborted')

  #end(why: DeadlineCause): void {
    const onEnd = this.#onEnd
    this.cancel()
    onEnd?.(why)
  }
}

/** `promise`, or the rejection that `makeError` gives when the deadline comes first. */
export function within<T>(
  promise: Promise<T>,
  clock: Clock,
  options: CallOptions,
  makeError: (why: DeadlineCause) => Error,
): Promise<T> {
  if (options.signal?.aborted) {
    promise.catch(() => {})
    return Promise.reject(makeError('aborted'))
  }
  if (options.timeoutMs === undefined && options.signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const deadline = Deadline.start(clock, options, (why) => reject(makeError(why)))
    promise.then(resolve, reject).finally(() => deadline?.cancel())
  })
}
