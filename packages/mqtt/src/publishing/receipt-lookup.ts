import { PublishError, type PublishErrorCode } from '../model/errors.js'
import type { PublishResult } from '../model/options.js'
import type { SessionStore, StoredReason } from '../model/session-store.js'
import { Deferred } from '../support/deferred.js'
import type { Fifo } from '../support/fifo.js'
import type { InFlight } from './in-flight.js'
import type { Publication } from './publication.js'
import { SUCCESS } from './publish-result.js'
import type { StoreWriter } from './store-writer.js'

/** The store's identifier, and the number of the message. */
const RECEIPT = /^([0-9a-f]+)\.(\d{1,16})$/

export interface PendingOutcome {
  readonly outcome: Promise<PublishResult>
  /** Must be called by whoever stops waiting. */
  readonly forget: () => void
}

/** Finds out what became of stored messages, by their receipts. */
export class ReceiptLookup {
  readonly #identifier: string
  readonly #store: SessionStore
  readonly #storeWriter: StoreWriter
  readonly #inFlight: InFlight
  readonly #queued: Fifo<Publication>
  readonly #waiting = new Map<number, Set<Deferred<PublishResult>>>()

  /** `inFlight` and `queued`: what memory knows of messages that wait. */
  constructor(
    identifier: string,
    store: SessionStore,
    storeWriter: StoreWriter,
    inFlight: InFlight,
    queued: Fifo<Publication>,
  ) {
    this.#identifier = identifier
    this.#store = store
    this.#storeWriter = storeWriter
    this.#inFlight = inFlight
    this.#queued = queued
  }

  /**
   * Settles with the server's acknowledgement. The reason code of an acknowledgement that came before is not kept: then
   * it is 0. Throws where the receipt is none of this store.
   */
  ask(receipt: string): PendingOutcome {
    const sequence = this.#read(receipt)
    const asked = new Deferred<PublishResult>()
    const others = this.#waiting.get(sequence)
    if (others === undefined) this.#waiting.set(sequence, new Set([asked]))
    else others.add(asked)
    this.#hasEnded(receipt, sequence).then(
      (isOver) => {
        if (isOver) this.settle(sequence, SUCCESS)
      },
      (error: Error) => this.fail(sequence, error),
    )
    return { outcome: asked.promise, forget: () => this.#forget(sequence, asked) }
  }

  settle(sequence: number, result: PublishResult): void {
    if (this.#waiting.size === 0) return
    for (const asked of this.#take(sequence)) asked.resolve(result)
  }

  fail(sequence: number, error: Error): void {
    for (const asked of this.#take(sequence)) asked.reject(error)
  }

  close(): void {
    for (const sequence of [...this.#waiting.keys()]) this.fail(sequence, closed())
  }

  /** The number of the message. Throws `PublishError` where the store never gave such a receipt. */
  #read(receipt: string): number {
    const found = RECEIPT.exec(receipt)
    const sequence = Number(found?.[2])
    if (found?.[1] === this.#identifier && this.#storeWriter.hasUsed(sequence)) return sequence
    throw new PublishError(
      'invalid-argument',
      `receipt ${JSON.stringify(String(receipt).slice(0, 60))}: expected one that this store gave ` +
        `(${this.#identifier}.<number>)`,
    )
  }

  /**
   * True where the message was acknowledged, false where that is still to come; rejects where it will not be. Whoever
   * asks is told of what changes from now on.
   */
  async #hasEnded(receipt: string, sequence: number): Promise<boolean> {
    // The store must know all that changed before.
    await this.#storeWriter.settled()
    const store = this.#store
    if (!store.commits && (this.#inFlight.has(sequence) || isQueued(this.#queued, sequence))) return false
    const outcome = await store.find(sequence)
    if (outcome === undefined) return true
    if (outcome.state === 'waiting') return false
    throw failureOf(receipt, outcome.reason)
  }

  #take(sequence: number): Iterable<Deferred<PublishResult>> {
    const waiting = this.#waiting.get(sequence)
    this.#waiting.delete(sequence)
    return waiting ?? []
  }

  #forget(sequence: number, asked: Deferred<PublishResult>): void {
    const waiting = this.#waiting.get(sequence)
    waiting?.delete(asked)
    if (waiting?.size === 0) this.#waiting.delete(sequence)
  }
}

/** True where a message of the queue has this number; they ascend. */
function isQueued(queued: Fifo<Publication>, sequence: number): boolean {
  let from = 0
  let to = queued.length
  while (from < to) {
    const middle = (from + to) >> 1
    if ((queued.at(middle) as Publication).sequence < sequence) from = middle + 1
    else to = middle
  }
  const found = queued.at(from)
  return found?.sequence === sequence && found.stage !== 'settled'
}

function failureOf(receipt: string, { code, message, reasonCode }: StoredReason): PublishError {
  return new PublishError(code as PublishErrorCode, `receipt ${receipt}: ${message}`, { reasonCode })
}

/** The error where the client is closed before the outcome was known. */
export function closed(): PublishError {
  return new PublishError('closed', 'the client is closed; ask again with the next one', {
    mayBeDelivered: true,
  })
}
