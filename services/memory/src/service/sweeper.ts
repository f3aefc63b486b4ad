import type { Clock } from '@jamey/bus'

/** Calls `sweep` again and again, `intervalMs` after the last one ended; a failure does not end it. */
export class Sweeper {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #sweep: () => Promise<void>
  #timer: unknown
  #sweeping: Promise<void> = Promise.resolve()
  #isStopped = true

  constructor(clock: Clock, intervalMs: number, sweep: () => Promise<void>) {
    this.#clock = clock
    this.#intervalMs = intervalMs
    this.#sweep = sweep
  }

  /** The first sweep runs at once: what expired while nobody was here is due. */
  start(): void {
    this.#isStopped = false
    this.#run()
  }

  /** Resolves when a sweep that was under way has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#clock.clearTimeout(this.#timer)
    await this.#sweeping
  }

  #run(): void {
    this.#sweeping = this.#sweep().then(() => {
      if (!this.#isStopped) this.#timer = this.#clock.setTimeout(() => this.#run(), this.#intervalMs)
    })
  }
}
