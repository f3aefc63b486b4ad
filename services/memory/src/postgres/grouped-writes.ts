import { StorageError, type StorageErrorCode } from '../model/errors.js'
import { FairQueue } from '../thread/fair-queue.js'

export interface GroupedWritesOptions<Item, Outcome> {
  /** Writes all of them in one transaction; resolves with what became of each once they are on the disk. */
  readonly write: (items: readonly Item[]) => Promise<readonly Outcome[]>
  /** Bytes of one item. */
  readonly sizeOf: (item: Item) => number
  /** Whose item it is: senders take turns. */
  readonly senderOf: (item: Item) => string
}

interface Waiting<Item, Outcome> {
  readonly item: Item
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: unknown) => void
}

const MAXIMUM_WAITING = 10_000
const MAXIMUM_GROUP = 500
/** A group of so many bytes takes no more in. */
const MAXIMUM_GROUP_SIZE = 4_194_304
/** What an item costs its sender beside its bytes. */
const ITEM_COST = 2048

/** These concern the one memory at fault; everything else would fail the same way for each of a group alone, only slower. */
const OF_ONE: ReadonlySet<StorageErrorCode> = new Set<StorageErrorCode>(['storage-failed'])

/** Writes that come while others are on their way to the disk share the next transaction. */
export class GroupedWrites<Item, Outcome> {
  readonly #options: GroupedWritesOptions<Item, Outcome>
  readonly #waiting = new FairQueue<Waiting<Item, Outcome>>()
  #working: Promise<void> | undefined

  constructor(options: GroupedWritesOptions<Item, Outcome>) {
    this.#options = options
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Resolves with what became of it once that is on the disk. */
  submit(item: Item): Promise<Outcome> {
    if (this.#waiting.size >= MAXIMUM_WAITING) {
      const message = `${MAXIMUM_WAITING} writes already wait for the database; try again later.`
      return Promise.reject(new StorageError('storage-overloaded', message))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push(this.#options.senderOf(item), { item, resolve, reject })
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
    while (this.#waiting.size > 0) await this.#write(this.#next())
    this.#working = undefined
  }

  #next(): Waiting<Item, Outcome>[] {
    const { sizeOf, senderOf } = this.#options
    const group: Waiting<Item, Outcome>[] = []
    for (let size = 0; size < MAXIMUM_GROUP_SIZE && group.length < MAXIMUM_GROUP; ) {
      const next = this.#waiting.take(() => true)
      if (next === undefined) break
      size += sizeOf(next.item)
      this.#waiting.charge(senderOf(next.item), ITEM_COST + sizeOf(next.item))
      group.push(next)
    }
    return group
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
