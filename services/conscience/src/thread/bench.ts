import type { Progress } from './progress.js'

/** For as long as this a sender's evaluations may keep the others' waiting, but for the rule that is at work. */
const SLICE_MS = 1
/** No rule takes longer: what does was kept waiting by the machine, and owes nobody anything. */
const MOST_OWED_MS = 4

interface Hearing {
  readonly id: number
  readonly steps: Iterator<undefined, void>
}

interface Docket {
  readonly hearings: Hearing[]
  /** How much longer than a slice its turns took, which later ones make up for. */
  owedMs: number
}

/**
 * Where evaluations are carried out. Senders take turns, so a short one waits for at most one slice of each other
 * sender's; one sender's own are done one after the other.
 */
export class Bench {
  readonly #progress: Progress
  readonly #now: () => number
  /** By sender; the first one's turn is next. */
  readonly #dockets = new Map<string, Docket>()

  /** `now`: milliseconds on a clock that never goes back. */
  constructor(progress: Progress, now = () => performance.now()) {
    this.#progress = progress
    this.#now = now
  }

  /** The steps are to tell their result themselves, and not to throw. */
  hear(sender: string, id: number, steps: Iterator<undefined, void>): void {
    const docket = this.#dockets.get(sender)
    if (docket !== undefined) return void docket.hearings.push({ id, steps })
    this.#dockets.set(sender, { hearings: [{ id, steps }], owedMs: 0 })
    if (this.#dockets.size === 1) setImmediate(this.#sit)
  }

  /** One slice in a turn of the event loop, so that what is asked meanwhile is heard after it. */
  readonly #sit = (): void => {
    const [next] = this.#dockets
    if (next === undefined) return
    const [sender, docket] = next
    this.#dockets.delete(sender)
    this.#work(docket)
    if (docket.hearings.length > 0) this.#dockets.set(sender, docket)
    if (this.#dockets.size > 0) setImmediate(this.#sit)
  }

  #work(docket: Docket): void {
    const isAlone = this.#dockets.size === 0
    if (!isAlone && docket.owedMs >= SLICE_MS) {
      docket.owedMs -= SLICE_MS
      return
    }
    const startMs = this.#now()
    const endMs = startMs + SLICE_MS - (isAlone ? 0 : docket.owedMs)
    this.#workUntil(endMs, docket.hearings)
    docket.owedMs = Math.min(Math.max(0, this.#now() - endMs), MOST_OWED_MS)
  }

  #workUntil(endMs: number, hearings: Hearing[]): void {
    for (let [hearing] = hearings; hearing !== undefined; [hearing] = hearings) {
      this.#progress.begin(hearing.id)
      let isDone: boolean
      do isDone = hearing.steps.next().done === true
      while (!isDone && this.#now() < endMs)
      this.#progress.end()
      if (isDone) hearings.shift()
      if (this.#now() >= endMs) return
    }
  }
}
