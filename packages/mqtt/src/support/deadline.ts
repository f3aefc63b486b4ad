import type { Clock } from './clock.js'

/** Options of every waiting call; on either it rejects at once, with code `timeout` or `aborted`. */
export interface CallOptions {
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export type DeadlineCause = 'timeout' | 'aborted'

/**
 * Deadlines by the signal that ends them. It has one listener for all: each more would make the next one slower to add.
 */
const BY_SIGNAL = new WeakMap<AbortSignal, Set<Deadline>>()

/**
 * The end of one call's patience: a time-out, an abort signal, or both. Calls `onEnd` at most once. For whoever offers
 * calls of their own on top of this client: theirs and the client's share one listener at a signal.
 */
export class Deadline {
  readonly #clock: Clock
  readonly #signal: AbortSignal | undefined
  #onEnd: ((why: DeadlineCause) => void) | undefined
  #timer: unknown

  private constructor(clock: Clock, options: CallOptions, onEnd: (why: DeadlineCause) => void) {
    this.#clock = clock
    const { signal, timeoutMs } = options
    this.#onEnd = onEnd
    this.#signal = signal
    if (signal !== undefined) {
      const all = BY_SIGNAL.get(signal) ?? new Set()
      BY_SIGNAL.set(signal, all.add(this))
      // A listener that is there already is not added again.
      signal.addEventListener('abort', Deadline.#onAbort)
    }
    if (timeoutMs !== undefined && timeoutMs !== Number.POSITIVE_INFINITY) {
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
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    const all = this.#signal && BY_SIGNAL.get(this.#signal)
    if (all?.delete(this) && all.size === 0) this.#signal?.removeEventListener('abort', Deadline.#onAbort)
  }

  static readonly #onAbort = ({ target }: Event): void => {
    for (const deadline of BY_SIGNAL.get(target as AbortSignal) ?? []) deadline.#end('aborted')
  }

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
  return new Promise((resolve, reject) => {
    const deadline = Deadline.start(clock, options, (why) => reject(makeError(why)))
    promise.then(resolve, reject).finally(() => deadline?.cancel())
  })
}
