interface Flushable {
  flush(): void
}

/** Whom it concerns that a turn ends. */
interface TurnObserver {
  beforeFlush(): void
  afterFlush(): void
}

/** Gathers what one turn of the event loop writes, so that every connection makes one socket write of it. */
export class WriteBatcher {
  #pending: Flushable[] = []
  #isScheduled = false
  readonly #observer: TurnObserver
  readonly #run = (): void => this.end()

  constructor(observer: TurnObserver) {
    this.#observer = observer
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
    // Immediates run after all sockets that are readable now were read, so there is one write per turn.
    setImmediate(this.#run)
  }

  end(): void {
    this.#isScheduled = false
    this.#observer.beforeFlush()
    const pending = this.#pending
    this.#pending = []
    for (const flushable of pending) flushable.flush()
    this.#observer.afterFlush()
  }
}
