import type { PublishResult } from '../model/options.js'
import type { SessionStore } from '../model/session-store.js'
import { randomHex } from '../support/bytes.js'
import type { Fifo } from '../support/fifo.js'
import type { InFlight } from './in-flight.js'
import type { Publication } from './publication.js'
import type { PendingOutcome, ReceiptLookup } from './receipt-lookup.js'
import type { StoreWriter } from './store-writer.js'

/** Answers what became of a message that was stored, perhaps in an earlier process. */
export class Receipts {
  readonly #store: SessionStore
  readonly #storeWriter: StoreWriter
  /** The identifier of the store, once it was opened; where it keeps nothing, that of this process. */
  #identifier = randomHex()
  #lookup: ReceiptLookup | undefined
  #isClosed = false

  constructor(store: SessionStore, storeWriter: StoreWriter) {
    this.#store = store
    this.#storeWriter = storeWriter
  }

  open(identifier: string): void {
    this.#identifier = identifier
  }

  of(sequence: number): string {
    return receiptOf(this.#identifier, sequence)
  }

  /** Called after the store was opened. See `ReceiptLookup.ask`. */
  async ask(receipt: string, inFlight: InFlight, queued: Fifo<Publication>): Promise<PendingOutcome> {
    // Outcomes are asked for seldom, so pages need not fetch how they are found.
    const { ReceiptLookup: Lookup, closed } = await import('./receipt-lookup.js')
    // The client may have been closed meanwhile; a message that waits no more is not acknowledged for that.
    if (this.#isClosed) throw closed()
    this.#lookup ??= new Lookup(this.#identifier, this.#store, this.#storeWriter, inFlight, queued)
    return this.#lookup.ask(receipt)
  }

  /** The message was acknowledged. */
  settle(sequence: number, result: PublishResult): void {
    this.#lookup?.settle(sequence, result)
  }

  /** The server will not get the message. */
  fail(sequence: number, error: Error): void {
    this.#lookup?.fail(sequence, error)
  }

  close(): void {
    this.#isClosed = true
    this.#lookup?.close()
  }
}

/** The name of a message of a store, in whatever process. */
export function receiptOf(identifier: string, sequence: number): string {
  return `${identifier}.${sequence}`
}
