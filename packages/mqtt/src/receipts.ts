import { randomHex } from './bytes.js'
import { Deferred } from './deferred.js'
import { PublishError, type PublishErrorCode } from './errors.js'
import type { Journal } from './journal.js'
import type { PublishResult } from './options.js'
import { SUCCESS } from './publish-result.js'
import type { SessionStore, StoredReason } from './session-store.js'

/** The store's identifier, and the number of the message. */
const RECEIPT = /^([0-9a-f]+)\.(\d{1,16})$/

/** What names a message of a store, in whatever process. */
export function receiptOf(identifier: string, sequence: number): string {
  return `${identifier}.${sequence}`
}

/** Those who ask what became of a message that the store had taken over, perhaps in an earlier process. */
export class Receipts {
  readonly #store: SessionStore
  readonly #journal: Journal
  /** Of the store, once it was opened; where it keeps nothing, of this process. */
  #identifier = randomHex()
  readonly #waiting = new Map<number, Set<Deferred<PublishResult>>>()

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

  /**
   * Settles with the server's acknowledgement; `isWaiting` tells what memory knows of a message. The reason code of an
   * acknowledgement that came before is not kept: then it is 0. `forget` is to be called by whoever stops waiting.
   */
  ask(receipt: string, isWaiting: (sequence: number) => boolean) {
    const sequence = this.#read(receipt)
    const asked = new Deferred<PublishResult>()
    const others = this.#waiting.get(sequence)
    if (others === undefined) this.#waiting.set(sequence, new Set([asked]))
    else others.add(asked)
    this.#lookUp(receipt, sequence, isWaiting).then(
      (isOver) => {
        if (isOver) this.settle(sequence, SUCCESS)
      },
      (error: Error) => this.fail(sequence, error),
    )
    const forget = (): void => this.#forget(sequence, asked)
    return { answer: asked.promise, forget }
  }

  /** The message was acknowledged. */
  settle(sequence: number, result: PublishResult): void {
    for (const asked of this.#take(sequence)) asked.resolve(result)
  }

  /** The server will not get the message. */
  fail(sequence: number, error: Error): void {
    for (const asked of this.#take(sequence)) asked.reject(error)
  }

  close(makeError: () => PublishError): void {
    for (const sequence of [...this.#waiting.keys()]) this.fail(sequence, makeError())
  }

  /** True where it was acknowledged, false where that is still to come; rejects where it will not be. */
  async #lookUp(
    receipt: string,
    sequence: number,
    isWaiting: (sequence: number) => boolean,
  ): Promise<boolean> {
    // What changes from here on is told to those who wait; the store must know all that changed before.
    await this.#journal.settled()
    if (!this.#store.commits && isWaiting(sequence)) return false
    const outcome = await this.#store.find(sequence)
    if (outcome === undefined) return true
    if (outcome.state === 'waiting') return false
    throw failureOf(receipt, outcome.reason)
  }

  #take(sequence: number): Iterable<Deferred<PublishResult>> {
    if (this.#waiting.size === 0) return []
    const waiting = this.#waiting.get(sequence)
    this.#waiting.delete(sequence)
    return waiting ?? []
  }

  #forget(sequence: number, asked: Deferred<PublishResult>): void {
    const waiting = this.#waiting.get(sequence)
    waiting?.delete(asked)
    if (waiting?.size === 0) this.#waiting.delete(sequence)
  }

  #read(receipt: string): number {
    const found = RECEIPT.exec(receipt)
    const sequence = Number(found?.[2])
    if (found?.[1] === this.#identifier && this.#journal.hasUsed(sequence)) return sequence
    throw new PublishError(
      'invalid-argument',
      `receipt ${JSON.stringify(String(receipt).slice(0, 60))}: expected one that this store gave ` +
        `(${this.#identifier}.<number>)`,
    )
  }
}

function failureOf(receipt: string, { code, message, reasonCode }: StoredReason): PublishError {
  return new PublishError(code as PublishErrorCode, `receipt ${receipt}: ${message}`, { reasonCode })
}
