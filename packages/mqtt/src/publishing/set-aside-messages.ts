import { PublishError } from '../model/errors.js'
import type { StoredAmount } from '../model/session-store.js'
import type { SetAside, SetAsideListOptions, SetAsideMessage } from '../model/set-aside.js'
import type { Publication } from './publication.js'
import type { Receipts } from './receipts.js'
import type { SetAsideContext, SetAsideOperations } from './set-aside-operations.js'

/** Kept in the store, and bounded like the queue; beyond that the oldest go, which is reported. */
export class SetAsideMessages implements SetAside {
  readonly #context: SetAsideContext
  readonly #receipts: Receipts
  readonly amount = { messages: 0, bytes: 0 }
  #operations: Promise<SetAsideOperations> | undefined

  constructor(context: SetAsideContext, receipts: Receipts) {
    this.#context = context
    this.#receipts = receipts
  }

  get size(): number {
    return this.amount.messages
  }

  /** An earlier process set them aside. */
  restore(amount: StoredAmount): void {
    Object.assign(this.amount, amount)
  }

  async list(options: SetAsideListOptions = {}): Promise<SetAsideMessage[]> {
    return (await this.#open()).list(options)
  }

  async retry(sequence: number): Promise<boolean> {
    return (await this.#open()).retry(sequence)
  }

  async drop(sequence: number): Promise<boolean> {
    return (await this.#open()).drop(sequence)
  }

  /** From now on the message is kept here instead of in the queue. */
  add(publication: Publication, error: PublishError): void {
    const { code, message, reasonCode } = error
    const { sequence, bytes } = publication
    this.amount.messages++
    this.amount.bytes += bytes
    this.#context.counters.messagesSetAside++
    this.#context.storeWriter.setAside(publication, { code, message, reasonCode })
    this.#receipts.fail(sequence, error)
    this.#context.report(
      new PublishError(code, `${message}; set aside as number ${sequence}`, { reasonCode, cause: error }),
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

  /** Seldom needed, so pages need not fetch it. */
  #open(): Promise<SetAsideOperations> {
    this.#operations ??= import('./set-aside-operations.js').then(
      ({ SetAsideOperations: Operations }) => new Operations(this, this.#context),
    )
    return this.#operations
  }
}
