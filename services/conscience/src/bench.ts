import type { Progress } from './progress.js'

/** For as long as this an evaluation may keep the others waiting, but for the rule that is at work. */
const SLICE_MS = 1

interface Hearing {
  readonly id: number
  readonly steps: Iterator<undefined, void>
}

/** Where evaluations are carried out: they take turns, so a short one waits for at most one slice of each other. */
export class Bench {
  readonly #progress: Progress
  readonly #now: () => number
  readonly #hearings: Hearing[] = []

  /** `now`: milliseconds on a clock that never goes back. */
  constructor(progress: Progress, now = () => performance.now()) {
    this.#progress = progress
    this.#now = now
  }

  /** The steps are to tell their result themselves, and not to throw. */
  hear(id: number, steps: Iterator<undefined, void>): void {
    this.#hearings.push({ id, steps })
    if (this.#hearings.length === 1) setImmediate(this.#sit)
  }

  /** One slice in a turn of the event loop, so that what is asked meanwhile is heard after it. */
  readonly #sit = (): void => {
    const [hearing] = this.#hearings
    if (hearing === undefined) return
    this.#progress.begin(hearing.id)
    const isDone = this.#goOn(hearing)
    this.#progress.end()
    this.#hearings.shift()
    if (!isDone) this.#hearings.push(hearing)
    if (this.#hearings.length > 0) setImmediate(this.#sit)
  }

  #goOn({ steps }: Hearing): boolean {
    const endMs = this.#now() + SLICE_MS
    do {
      if (steps.next().done === true) return true
    } while (this.#now() < endMs)
    return false
  }
}
