import { Turns } from '../support/turns.js'

/** The requests of one action that are unanswered: who sent them, and which wait until others are done. */
export class ServingQueue {
  readonly #concurrency: number
  readonly #maximumPerSender: number
  readonly #unanswered = new Map<string, number>()
  readonly #waiting = new Turns<() => void>()
  #working = 0

  constructor(concurrency: number, maximumPerSender: number) {
    assertBound('concurrency', concurrency)
    assertBound('maximumPerSender', maximumPerSender)
    this.#concurrency = concurrency
    this.#maximumPerSender = maximumPerSender
  }

  /** False where the sender has as many unanswered as one may; true is followed by `leave`. */
  enter(sender: string): boolean {
    const count = this.#unanswered.get(sender) ?? 0
    if (count >= this.#maximumPerSender) return false
    this.#unanswered.set(sender, count + 1)
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

  leave(sender: string): void {
    const count = this.#unanswered.get(sender) ?? 0
    if (count > 1) this.#unanswered.set(sender, count - 1)
    else this.#unanswered.delete(sender)
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
