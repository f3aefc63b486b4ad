import { type ReadonlySignal, signal } from '@preact/signals'
import { type ApiError, failureOf } from '../api/problem.js'
import { timeOfDay } from './now.js'

/** What was asked for, as of when, and what went wrong since: old data stay beside a new error. */
export interface Remote<T> {
  readonly data: T | undefined
  /** When `data` came, in milliseconds of the time of day. */
  readonly at: number | undefined
  readonly error: ApiError | undefined
}

const NOTHING: Remote<never> = { data: undefined, at: undefined, error: undefined }
/** Where a call fails, the next one waits up to this many intervals. */
const MAXIMUM_BACKOFF = 3

/** Asks again and again while it runs; one call at a time. */
export class Poll<T> {
  readonly #fetch: () => Promise<T>
  readonly #intervalMs: number
  readonly #remote = signal<Remote<T>>(NOTHING)
  #timer: ReturnType<typeof setTimeout> | undefined
  #isRunning = false
  #failures = 0
  /** Of a run that was stopped meanwhile nothing is taken. */
  #run = 0

  constructor(fetch: () => Promise<T>, intervalMs: number) {
    this.#fetch = fetch
    this.#intervalMs = intervalMs
  }

  get remote(): ReadonlySignal<Remote<T>> {
    return this.#remote
  }

  start(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#run += 1
    void this.#ask(this.#run)
  }

  /** Forgets what it knows: another viewer may see less. */
  stop(): void {
    this.#isRunning = false
    this.#run += 1
    this.#failures = 0
    clearTimeout(this.#timer)
    this.#remote.value = NOTHING
  }

  /** Asks at once. */
  refresh(): void {
    if (!this.#isRunning) return
    clearTimeout(this.#timer)
    this.#run += 1
    void this.#ask(this.#run)
  }

  /** Puts in its place what is known by now, as an answer just given; the next call corrects it. */
  revise(change: (data: T) => T): void {
    const { data } = this.#remote.value
    if (data !== undefined) this.#remote.value = { ...this.#remote.value, data: change(data) }
  }

  async #ask(run: number): Promise<void> {
    let next: Remote<T>
    try {
      next = { data: await this.#fetch(), at: timeOfDay(), error: undefined }
      this.#failures = 0
    } catch (error) {
      const problem = failureOf(error)
      next = { ...this.#remote.value, error: problem }
      this.#failures += 1
    }
    if (run !== this.#run) return
    this.#remote.value = next
    const pause = this.#intervalMs * Math.min(MAXIMUM_BACKOFF, Math.max(1, this.#failures))
    this.#timer = setTimeout(() => void this.#ask(run), pause)
  }
}
