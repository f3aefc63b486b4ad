import type { PendingAcknowledgement } from '../sessions/queue-capacity.js'
import type { AcknowledgementTarget } from '../storage/group-commit.js'
import { BrokerError } from '../support/errors.js'

/** Waits, as a client's acknowledgement would, for a queue that is crowded or for the store. */
export class Wait implements AcknowledgementTarget, PendingAcknowledgement {
  /** Rejects with `BrokerError`. */
  readonly over: Promise<void>
  isOpen = true
  heldPubacks = 0
  committing = 0
  since = 0
  #resolve = (): void => {}
  #reject = (_error: Error): void => {}

  constructor() {
    this.over = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** The queue has room. */
  release(): void {
    this.isOpen = false
    this.#resolve()
  }

  /** The store has it. */
  writeAcknowledgement(): void {
    this.release()
  }

  write(): void {
    this.release()
  }

  /** The store did not take it in time. */
  end(_reasonCode: number, reasonString: string): void {
    this.fail(new BrokerError('publish-refused', reasonString, { retryable: true }))
  }

  fail(error: BrokerError): void {
    this.isOpen = false
    this.#reject(error)
  }
}
