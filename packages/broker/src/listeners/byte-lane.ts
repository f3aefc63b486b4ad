import { CopySlab } from '../support/copy-slab.js'

/** The one who gets the bytes of a lane. */
export interface LaneReader {
  onData(chunk: Uint8Array): void
  /** Nothing more comes. */
  onEnd(): void
}

/**
 * Bytes on their way to somebody else in this process, in order, each copied: the two sides share no memory. They arrive
 * when what is being done is done, and before the event loop looks at sockets again. Who writes is told when what had to
 * wait was taken, in a later turn: so nobody keeps a turn going for ever.
 */
export class ByteLane {
  readonly #reader: LaneReader
  readonly #fullFromBytes: number
  readonly #onDrain: () => void
  readonly #copies = new CopySlab()
  #chunks: Uint8Array[] = []
  #bytes = 0
  #state: 'open' | 'ending' | 'over' = 'open'
  #isPaused = false
  #isScheduled = false
  #isFull = false
  /** Bytes had to wait, so that `onDrain` is due when all have been taken. */
  #isDrainDue = false

  /** From `fullFromBytes` on that were not taken, who writes has to wait. `onDrain`: all that had to wait was taken. */
  constructor(reader: LaneReader, fullFromBytes: number, onDrain: () => void) {
    this.#reader = reader
    this.#fullFromBytes = fullFromBytes
    this.#onDrain = onDrain
  }

  /** Bytes that were written and wait; what is taken as soon as this turn is done is as good as taken. */
  get waitingBytes(): number {
    return this.#isDrainDue || this.#isPaused ? this.#bytes : 0
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** False asks to wait for `onDrain`. */
  write(chunk: Uint8Array): boolean {
    if (this.#state !== 'open' || chunk.length === 0) return true
    this.#chunks.push(this.#copies.copy(chunk))
    this.#bytes += chunk.length
    if (this.#bytes >= this.#fullFromBytes) this.#isFull = true
    if (this.#isFull || this.#isPaused) this.#isDrainDue = true
    this.#schedule()
    return !this.#isFull
  }

  /** Ends behind what was written. */
  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.#schedule()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    if (this.#chunks.length > 0 || this.#state === 'ending') this.#schedule()
  }

  /** Nobody is told anything more. */
  cut(): void {
    this.#state = 'over'
    this.#chunks = []
    this.#bytes = 0
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isPaused || this.#state === 'over') return
    this.#isScheduled = true
    process.nextTick(this.#deliver)
  }

  readonly #deliver = (): void => {
    this.#isScheduled = false
    const chunks = this.#chunks
    let taken = 0
    while (!this.#isPaused && taken < chunks.length) {
      const chunk = chunks[taken++] as Uint8Array
      this.#bytes -= chunk.length
      this.#reader.onData(chunk)
      // Cut meanwhile.
      if (this.#chunks !== chunks) return
    }
    chunks.splice(0, taken)
    if (chunks.length > 0) {
      this.#isDrainDue = true
      return
    }
    if (this.#isDrainDue) setImmediate(this.#drain)
    this.#isDrainDue = this.#isFull = false
    if (this.#state !== 'ending' || this.#isPaused) return
    this.#state = 'over'
    this.#reader.onEnd()
  }

  readonly #drain = (): void => {
    if (this.#state !== 'over') this.#onDrain()
  }
}
