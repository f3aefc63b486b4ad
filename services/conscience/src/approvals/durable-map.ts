/** Records that a map is kept in; `openRecordStore` of `@jamey/store` has them on disk. */
export interface DurableRecords {
  records(): Iterable<
    { readonly key: string; readonly value: Uint8Array } | { readonly key: string; readonly error: Error }
  >
  /** All of the changes are durable when it resolves, and none of them where it rejects. */
  commit(changes: readonly { readonly key: string; readonly value: Uint8Array | undefined }[]): Promise<void>
  close(): Promise<void>
}

/** How values are written, and who is told of what changes in memory. */
export interface DurableMapParts<Value> {
  readonly records: DurableRecords
  readonly encode: (value: Value) => Uint8Array
  readonly onChange: (before: Value | undefined, after: Value | undefined) => void
}

/** Changes that are committed together. */
class ChangeBatch<Value> {
  /** The value that stood under each key before. */
  readonly before = new Map<string, Value | undefined>()
  readonly done: Promise<void>
  resolve: () => void = () => {}
  reject: (error: unknown) => void = () => {}

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    // Each of those who asked for a change waits for it; together they hear of a failure once.
    this.done.catch(() => {})
  }
}

/**
 * A map that is read as it was last asked to be, and whose changes are on disk once their promise resolves. Changes that
 * are asked for while others are written are written together, after them. Where a commit fails, the map is again as the
 * disk has it, and all that was asked for since fails as well, since it may have been decided by what never came to be.
 */
export class DurableMap<Value> {
  readonly #parts: DurableMapParts<Value>
  readonly #values = new Map<string, Value>()
  #open: ChangeBatch<Value> | undefined
  /** It is being committed. */
  #current: ChangeBatch<Value> | undefined
  #writing: Promise<void> | undefined

  constructor(parts: DurableMapParts<Value>, values: Iterable<readonly [string, Value]>) {
    this.#parts = parts
    for (const [key, value] of values) this.#put(key, value)
  }

  get size(): number {
    return this.#values.size
  }

  get(key: string): Value | undefined {
    return this.#values.get(key)
  }

  /** In the order in which the keys came. */
  values(): IterableIterator<Value> {
    return this.#values.values()
  }

  /** Removes the key where `value` is undefined. */
  set(key: string, value: Value | undefined): Promise<void> {
    this.#open ??= new ChangeBatch()
    const { before, done } = this.#open
    if (!before.has(key)) before.set(key, this.#values.get(key))
    this.#put(key, value)
    this.#writing ??= this.#write()
    return done
  }

  /** Resolves once what is read now is on disk; rejects where it is not to be. */
  async durable(): Promise<void> {
    await (this.#open ?? this.#current)?.done
  }

  /** Ends when all that was asked for is written, and closes what it is kept in. */
  async close(): Promise<void> {
    await this.#writing
    await this.#parts.records.close()
  }

  async #write(): Promise<void> {
    // All that is asked for in this turn goes with it.
    await Promise.resolve()
    for (let batch = this.#open; batch !== undefined; batch = this.#open) {
      this.#open = undefined
      this.#current = batch
      try {
        await this.#parts.records.commit([...batch.before.keys()].map((key) => this.#changeOf(key)))
        batch.resolve()
      } catch (error) {
        this.#takeBack(batch, error)
      }
    }
    this.#current = undefined
    this.#writing = undefined
  }

  #changeOf(key: string): { key: string; value: Uint8Array | undefined } {
    const value = this.#values.get(key)
    return { key, value: value === undefined ? undefined : this.#parts.encode(value) }
  }

  /** The later one first, so that what stood before the earlier one stands in the end. */
  #takeBack(failed: ChangeBatch<Value>, error: unknown): void {
    const batches = this.#open === undefined ? [failed] : [this.#open, failed]
    this.#open = undefined
    for (const { before } of batches) {
      for (const [key, value] of before) this.#put(key, value)
    }
    for (const { reject } of batches.reverse()) reject(error)
  }

  #put(key: string, value: Value | undefined): void {
    const before = this.#values.get(key)
    if (value === undefined) this.#values.delete(key)
    else this.#values.set(key, value)
    this.#parts.onChange(before, value)
  }
}
