/** Senders whose share is remembered after they have left; more than ever wait at once. */
const MAXIMUM_REMEMBERED = 1000

/**
 * What waits, by who sent it. Next comes a sender whose work has cost least so far, so that whoever asks for much, in
 * number or in size, waits behind himself. Nothing is saved up: who comes, or comes back, begins where the others are.
 */
export class FairQueue<Item> {
  readonly #waiting = new Map<string, Item[]>()
  readonly #spent = new Map<string, number>()
  /** The cost that the sender of the last turn had spent before it. */
  #level = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  push(sender: string, item: Item): void {
    const items = this.#waiting.get(sender)
    this.#size++
    if (items !== undefined) return void items.push(item)
    this.#waiting.set(sender, [item])
    this.#spent.set(sender, Math.max(this.#spent.get(sender) ?? 0, this.#level))
  }

  /** Takes the first item of whose turn it is among those that `may` have one now. */
  take(may: (sender: string) => boolean): Item | undefined {
    let next: string | undefined
    let least = Number.POSITIVE_INFINITY
    for (const sender of this.#waiting.keys()) {
      const spent = this.#spent.get(sender) ?? 0
      if (spent >= least || !may(sender)) continue
      least = spent
      next = sender
    }
    if (next === undefined) return undefined
    this.#level = Math.max(this.#level, least)
    const items = this.#waiting.get(next) ?? []
    const item = items.shift()
    if (items.length === 0) this.#waiting.delete(next)
    this.#size--
    return item
  }

  /** Charges a sender for its turn, in whatever unit all are measured in. */
  charge(sender: string, cost: number): void {
    this.#spent.set(sender, (this.#spent.get(sender) ?? this.#level) + cost)
    if (this.#spent.size > MAXIMUM_REMEMBERED) this.#forget()
  }

  remove(sender: string, item: Item): void {
    const items = this.#waiting.get(sender)
    const at = items?.indexOf(item) ?? -1
    if (items === undefined || at < 0) return
    items.splice(at, 1)
    this.#size--
    if (items.length === 0) this.#waiting.delete(sender)
  }

  /** Takes all of them out. */
  clear(): Item[] {
    const all = [...this.#waiting.values()].flat()
    this.#waiting.clear()
    this.#size = 0
    return all
  }

  /** Forgets senders that would begin where the others are, if they came back. */
  #forget(): void {
    for (const [sender, spent] of this.#spent) {
      if (spent <= this.#level && !this.#waiting.has(sender)) this.#spent.delete(sender)
    }
  }
}
