import { guarded } from './guarded.js'
import type { StateChange } from './state.js'

/** Changes kept for an observer that does not look; with more the oldest go. */
const MAXIMUM_WAITING = 1000

/** Tells observers of state changes: called back at once, or asked for one after the other. */
export class StateStream {
  readonly #observers = new Set<(change: StateChange) => void>()
  readonly #onEnd = new Set<() => void>()
  #hasEnded = false

  tell(change: StateChange): void {
    for (const observer of [...this.#observers]) observer(change)
  }

  observe(observer: (change: StateChange) => void): () => void {
    const own = guarded(observer)
    this.#observers.add(own)
    return () => {
      this.#observers.delete(own)
    }
  }

  /** Ends all iterations once they have handed out what they hold. */
  end(): void {
    this.#hasEnded = true
    for (const onEnd of [...this.#onEnd]) onEnd()
    this.#observers.clear()
  }

  /** Starts with `present`. */
  async *iterate(present: StateChange): AsyncGenerator<StateChange, undefined> {
    const waiting: StateChange[] = [present]
    let wake = (): void => {}
    const stop = this.observe((change) => {
      waiting.push(change)
      if (waiting.length > MAXIMUM_WAITING) waiting.shift()
      wake()
    })
    const onEnd = (): void => wake()
    this.#onEnd.add(onEnd)
    try {
      for (;;) {
        const next = waiting.shift()
        if (next !== undefined) yield next
        else if (this.#hasEnded) return undefined
        else {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      }
    } finally {
      stop()
      this.#onEnd.delete(onEnd)
    }
  }
}
