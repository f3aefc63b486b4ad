import { StorageError } from '../model/errors.js'
import { FairQueue } from '../thread/fair-queue.js'

export interface FairTurnsOptions {
  /** Number of works that run at once. */
  readonly running: number
  /** Number of those that are of one sender. */
  readonly runningOfOne: number
  /** Number of waiting works from which on more are refused with 'storage-overloaded'. */
  readonly waiting: number
  /** Milliseconds from anywhere, for durations. */
  readonly clock: () => number
}

interface Waiting {
  readonly sender: string
  readonly begin: () => void
}

/** Has works wait for their turn, of which those senders come first whose works took the least time so far. */
export class FairTurns {
  readonly #options: FairTurnsOptions
  readonly #waiting = new FairQueue<Waiting>()
  readonly #runningOf = new Map<string, number>()
  #running = 0

  constructor(options: FairTurnsOptions) {
    this.#options = options
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Rejects with 'storage-overloaded', and with the reason of a signal that comes before its turn. */
  async run<T>(sender: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#turn(sender, signal)
    const begun = this.#options.clock()
    try {
      return await work()
    } finally {
      this.#waiting.charge(sender, this.#options.clock() - begun)
      this.#end(sender)
    }
  }

  async #turn(sender: string, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (this.#waiting.size >= this.#options.waiting) {
      const message = `${this.#options.waiting} requests already wait for the memory database; try again later.`
      throw new StorageError('storage-overloaded', message)
    }
    await new Promise<void>((resolve, reject) => {
      const giveUp = () => {
        this.#waiting.remove(sender, waiting)
        reject(signal?.reason)
      }
      const begin = () => {
        signal?.removeEventListener('abort', giveUp)
        resolve()
      }
      const waiting = { sender, begin }
      signal?.addEventListener('abort', giveUp, { once: true })
      this.#waiting.push(sender, waiting)
      this.#next()
    })
  }

  #next(): void {
    const { running, runningOfOne } = this.#options
    while (this.#running < running) {
      const next = this.#waiting.take((sender) => this.#runningBy(sender) < runningOfOne)
      if (next === undefined) return
      this.#running++
      this.#runningOf.set(next.sender, this.#runningBy(next.sender) + 1)
      next.begin()
    }
  }

  #end(sender: string): void {
    this.#running--
    const left = this.#runningBy(sender) - 1
    if (left === 0) this.#runningOf.delete(sender)
    else this.#runningOf.set(sender, left)
    this.#next()
  }

  #runningBy(sender: string): number {
    return this.#runningOf.get(sender) ?? 0
  }
}
