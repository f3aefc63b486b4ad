import type { StateChange } from '../model/state.js'
import { guarded } from '../support/guarded.js'

/** Tells observers of state changes at once; `iterate` is for those who ask for one after the other. */
export class StateStream {
  /** Observers of states, each with the function that tells it that nothing more comes. */
  readonly #observers = new Map<(change: StateChange) => void, () => void>()

  hasEnded = false

  tell(change: StateChange): void {
    for (const observer of [...this.#observers.keys()]) observer(change)
  }

  observe(observer: (change: StateChange) => void, onEnd = (): void => {}): () => void {
    const own = guarded(observer)
    this.#observers.set(own, onEnd)
    return () => {
      this.#observers.delete(own)
    }
  }

  end(): void {
    this.hasEnded = true
    const observers = [...this.#observers.values()]
    this.#observers.clear()
    for (const onEnd of observers) onEnd()
  }
}
