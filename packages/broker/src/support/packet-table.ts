/** 0 is not a legal identifier. */
const MAXIMUM_IDENTIFIER = 65_535
const PAGE_BITS = 8
const PAGE_SLOTS = 1 << PAGE_BITS

/**
 * Packets in flight by packet identifier (1 to 65535), found by two array reads. Identifiers are used in turn, so
 * the ones in flight lie close together: pages that emptied are let go, and a session with ten packets in flight
 * holds one page, not room for 65535.
 */
export class PacketTable<T extends object> {
  readonly #pages: (Page<T> | undefined)[] = []
  #spare: Page<T> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get(packetIdentifier: number): T | undefined {
    return this.#pages[packetIdentifier >> PAGE_BITS]?.slots[packetIdentifier & (PAGE_SLOTS - 1)]
  }

  /** The first identifier from this one on, round and round, that is free; one must be. */
  freeFrom(packetIdentifier: number): number {
    let identifier = packetIdentifier
    while (this.get(identifier) !== undefined) {
      identifier = identifier === MAXIMUM_IDENTIFIER ? 1 : identifier + 1
    }
    return identifier
  }

  /** The identifier must be free. */
  set(packetIdentifier: number, packet: T): void {
    const index = packetIdentifier >> PAGE_BITS
    let page = this.#pages[index]
    if (page === undefined) {
      while (this.#pages.length <= index) this.#pages.push(undefined)
      page = this.#spare ?? new Page<T>()
      this.#spare = undefined
      this.#pages[index] = page
    }
    page.slots[packetIdentifier & (PAGE_SLOTS - 1)] = packet
    page.used++
    this.#size++
  }

  /** The identifier must be in use. */
  delete(packetIdentifier: number): void {
    const index = packetIdentifier >> PAGE_BITS
    const page = this.#pages[index]
    if (page === undefined) return
    page.slots[packetIdentifier & (PAGE_SLOTS - 1)] = undefined
    page.used--
    this.#size--
    if (page.used > 0) return
    this.#pages[index] = undefined
    this.#spare = page
  }

  clear(): void {
    this.#pages.length = 0
    this.#size = 0
  }

  /** Values by identifier, not by age. */
  *values(): IterableIterator<T> {
    for (const page of this.#pages) {
      if (page === undefined) continue
      for (const packet of page.slots) if (packet !== undefined) yield packet
    }
  }
}

class Page<T> {
  readonly slots: (T | undefined)[] = new Array<T | undefined>(PAGE_SLOTS).fill(undefined)
  used = 0
}
