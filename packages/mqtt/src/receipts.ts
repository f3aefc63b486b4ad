import { randomHex } from './bytes.js'
import { Deferred } from './deferred.js'
import type { PublishError } from './errors.js'
import type { Journal } from './journal.js'
import type { PublishResult } from './options.js'
import { SUCCESS } from './publish-result.js'
import type { SessionStore } from './session-store.js'

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
    return `${this.#identifier}.${sequence}`
  }

  /**
   * Settles with the server's acknowledgement; `isWaiting` tells what memory knows of a message. The reason code of an
   * acknowledgement that came before is not kept: then it is 0. `forget` is to be called by whoever stops waiting.
   * Rejects where the receipt is none of this store.
   */
  async ask(receipt: string, isWaiting: (sequence: number) => boolean) {
    // Seldom asked, so pages need not fetch how it is answered.
    const { hasEnded, readReceipt } = await import('./receipt.js')
    const sequence = readReceipt(receipt, this.#identifier, this.#journal)
    const asked = new Deferred<PublishResult>()
    const others = this.#waiting.get(sequence)
    if (others === undefined) this.#waiting.set(sequence, new Set([asked]))
    else others.add(asked)
    hasEnded(receipt, sequence, this.#store, this.#journal, isWaiting).then(
      (isOver) => {
        if (isOver) this.settle(sequence, SUCCESS)
      },
      (error: Error) => this.fail(sequence, error),
    )
    return { answer: asked.promise, forget: (): void => this.#forget(sequence, asked) }
  }

  /** The message was acknowledged. */
  settle(sequence: number, result: PublishResult): void {
    if (this.#waiting.size === 0) return
    for (const asked of this.#take(sequence)) asked.resolve(result)
  }

  /** The server will not get the message. */
  fail(sequence: number, error: Error): void {
    for (const asked of this.#take(sequence)) asked.reject(error)
  }

  close(makeError: () => PublishError): void {
    for (const sequence of [...this.#waiting.keys()]) this.fail(sequence, makeError())
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
