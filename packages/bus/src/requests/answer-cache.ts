/** An answer as it was, or will be, published: kept so that a repeated request gets the same one. */
export interface Answer {
  readonly topic: string
  readonly action: string
  readonly correlationId: string
  readonly bytes: Buffer
  /** Correlation Data, its bytes as latin1 text. */
  readonly correlationData: string | undefined
}

/** A request that was taken, for those who ask the same again. */
export class TakenRequest {
  readonly key: string
  /** The latest deadline of all who asked, by the monotonic clock; after it nobody waits. */
  deadline: number
  /** While it runs: settles when the answer was published or needs not be; rejects when it could not be. */
  published: Promise<void> | undefined = undefined
  answer: Answer | undefined = undefined
  /** The neighbours among the finished, in the order of finishing. */
  older: TakenRequest | undefined = undefined
  newer: TakenRequest | undefined = undefined

  constructor(key: string, deadline: number) {
    this.key = key
    this.deadline = deadline
  }
}

/** Deliveries are repeated with the next connection at the latest, long before this. */
const KEPT_AFTER_DEADLINE_MS = 300_000
/** Bytes that an entry costs beside its answer, roughly. */
const ENTRY_BYTES = 300

export interface AnswerCacheLimits {
  readonly maximumAnswers: number
  readonly maximumBytes: number
}

/**
 * Remembers what was asked and answered, the oldest first to go; a request in progress stays. The finished are linked
 * in their order, since to look for the first member of a Map is to step over every one that was deleted before it.
 */
export class AnswerCache {
  readonly #limits: AnswerCacheLimits
  readonly #requests = new Map<string, TakenRequest>()
  #oldest: TakenRequest | undefined
  #newest: TakenRequest | undefined
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

  add(request: TakenRequest): void {
    this.#requests.set(request.key, request)
    this.#bytes += ENTRY_BYTES
  }

  /** Keeps the answer of a request that has been carried out, and makes room for it. Age counts from the answer. */
  finish(request: TakenRequest, answer: Answer | undefined, nowMs: number): void {
    request.published = undefined
    request.answer = answer
    request.older = this.#newest
    if (this.#newest === undefined) this.#oldest = request
    else this.#newest.newer = request
    this.#newest = request
    this.#bytes += answer?.bytes.length ?? 0
    this.#evict(nowMs)
  }

  /** Forgets a finished request, so that asking again carries it out again. */
  remove(request: TakenRequest): void {
    if (this.#requests.get(request.key) !== request) return
    this.#requests.delete(request.key)
    this.#bytes -= ENTRY_BYTES + (request.answer?.bytes.length ?? 0)
    const { older, newer } = request
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
    request.older = request.newer = undefined
  }

  #evict(nowMs: number): void {
    while (this.#oldest !== undefined) {
      const isOver =
        this.#requests.size > this.#limits.maximumAnswers || this.#bytes > this.#limits.maximumBytes
      if (!isOver && this.#oldest.deadline + KEPT_AFTER_DEADLINE_MS > nowMs) return
      this.remove(this.#oldest)
    }
  }
}
