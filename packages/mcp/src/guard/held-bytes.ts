/** Counts what is held for others, so that whoever brings more can be made to wait. */
export class HeldBytes {
  readonly #maximum: number
  #held = 0
  #waiting: (() => void)[] = []

  constructor(maximum: number) {
    this.#maximum = maximum
  }

  get isFull(): boolean {
    return this.#held >= this.#maximum
  }

  take(bytes: number): void {
    this.#held += bytes
  }

  release(bytes: number): void {
    this.#held -= bytes
    if (this.isFull) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const go of waiting) go()
  }

  /** Resolves when there is room again. */
  async room(): Promise<void> {
    while (this.isFull) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}
