import type { PublishResult } from '../model/options.js'
import type { SessionStore } from '../model/session-store.js'
import { randomHex } from '../support/bytes.js'
import type { Fifo } from '../support/fifo.js'
import type { InFlight } from './in-flight.js'
import type { Journal } from './journal.js'
import type { Publication } from './publication.js'
import type { Answer, ReceiptDesk } from './receipt-desk.js'

/** Those who ask what became of a message that the store had taken over, perhaps in an earlier process. */
export class Receipts {
  readonly #store: SessionStore
  readonly #journal: Journal
  /** Of the store, once it was opened; where it keeps nothing, of this process. */
  #identifier = randomHex()
  #desk: ReceiptDesk | undefined
  #isClosed = false

  constructor(store: SessionStore, journal: Journal) {
    this.#store = store
    this.#journal = journal
  }

  open(identifier: string): void {
    this.#identifier = identifier
  }

  of(sequence: number): string {
    return receiptOf(this.#identifier, sequence)
  }

  /** Once the store was opened. See `ReceiptDesk.ask`. */
  async ask(receipt: string, inFlight: InFlight, queued: Fifo<Publication>): Promise<Answer> {
    // Seldom asked, so pages need not fetch how it is answered.
    const { ReceiptDesk: Desk, closed } = await import('./receipt-desk.js')
    // Meanwhile, perhaps; what is not waiting any more is not acknowledged for that.
    if (this.#isClosed) throw closed()
    this.#desk ??= new Desk(this.#identifier, this.#store, this.#journal, inFlight, queued)
    return this.#desk.ask(receipt)
  }

  /** The message was acknowledged. */
  settle(sequence: number, result: PublishResult): void {
    this.#desk?.settle(sequence, result)
  }

  /** The server will not get the message. */
  fail(sequence: number, error: Error): void {
    this.#desk?.fail(sequence, error)
  }

  close(): void {
    this.#isClosed = true
    this.#desk?.close()
  }
}

/** What names a message of a store, in whatever process. */
export function receiptOf(identifier: string, sequence: number): string {
  return `${identifier}.${sequence}`
}
