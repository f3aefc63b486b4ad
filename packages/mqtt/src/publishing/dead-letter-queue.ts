import type { DeadLetterListOptions, DeadLetters } from '../model/dead-letters.js'
import { PublishError } from '../model/errors.js'
import type { DeadLetter, StoredAmount } from '../model/session-store.js'
import type { DeadLetterContext, DeadLetterOperations } from './dead-letter-operations.js'
import type { Publication } from './publication.js'
import type { Receipts } from './receipts.js'

/** Dead letters are kept in the store, and bounded like the queue; beyond that the oldest go, which is reported. */
export class DeadLetterQueue implements DeadLetters {
  readonly #context: DeadLetterContext
  readonly #receipts: Receipts
  readonly amount = { messages: 0, bytes: 0 }
  #operations: DeadLetterOperations | undefined

  constructor(context: DeadLetterContext, receipts: Receipts) {
    this.#context = context
    this.#receipts = receipts
  }

  get size(): number {
    return this.amount.messages
  }

  /** Counts the dead letters of an earlier process. */
  restore(amount: StoredAmount): void {
    Object.assign(this.amount, amount)
  }

  async list(options: DeadLetterListOptions = {}): Promise<DeadLetter[]> {
    return (await this.#open()).list(options)
  }

  async retry(sequence: number): Promise<boolean> {
    return (await this.#open()).retry(sequence)
  }

  async drop(sequence: number): Promise<boolean> {
    return (await this.#open()).drop(sequence)
  }

  /** Keeps the message here instead of in the queue. */
  add(publication: Publication, error: PublishError): void {
    const { code, message, reasonCode } = error
    const { sequence, bytes } = publication
    this.amount.messages++
    this.amount.bytes += bytes
    this.#context.counters.messagesDeadLettered++
    this.#context.storeWriter.addDeadLetter(publication, { code, message, reasonCode })
    this.#receipts.fail(sequence, error)
    this.#context.report(
      new PublishError(code, `${message}; dead letter ${sequence}`, { reasonCode, cause: error }),
    )
    if (this.isFull)
      this.#open()
        .then((operations) => operations.makeRoom())
        .catch(() => {})
  }

  get isFull(): boolean {
    const { maximumMessages, maximumBytes } = this.#context.bounds
    const { messages, bytes } = this.amount
    return messages > maximumMessages || (bytes > maximumBytes && messages > 1)
  }

  /** Imported when it is needed: pages seldom need it, and then have less to fetch. */
  async #open(): Promise<DeadLetterOperations> {
    const { DeadLetterOperations: Operations } = await import('./dead-letter-operations.js')
    this.#operations ??= new Operations(this, this.#context)
    return this.#operations
  }
}
