interface Flushable {
  flush(): void
}

/** Gathers what one turn of the event loop writes, so that every connection makes one socket write of it. */
export class WriteBatcher {
  #pending: Flushable[] = []
  #isScheduled = false
  readonly #onEnd: () => void
  readonly #run = (): void => this.end()

  /** `onEnd` runs before anything is flushed. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd
  }

  /** `flush` is called once, at the end of this turn. */
  add(flushable: Flushable): void {
    this.#pending.push(flushable)
    this.request()
  }

  /** Has the turn end even if nothing is flushed. */
  request(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    // After all sockets that are readable now were read. [one write per turn]
    setImmediate(this.#run)
  }

  end(): void {
    this.#isScheduled = false
    this.#onEnd()
    const pending = this.#pending
    this.#pending = []
    for (const flushable of pending) flushable.flush()
  }
}
