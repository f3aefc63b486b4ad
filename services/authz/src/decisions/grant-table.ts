import type { Grant } from './grant.js'

/** Connections at once; beyond, the one that asked nothing for the longest time is forgotten. */
const MAXIMUM_GRANTS = 100_000
/** Looked at for each that comes, so that the table shrinks again without a timer. */
const SWEPT_AT_ONCE = 4

export interface GrantTableOptions {
  readonly most?: number | undefined
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** One connection: its grant, and that as the journal has it. */
export interface TableEntry {
  readonly grant: Grant
  readonly sealed: string
}

/**
 * What the connections of brokers that cannot carry a grant may do, by broker, scope and client identifier. A client
 * that connects again takes the place of itself, as it does at the broker.
 */
export class GrantTable {
  readonly #entries = new Map<string, TableEntry>()
  readonly #most: number
  readonly #now: () => number

  constructor({ most = MAXIMUM_GRANTS, now }: GrantTableOptions) {
    this.#most = most
    this.#now = now
  }

  get size(): number {
    return this.#entries.size
  }

  put(entry: TableEntry): void {
    const key = keyOf(entry.grant)
    this.#entries.delete(key)
    this.#sweep()
    if (this.#entries.size >= this.#most) this.#entries.delete(this.#entries.keys().next().value ?? '')
    this.#entries.set(key, entry)
  }

  /** The grant of a connection, expired or not; one that is asked for is not forgotten soon. */
  find(asker: Pick<Grant, 'broker' | 'scope' | 'clientId'>): Grant | undefined {
    const key = keyOf(asker)
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.grant
  }

  /** Entries that are in force. */
  *entries(): Generator<TableEntry> {
    for (const entry of this.#entries.values()) if (!this.#isOver(entry)) yield entry
  }

  /** Forgets those that asked nothing for the longest time. */
  #sweep(): void {
    let left = SWEPT_AT_ONCE
    for (const [key, entry] of this.#entries) {
      if (left-- === 0) return
      if (this.#isOver(entry)) this.#entries.delete(key)
    }
  }

  #isOver({ grant: { expiresAtMs } }: TableEntry): boolean {
    return expiresAtMs !== undefined && expiresAtMs <= this.#now()
  }
}

/** No identifier and no mountpoint can have a NUL, which MQTT forbids. [MQTT-1.5.4-2] */
function keyOf({ broker, scope, clientId }: Pick<Grant, 'broker' | 'scope' | 'clientId'>): string {
  return `${broker}\0${scope}\0${clientId}`
}
