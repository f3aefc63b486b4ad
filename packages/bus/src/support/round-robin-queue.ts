/**
 * What waits, by whom it is for: everybody's own come in order, and they take turns, so that whoever brings much
 * makes only himself wait.
 */
export class RoundRobinQueue<Item> {
  readonly #waiting = new Map<string, Item[]>()
  /** Senders that have something waiting; the next turn is the first one's. */
  #order: string[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  push(owner: string, item: Item): void {
    const items = this.#waiting.get(owner)
    if (items === undefined) {
      this.#waiting.set(owner, [item])
      this.#order.push(owner)
    } else items.push(item)
    this.#size++
  }

  /** Takes the first item of whose turn it is; his next turn comes after everybody else's. */
  take(): Item | undefined {
    const owner = this.#order.shift()
    if (owner === undefined) return undefined
    const items = this.#waiting.get(owner) ?? []
    const item = items.shift()
    if (items.length > 0) this.#order.push(owner)
    else this.#waiting.delete(owner)
    this.#size--
    return item
  }
}
