import type { Clock } from '../support/clock.js'

/** Time between two looks for requests whose time has come. */
const LOOK_MS = 500
/** Members that are busy answer late; what is sent again too soon is only more to do for them. */
const SHORTEST_PATIENCE_MS = 1000
const TIMES_AS_SLOW = 4
/** The slowest answer is taken to be this slow where none is known, and forgotten by a tenth with each one. */
const SUPPOSED_MS = 500
const FORGETTING = 0.9
/** Factor by which the wait of a request that is refused again and again may grow. */
const MAXIMUM_PUT_OFF = 4

/** The part of a waiting request by which it is sent again. */
export interface Repeatable {
  /** Moment of the next sending, by the monotonic clock; Infinity where it is not to be sent again. */
  nextAtMs: number
  /** Moment at which the server had taken it, by the monotonic clock. */
  handedOverAtMs: number
  repetitions: number
  /** Number of times it was refused for now. */
  refusals: number
}

/**
 * When requests without an answer are sent again: the member of the group that got one may have died with it, and
 * then nobody else gets it. At first after four times the slowest answer of late, then each time after twice as long,
 * until the deadline: nobody knows how long a server, or whoever serves, is away. One timer looks at all of them, for
 * most are answered before it comes round.
 */
export class Resending<Request extends Repeatable> {
  readonly #clock: Clock
  readonly #waiting: () => Iterable<Request>
  readonly #repeat: (request: Request) => void
  #slowestMs = SUPPOSED_MS
  #timer: unknown

  constructor(clock: Clock, waiting: () => Iterable<Request>, repeat: (request: Request) => void) {
    this.#clock = clock
    this.#waiting = waiting
    this.#repeat = repeat
  }

  /** The server has taken the request; from now on it may be lost. */
  handedOver(request: Request): void {
    // The answer may be here before the server's acknowledgement.
    if (request.refusals > 0) return
    request.handedOverAtMs = this.#clock.now()
    request.nextAtMs = request.handedOverAtMs + this.#patienceMs
    if (this.#timer === undefined) this.#schedule()
  }

  /**
   * It was refused for now, and is sent again after so long, or longer where that has happened before. False where that
   * would be too late.
   */
  putOff(request: Request, delayMs: number, dueAtMs: number): boolean {
    const nextAtMs = this.#clock.now() + delayMs * Math.min(2 ** request.refusals, MAXIMUM_PUT_OFF)
    if (nextAtMs >= dueAtMs) return false
    request.nextAtMs = nextAtMs
    request.refusals++
    request.repetitions = 0
    request.handedOverAtMs = 0
    if (this.#timer === undefined) this.#schedule()
    return true
  }

  /** An answer came. */
  answered({ handedOverAtMs, repetitions }: Request): void {
    // Nobody knows which of several was answered.
    if (repetitions > 0 || handedOverAtMs === 0) return
    const tookMs = this.#clock.now() - handedOverAtMs
    this.#slowestMs = Math.max(tookMs, this.#slowestMs * FORGETTING)
  }

  /** Nothing waits any more. */
  stop(): void {
    if (this.#timer === undefined) return
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  get #patienceMs(): number {
    return Math.max(SHORTEST_PATIENCE_MS, TIMES_AS_SLOW * this.#slowestMs)
  }

  #schedule(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#schedule()
      this.#look()
    }, LOOK_MS)
  }

  #look(): void {
    const nowMs = this.#clock.now()
    for (const request of this.#waiting()) {
      if (request.nextAtMs > nowMs) continue
      request.repetitions++
      request.nextAtMs = nowMs + this.#patienceMs * 2 ** request.repetitions
      this.#repeat(request)
    }
  }
}
