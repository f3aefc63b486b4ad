import { type MqttError, PublishError } from './errors.js'
import type { Journal } from './journal.js'
import type { Publication } from './publication.js'
import type { Receipts } from './receipts.js'
import type {
  SessionStore,
  SetAsidePublish,
  StoredAmount,
  StoredPage,
  StoredReason,
} from './session-store.js'
import type { QueueSettings } from './settings.js'
import type { Counters } from './stats.js'

/** A message that was taken over (`until: 'stored'`, or by an earlier process) and that the server does not take. */
export type SetAsideMessage = SetAsidePublish

export interface SetAsideListOptions {
  /** Only messages with a greater number. */
  after?: number | undefined
  /** 100 by default. */
  maximumMessages?: number | undefined
  /** Of topics and payloads; 16 MiB by default. */
  maximumBytes?: number | undefined
}

/** The messages set aside, oldest first. They hold up no others and stay until they are retried or dropped. */
export interface SetAside {
  readonly size: number
  /** Rejects with what the store says where it can not be read. */
  list(options?: SetAsideListOptions): Promise<SetAsideMessage[]>
  /** Queues it anew, behind all others; false where there is none of that number. Rejects with `PublishError`. */
  retry(sequence: number): Promise<boolean>
  /** Forgets it; false where there is none of that number. */
  drop(sequence: number): Promise<boolean>
}

interface SetAsideParts {
  readonly bounds: QueueSettings
  readonly counters: Counters
  readonly store: SessionStore
  readonly journal: Journal
  readonly receipts: Receipts
  readonly report: (error: MqttError) => void
  /** Queues a message anew and gives its receipt. Throws `PublishError` where it is not taken. */
  readonly requeue: (message: SetAsideMessage) => string
  /** The store was opened. */
  readonly opened: () => Promise<void>
}

/** Why a message that somebody dropped was given up. */
export const DROPPED_BY_HAND: StoredReason = Object.freeze({
  code: 'dropped',
  message: 'dropped by hand',
  reasonCode: undefined,
})

/** Why a message set aside, which was retried, was given up under its old number. */
export function publishedAnew({ code, message, reasonCode }: StoredReason, receipt: string): StoredReason {
  return { code, message: `${message}; published anew with the receipt ${receipt}`, reasonCode }
}

/** Kept in the store, and bounded like the queue; beyond that the oldest go, which is reported. */
export class SetAsideMessages implements SetAside {
  readonly #parts: SetAsideParts
  #messages = 0
  #bytes = 0
  /** One after the other, so that each sees what the one before has done. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: SetAsideParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#messages
  }

  /** An earlier process set them aside. */
  restore({ messages, bytes }: StoredAmount): void {
    this.#messages = messages
    this.#bytes = bytes
  }

  list(options: SetAsideListOptions = {}): Promise<SetAsideMessage[]> {
    const { after = -1, maximumMessages = 100, maximumBytes = 16_777_216 } = options
    return this.#inTurn(async () => [...(await this.#read(after, maximumMessages, maximumBytes)).publishes])
  }

  retry(sequence: number): Promise<boolean> {
    return this.#with(sequence, (message) => {
      // First in again, then out, in one turn and so in one transaction of the store.
      const receipt = this.#parts.requeue(message)
      return this.#remove(message, publishedAnew(message.reason, receipt))
    })
  }

  drop(sequence: number): Promise<boolean> {
    return this.#with(sequence, (message) => this.#remove(message, DROPPED_BY_HAND))
  }

  /** From now on the message is kept here instead of in the queue. */
  add(publication: Publication, error: PublishError): void {
    const { code, message, reasonCode } = error
    const { sequence, bytes } = publication
    this.#messages++
    this.#bytes += bytes
    this.#parts.counters.messagesSetAside++
    this.#parts.journal.setAside(publication, { code, message, reasonCode })
    this.#parts.receipts.fail(sequence, error)
    this.#parts.report(
      new PublishError(code, `${message}; set aside as number ${sequence}`, { reasonCode, cause: error }),
    )
    if (this.#isFull) this.#inTurn(() => this.#makeRoom()).catch(() => {})
  }

  get #isFull(): boolean {
    const { maximumMessages, maximumBytes } = this.#parts.bounds
    return this.#messages > maximumMessages || (this.#bytes > maximumBytes && this.#messages > 1)
  }

  async #makeRoom(): Promise<void> {
    while (this.#isFull) {
      const [oldest] = (await this.#read(-1, 1, 0)).publishes
      if (oldest === undefined) return
      const message = `message ${oldest.sequence} on '${oldest.topic}': too many messages were set aside; retry or drop them`
      await this.#remove(oldest, { code: 'dropped', message, reasonCode: undefined })
      this.#parts.counters.messagesDropped++
      this.#parts.report(new PublishError('dropped', message))
    }
  }

  #with(sequence: number, work: (message: SetAsideMessage) => Promise<void>): Promise<boolean> {
    return this.#inTurn(async () => {
      const [message] = (await this.#read(sequence - 1, 1, 0)).publishes
      if (message?.sequence !== sequence) return false
      await work(message)
      return true
    })
  }

  /** The store is asked for what it was told before. */
  async #read(
    after: number,
    maximumMessages: number,
    maximumBytes: number,
  ): Promise<StoredPage<SetAsideMessage>> {
    await this.#parts.opened()
    await this.#parts.journal.settled()
    const upTo = Number.MAX_SAFE_INTEGER
    return this.#parts.store.readSetAside({ after, upTo, maximumMessages, maximumBytes })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }

  /** It is out once this resolves; where the store fails it stays. */
  async #remove({ sequence, topic, payload }: SetAsideMessage, why: StoredReason): Promise<void> {
    const bytes = topic.length + payload.length
    const { journal } = this.#parts
    journal.removeSetAside(sequence, bytes)
    journal.giveUp(sequence, why)
    await journal.settled()
    this.#messages--
    this.#bytes -= bytes
  }
}
