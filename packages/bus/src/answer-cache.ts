/** An answer as it was, or will be, published: kept so that a repeated request gets the same one. */
export interface Answer {
  readonly topic: string
  readonly bytes: Buffer
  readonly correlationData: Uint8Array | undefined
}

/** A request that was taken, for those who ask the same again. */
export interface TakenRequest {
  /** The latest deadline of all who asked; after it nobody waits. */
  deadline: number
  /** Settles when the answer was published or needs not be; rejects when it could not be. */
  published: Promise<void>
  isRunning: boolean
  answer: Answer | undefined
}

/** Deliveries are repeated with the next connection at the latest, long before this. */
const KEPT_AFTER_DEADLINE_MS = 300_000
/** What an entry costs beside its bytes, roughly. */
const ENTRY_BYTES = 300

export interface AnswerCacheLimits {
  readonly maximumAnswers: number
  readonly maximumBytes: number
}

/** Remembers what was asked and answered, the oldest first to go; a request in progress stays. */
export class AnswerCache {
  readonly #limits: AnswerCacheLimits
  readonly #requests = new Map<string, TakenRequest>()
  #bytes = 0

  constructor(limits: AnswerCacheLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#requests.size
  }

  get(key: string): TakenRequest | undefined {
    return this.#requests.get(key)
  }

  add(key: string, request: TakenRequest): void {
    this.#requests.set(key, request)
    this.#bytes += ENTRY_BYTES
  }

  /** Keeps the answer of a request that has been carried out, and makes room for it. */
  finish(key: string, request: TakenRequest, answer: Answer | undefined, nowMs: number): void {
    request.isRunning = false
    request.answer = answer
    // To the end of the order, for age counts from the answer.
    this.#requests.delete(key)
    this.#requests.set(key, request)
    this.#bytes += answer?.bytes.length ?? 0
    this.#evict(nowMs)
  }

  /** Forgets a request, so that asking again carries it out again. */
  remove(key: string, request: TakenRequest): void {
    if (this.#requests.get(key) !== request) return
    this.#requests.delete(key)
    this.#bytes -= ENTRY_BYTES + (request.answer?.bytes.length ?? 0)
  }

  #evict(nowMs: number): void {
    for (const [key, request] of this.#requests) {
      if (request.isRunning) continue
      const isOver =
        this.#requests.size > this.#limits.maximumAnswers || this.#bytes > this.#limits.maximumBytes
      if (!isOver && request.deadline + KEPT_AFTER_DEADLINE_MS > nowMs) return
      this.remove(key, request)
    }
  }
}
