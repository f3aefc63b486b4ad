const NOTHING = 0
const ID = 0
const BEATS = 1

/**
 * The work that a thread is at, in memory that others can look into while it is at work, and after it has ended.
 * Identifiers are whole numbers above 0.
 */
export class Progress {
  readonly buffer: SharedArrayBuffer
  readonly #cells: Int32Array

  constructor(buffer = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer
    this.#cells = new Int32Array(buffer)
  }

  begin(id: number): void {
    Atomics.store(this.#cells, ID, id)
    Atomics.add(this.#cells, BEATS, 1)
  }

  end(): void {
    Atomics.store(this.#cells, ID, NOTHING)
  }

  /** Undefined: nothing. */
  get id(): number | undefined {
    return Atomics.load(this.#cells, ID) || undefined
  }

  /** Grows (and wraps around) with everything that is begun. */
  get beats(): number {
    return Atomics.load(this.#cells, BEATS)
  }
}
