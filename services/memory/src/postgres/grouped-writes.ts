import { StorageError, type StorageErrorCode } from '../model/errors.js'

export interface GroupedWritesOptions<Item, Outcome> {
  /** Writes all of them in one transaction; resolves with what became of each once they are on the disk. */
  readonly write: (items: readonly Item[]) => Promise<readonly Outcome[]>
  /** Size of one item, in whatever unit `maximumGroupSize` is. */
  readonly sizeOf: (item: Item) => number
}

interface Waiting<Item, Outcome> {
  readonly item: Item
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: unknown) => void
}

const MAXIMUM_WAITING = 10_000
const MAXIMUM_GROUP = 500
const MAXIMUM_GROUP_SIZE = 4_194_304

/** These concern the one memory at fault; everything else would fail the same way for each of a group alone, only slower. */
const OF_ONE: ReadonlySet<StorageErrorCode> = new Set<StorageErrorCode>(['storage-failed'])

/** Writes that come while others are on their way to the disk share the next transaction. */
export class GroupedWrites<Item, Outcome> {
  readonly #options: GroupedWritesOptions<Item, Outcome>
  #waiting: Waiting<Item, Outcome>[] = []
  #working: Promise<void> | undefined

  constructor(options: GroupedWritesOptions<Item, Outcome>) {
    this.#options = options
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Resolves with what became of it once that is on the disk. */
  submit(item: Item): Promise<Outcome> {
    if (this.#waiting.length >= MAXIMUM_WAITING) {
      const message = `${MAXIMUM_WAITING} writes already wait for the database; try again later.`
      return Promise.reject(new StorageError('storage-overloaded', message))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      this.#working ??= this.#work()
    })
  }

  /** Resolves when everything that was submitted has settled. */
  async idle(): Promise<void> {
    while (this.#working !== undefined) await this.#working
  }

  async #work(): Promise<void> {
    // What comes in the same turn of the event loop goes along.
    await new Promise(setImmediate)
    while (this.#waiting.length > 0) await this.#write(this.#next())
    this.#working = undefined
  }

  #next(): Waiting<Item, Outcome>[] {
    let size = 0
    let count = 0
    for (const { item } of this.#waiting) {
      size += this.#options.sizeOf(item)
      if (count > 0 && (size > MAXIMUM_GROUP_SIZE || count === MAXIMUM_GROUP)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  async #write(group: readonly Waiting<Item, Outcome>[]): Promise<void> {
    try {
      const outcomes = await this.#options.write(group.map(({ item }) => item))
      for (const [i, { resolve }] of group.entries()) resolve(outcomes[i] as Outcome)
    } catch (error) {
      const isOfOne = !(error instanceof StorageError) || OF_ONE.has(error.code)
      // The transaction does not tell which of them it was.
      if (group.length > 1 && isOfOne) for (const one of group) await this.#write([one])
      else for (const { reject } of group) reject(error)
    }
  }
}
