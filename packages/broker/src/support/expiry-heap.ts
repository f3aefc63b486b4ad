interface Expiring {
  /** Moment by the monotonic clock. */
  readonly expiresAtMs: number
}

/**
 * A heap of what expires, the first to do so in front; entries that no longer matter stay until their turn or
 * `keepOnly`.
 */
export class ExpiryHeap<T extends Expiring> {
  #heap: T[] = []

  get size(): number {
    return this.#heap.length
  }

  get first(): T | undefined {
    return this.#heap[0]
  }

  push(item: T): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(item)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as T
      if (above.expiresAtMs <= item.expiresAtMs) break
      heap[at] = above
      at = parent
    }
    heap[at] = item
  }

  /** Takes out the first. */
  shift(): T | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right !== undefined && right.expiresAtMs < (heap[child] as T).expiresAtMs) child++
      const below = heap[child] as T
      if (below.expiresAtMs >= last.expiresAtMs) break
      heap[at] = below
      at = child
    }
    heap[at] = last
    return first
  }

  keepOnly(matters: (item: T) => boolean): void {
    const kept = this.#heap.filter(matters)
    this.#heap = []
    for (const item of kept) this.push(item)
  }
}
