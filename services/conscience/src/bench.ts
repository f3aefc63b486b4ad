import { type Clock, Turns } from '@jamey/bus'

/** As long as this an evaluation may keep everything else in the process waiting, but for the rule that is at work. */
const SLICE_MS = 1

interface Hearing<Result> {
  readonly sender: string
  readonly steps: Iterator<undefined, Result>
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/**
 * Where evaluations are carried out, a few steps in a turn of the event loop. Long ones go on turn by turn; those who
 * ask take turns, whatever they ask for, so a short evaluation is done after at most one slice of everybody else's.
 */
export class Bench<Result> {
  readonly #turns = new Turns<Hearing<Result>>()
  readonly #clock: Clock
  #spentMs = 0
  #isResting = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves with what the steps return; rejects with what they throw. */
  hear(sender: string, steps: Iterator<undefined, Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#turns.push(sender, { sender, steps, resolve, reject })
      // What comes in one turn of the event loop shares one slice, which most often is long enough for all of it.
      this.#sit()
    })
  }

  #sit(): void {
    while (this.#spentMs < SLICE_MS) {
      const hearing = this.#turns.take()
      if (hearing === undefined) break
      const startMs = this.#clock.monotonicNow()
      this.#goOn(hearing, startMs)
      this.#spentMs += this.#clock.monotonicNow() - startMs
    }
    if (this.#isResting) return
    this.#isResting = true
    const goOn = (): void => {
      this.#isResting = false
      this.#spentMs = 0
      if (this.#turns.size > 0) this.#sit()
    }
    // A request passes through the event loop several times until it is answered: what is long rests for as long as
    // it has worked, so that those of others do not meet a slice each time.
    if (this.#turns.size > 0) this.#clock.setTimeout(goOn, Math.max(1, this.#spentMs))
    else setImmediate(goOn)
  }

  #goOn(hearing: Hearing<Result>, startMs: number): void {
    try {
      do {
        const { done, value } = hearing.steps.next()
        if (done === true) return hearing.resolve(value)
      } while (this.#clock.monotonicNow() - startMs + this.#spentMs < SLICE_MS)
    } catch (error) {
      return hearing.reject(error)
    }
    this.#turns.putBack(hearing.sender, hearing)
  }
}
