import type { Gauge } from '../kit/gauge.js'

/** Told how it went with one message; made once and used for many, so that the load costs no closures. */
export interface Settling {
  readonly onSettled: () => void
  readonly onFailed: (error: unknown) => void
  /** Both in one, as Node's callbacks have it. */
  readonly callback: (error?: unknown) => void
}

/** One of the messages in flight. */
export interface Slot extends Settling {
  readonly index: number
}

/**
 * After so many messages the event loop gets a turn, whatever the client does. MQTT.js at QoS 0 calls back at once or
 * from `drain`, which Node emits before timers and input get theirs: a loop of publishes that waits for nothing else
 * starves the whole process for minutes while the receiver keeps up.
 */
const PER_TURN = 5000

/** Keeps `window` messages in flight: as soon as one has settled, `start` is called for the next one. */
export class Driver {
  /** Messages begun, and messages settled. */
  started = 0
  settled = 0
  failure: unknown
  readonly #gauge: Gauge
  readonly #start: (slot: Slot) => void
  readonly #slots: DrivenSlot[] = []
  readonly #free: DrivenSlot[] = []
  #untilTimed = 0
  #untilTurn = PER_TURN
  /** Free slots are being filled, or will be in the next turn. */
  #isIssuing = false
  #isStopped = false
  #onIdle: (() => void) | undefined

  constructor(gauge: Gauge, window: number, start: (slot: Slot) => void) {
    this.#gauge = gauge
    this.#start = start
    for (let i = 0; i < window; i++) this.#slots.push(new DrivenSlot(i, this))
  }

  begin(): void {
    this.#free.push(...this.#slots)
    this.#issue()
  }

  /** Begins nothing more; resolves when everything has settled. Rejects with what went wrong first. */
  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.settled < this.started && this.failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve
      })
    }
    if (this.failure !== undefined) throw this.failure
  }

  /** Whether this message is to be timed. */
  isTimed(): boolean {
    const { timedShare } = this.#gauge
    if (timedShare === Number.POSITIVE_INFINITY || --this.#untilTimed > 0) return false
    this.#untilTimed = timedShare
    return true
  }

  onSettled(slot: DrivenSlot): void {
    if (slot.startedAt !== 0) this.#gauge.time(performance.now() - slot.startedAt)
    this.#gauge.tick()
    this.settled++
    if (this.#isStopped) {
      if (this.settled === this.started) this.#onIdle?.()
      return
    }
    this.#free.push(slot)
    if (!this.#isIssuing) this.#issue()
  }

  /** The run is over: whoever waits for it is told. */
  fail(error: unknown): void {
    this.failure ??= error ?? new Error('failed without a reason')
    this.#isStopped = true
    this.#onIdle?.()
  }

  /** A message may settle while it is begun (MQTT.js at QoS 0 does so), which must not become a recursion. */
  #issue(): void {
    this.#isIssuing = true
    while (!this.#isStopped) {
      const slot = this.#free.pop()
      if (slot === undefined) break
      this.started++
      slot.startedAt = this.isTimed() ? performance.now() : 0
      this.#start(slot)
      if (--this.#untilTurn > 0) continue
      this.#untilTurn = PER_TURN
      setImmediate(() => this.#issue())
      return
    }
    this.#isIssuing = false
  }
}

class DrivenSlot implements Slot {
  readonly index: number
  /** 0 where it is not timed. */
  startedAt = 0
  readonly onSettled: () => void
  readonly onFailed: (error: unknown) => void
  readonly callback: (error?: unknown) => void

  constructor(index: number, driver: Driver) {
    this.index = index
    this.onSettled = () => driver.onSettled(this)
    this.onFailed = (error) => driver.fail(error)
    this.callback = (error) => (error == null ? driver.onSettled(this) : driver.fail(error))
  }
}
