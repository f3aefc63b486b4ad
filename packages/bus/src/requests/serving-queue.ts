import { RoundRobinQueue } from '../support/round-robin-queue.js'

/** The requests of one action that are unanswered: who sent them, and which wait until others are done. */
export class ServingQueue {
  readonly #concurrency: number
  readonly #maximumPerSender: number
  readonly #maximumBytesPerSender: number
  readonly #unanswered = new Map<string, { count: number; bytes: number }>()
  readonly #waiting = new RoundRobinQueue<() => void>()
  #working = 0

  constructor(
    concurrency: number,
    maximumPerSender: number,
    maximumBytesPerSender = Number.POSITIVE_INFINITY,
  ) {
    assertBound('concurrency', concurrency)
    assertBound('maximumPerSender', maximumPerSender)
    assertBound('maximumBytesPerSender', maximumBytesPerSender)
    this.#concurrency = concurrency
    this.#maximumPerSender = maximumPerSender
    this.#maximumBytesPerSender = maximumBytesPerSender
  }

  /** False where the sender has as many unanswered as one may; true is followed by `leave`. One always may. */
  enter(sender: string, bytes: number): boolean {
    const own = this.#unanswered.get(sender)
    if (own === undefined) {
      this.#unanswered.set(sender, { count: 1, bytes })
      return true
    }
    if (own.count >= this.#maximumPerSender || own.bytes + bytes > this.#maximumBytesPerSender) return false
    own.count++
    own.bytes += bytes
    return true
  }

  /** Undefined where work may begin at once, else a promise for when it may. Each is followed by `end`. */
  begin(sender: string): Promise<void> | undefined {
    if (this.#working < this.#concurrency) {
      this.#working++
      return undefined
    }
    return new Promise((resolve) => {
      this.#waiting.push(sender, resolve)
    })
  }

  leave(sender: string, bytes: number): void {
    const own = this.#unanswered.get(sender)
    if (own === undefined) return
    own.count--
    own.bytes -= bytes
    if (own.count === 0) this.#unanswered.delete(sender)
  }

  /** Work is done: who waits next begins. */
  end(): void {
    const next = this.#waiting.take()
    if (next === undefined) this.#working--
    else next()
  }
}

function assertBound(name: string, value: number): void {
  if (value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && value > 0)) return
  throw new RangeError(`${name} must be a whole number from 1 on, or Infinity; it is ${value}.`)
}
