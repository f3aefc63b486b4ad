import { ReasonCode } from '@jamey/protocol'
import type { Clock } from '../support/clock.js'
import type { Context } from '../support/context.js'
import { Deadline } from '../support/deadline.js'
import type { Persistence } from './persistence.js'

/** A failed commit is tried again after this, then after twice as long, and so on. */
const FIRST_RETRY_MS = 100
const MAXIMUM_RETRY_MS = 2_000
/** Time that clients wait for a store that fails; then they are told. */
const PATIENCE_MS = 10_000
/** Time between two looks at a store that nobody asks for anything. */
const WATCH_MS = 2_000
/** A disk that fails may have spoiled very many. */
const MAXIMUM_DAMAGE_LINES = 20

/**
 * What a client is told: in PUBACK and PUBREC by a code that says nothing of how much it publishes, since to publish
 * less would help nobody; in DISCONNECT by one after which it just comes back.
 */
export interface StoreRefusal {
  readonly publishCode: number
  readonly disconnectCode: number
  readonly reasonString: string
}

const disconnectCode = ReasonCode.serverBusy
const FULL: StoreRefusal = {
  publishCode: ReasonCode.implementationSpecificError,
  disconnectCode,
  reasonString: 'the disk of the server is full',
}
const BROKEN: StoreRefusal = {
  publishCode: ReasonCode.unspecifiedError,
  disconnectCode,
  reasonString: 'the store of the server cannot write',
}

interface Failing {
  readonly sinceMs: number
  readonly code: unknown
  retryMs: number
  /** Settles when the store is well again, or the patience is at its end. */
  readonly decided: Promise<void>
  readonly onDecided: () => void
}

/**
 * Whether the store keeps what it is given. While it does not, nothing is acknowledged that is not safe: for some
 * seconds clients wait for it, then they are told, until it is well again. The log has one line when it begins, one
 * when it ends, and one whenever the reason is another.
 */
export class StoreHealth {
  readonly #context: Context
  readonly #persistence: Persistence
  readonly #clock: Clock
  readonly #next: Deadline
  #failing: Failing | undefined
  #isWatched: boolean

  /** `retry` is called for a commit that failed. */
  constructor(context: Context, persistence: Persistence, retry: () => void) {
    this.#context = context
    this.#persistence = persistence
    this.#clock = context.clock
    this.#isWatched = persistence.isCheckable
    this.#next = new Deadline(context.clock, () => (this.#failing === undefined ? this.#watch() : retry()))
    this.#armWatch()
  }

  get isFailing(): boolean {
    return this.#failing !== undefined
  }

  /** Seconds; 0 where it is well. */
  get failingSeconds(): number {
    if (this.#failing === undefined) return 0
    return Math.ceil((this.#clock.now() - this.#failing.sinceMs) / 1000)
  }

  /** Settles when `refusal` or `isFailing` changes. */
  get decided(): Promise<void> {
    return this.#failing?.decided ?? Promise.resolve()
  }

  /** The refusal for clients, once they have waited long enough; undefined before. */
  get refusal(): StoreRefusal | undefined {
    const failing = this.#failing
    if (failing === undefined || this.#clock.now() - failing.sinceMs < PATIENCE_MS) return undefined
    return failing.code === 'full' ? FULL : BROKEN
  }

  onCommitted(): void {
    const failing = this.#failing
    if (failing === undefined) return
    this.#context.log.info(
      { event: 'broker.store.recovered', failedForMs: this.#clock.now() - failing.sinceMs },
      'the store commits again',
    )
    this.#failing = undefined
    failing.onDecided()
    this.#armWatch()
  }

  onFailed(error: unknown): void {
    const { code } = error as { code?: unknown }
    const former = this.#failing
    if (former === undefined) this.#context.counters.storeFailures++
    if (former === undefined || former.code !== code) {
      this.#context.log.error(
        { event: 'broker.store.failing', err: error },
        'the store cannot commit; nothing is acknowledged until it can',
      )
    }
    let onDecided = (): void => {}
    const decided = new Promise<void>((resolve) => {
      onDecided = resolve
    })
    const sinceMs = former?.sinceMs ?? this.#clock.now()
    const retryMs = Math.min(2 * (former?.retryMs ?? FIRST_RETRY_MS / 2), MAXIMUM_RETRY_MS)
    this.#failing = { decided, onDecided, ...former, code, sinceMs, retryMs }
    if (this.refusal !== undefined) this.#failing.onDecided()
    const nowMs = this.#clock.now()
    const patienceEndsAtMs = sinceMs + PATIENCE_MS
    const isPatient = nowMs < patienceEndsAtMs
    this.#next.set(isPatient ? Math.min(nowMs + retryMs, patienceEndsAtMs) : nowMs + retryMs)
  }

  /** Logs and counts what the store has quarantined. */
  noteDamage(): void {
    const { counters, log } = this.#context
    const damage = this.#persistence.takeDamage()
    counters.damagedRecords += damage.length
    for (const err of damage.slice(0, MAXIMUM_DAMAGE_LINES)) {
      log.error(
        { event: 'broker.store.quarantined', err },
        'the store holds what cannot be read; it was quarantined',
      )
    }
    const leftOut = damage.length - MAXIMUM_DAMAGE_LINES
    if (leftOut > 0)
      log.error({ event: 'broker.store.left_out', leftOut }, 'left out lines about what cannot be read')
  }

  stop(): void {
    this.#isWatched = false
    this.#next.clear()
  }

  #watch(): void {
    try {
      this.#persistence.check()
      this.noteDamage()
      this.#armWatch()
    } catch (error) {
      this.onFailed(error)
    }
  }

  #armWatch(): void {
    if (this.#isWatched) this.#next.set(this.#clock.now() + WATCH_MS)
    else this.#next.clear()
  }
}
