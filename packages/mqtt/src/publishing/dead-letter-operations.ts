import type { DeadLetterListOptions } from '../model/dead-letters.js'
import { type MqttError, PublishError } from '../model/errors.js'
import type {
  DeadLetter,
  SessionStore,
  StoredAmount,
  StoredPage,
  StoredRange,
  StoredReason,
} from '../model/session-store.js'
import { DROPPED_BY_HAND, publishedAnew } from '../model/session-store.js'
import type { QueueSettings } from '../model/settings.js'
import type { Counters } from '../model/stats.js'
import type { StoreWriter } from './store-writer.js'

/** The parts of the client that dead letters need. */
export interface DeadLetterContext {
  readonly bounds: QueueSettings
  readonly counters: Counters
  readonly store: SessionStore
  readonly storeWriter: StoreWriter
  readonly report: (error: MqttError) => void
  /** Queues a message anew and gives its receipt. Throws `PublishError` where it is not taken. */
  readonly requeue: (message: DeadLetter) => string
  /** The store was opened. */
  readonly opened: () => Promise<void>
}

/** The space that dead letters take. */
export interface DeadLetterAmount {
  readonly amount: { -readonly [name in keyof StoredAmount]: StoredAmount[name] }
  /** True where there are more than the bounds allow. */
  readonly isFull: boolean
}

/** Lists, retries and drops dead letters. */
export class DeadLetterOperations {
  readonly #messages: DeadLetterAmount
  readonly #context: DeadLetterContext
  /** Operations run one after the other, so that each sees what the one before has done. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(messages: DeadLetterAmount, context: DeadLetterContext) {
    this.#messages = messages
    this.#context = context
  }

  list(options: DeadLetterListOptions): Promise<DeadLetter[]> {
    const { after = -1, maximumMessages = 100, maximumBytes = 16_777_216 } = options
    return this.#inTurn(async () => [...(await this.#read(after, maximumMessages, maximumBytes)).publishes])
  }

  retry(sequence: number): Promise<boolean> {
    return this.#with(sequence, (message) => {
      // First in again, then out, in one turn and so in one transaction of the store.
      const receipt = this.#context.requeue(message)
      return this.#remove(message, publishedAnew(message.reason, receipt))
    })
  }

  drop(sequence: number): Promise<boolean> {
    return this.#with(sequence, (message) => this.#remove(message, DROPPED_BY_HAND))
  }

  /** The oldest go until the bounds are kept. */
  makeRoom(): Promise<void> {
    return this.#inTurn(() => this.#makeRoom())
  }

  async #makeRoom(): Promise<void> {
    while (this.#messages.isFull) {
      const [oldest] = (await this.#read(-1, 1, 0)).publishes
      if (oldest === undefined) return
      const message = `message ${oldest.sequence} on '${oldest.topic}': too many dead letters; retry or drop them`
      await this.#remove(oldest, { code: 'dropped', message, reasonCode: undefined })
      this.#context.counters.messagesDropped++
      this.#context.report(new PublishError('dropped', message))
    }
  }

  #with(sequence: number, work: (message: DeadLetter) => Promise<void>): Promise<boolean> {
    return this.#inTurn(async () => {
      const [message] = (await this.#read(sequence - 1, 1, 0)).publishes
      if (message?.sequence !== sequence) return false
      await work(message)
      return true
    })
  }

  /** The store is asked for what it was told before. */
  async #read(after: number, maximumMessages: number, maximumBytes: number): Promise<StoredPage<DeadLetter>> {
    await this.#context.opened()
    await this.#context.storeWriter.settled()
    const upTo = Number.MAX_SAFE_INTEGER
    return this.#context.store.readDeadLetters({ after, upTo, maximumMessages, maximumBytes })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }

  /** It is out once this resolves; where the store fails it stays. */
  async #remove({ sequence, topic, payload }: DeadLetter, why: StoredReason): Promise<void> {
    const bytes = topic.length + payload.length
    const { storeWriter } = this.#context
    storeWriter.removeDeadLetter(sequence, bytes)
    storeWriter.giveUp(sequence, why)
    await storeWriter.settled()
    this.#messages.amount.messages--
    this.#messages.amount.bytes -= bytes
  }
}

/** A page of messages in memory, whose bytes need not be counted. */
export function pageOf(messages: readonly DeadLetter[], range: StoredRange): StoredPage<DeadLetter> {
  const wanted = messages
    .filter(({ sequence }) => sequence > range.after && sequence <= range.upTo)
    .sort((a, b) => a.sequence - b.sequence)
  const publishes = wanted.slice(0, range.maximumMessages)
  const upTo = publishes.length < wanted.length ? (publishes.at(-1)?.sequence ?? range.after) : range.upTo
  return { publishes, damaged: [], upTo }
}
