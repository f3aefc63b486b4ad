import type { Subscription } from '../model/client.js'
import { SubscriptionError } from '../model/errors.js'
import type { Message } from '../model/message.js'
import type { MessageHandler, MessagesOptions } from '../model/options.js'
import type { Counters } from '../model/stats.js'
import { NOT_CONSUMED } from './received-publish.js'

interface Held {
  readonly message: Message
  /** Lets the handler's promise settle, and so acknowledges the message. */
  readonly release: () => void
  readonly leave: () => void
}

/** The part of the client that a stream needs. */
export interface StreamHost {
  readonly subscribe: (handler: MessageHandler) => Promise<Subscription>
  readonly counters: Counters
  /** `resume`: by another connection, to which what stays unacknowledged on this one does not matter. */
  readonly connector: { resume(): void }
  /** The open streams of the client, which ends them when it closes. */
  readonly streams: Set<MessageStream>
}

/** QoS 0 messages kept while the consumer is busy; the others are bounded by our Receive Maximum. */
const DEFAULT_BUFFERED = 1000
/** Messages that may stay unacknowledged: fewer than any server sends at once. Mosquitto sends 20. */
const LEFT_PLACES = 8

/** The messages of one subscription, pulled one by one; each is acknowledged when the next one is asked for. */
export class MessageStream implements AsyncIterableIterator<Message> {
  readonly #host: StreamHost
  readonly #filter: string
  readonly #maximumBuffered: number
  readonly #held: Held[] = []
  #current: Held | undefined
  #subscription: Promise<Subscription> | undefined
  #waiting: { resolve(result: IteratorResult<Message>): void; reject(error: Error): void }[] = []
  #hasEnded = false
  #left = 0
  #failure: Error | undefined

  constructor(host: StreamHost, filter: string, { maximumBuffered = DEFAULT_BUFFERED }: MessagesOptions) {
    this.#host = host
    this.#filter = filter
    this.#maximumBuffered = maximumBuffered
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Message>> {
    this.#start()
    this.#current?.release()
    this.#current = undefined
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#hasEnded) return Promise.resolve({ done: true, value: undefined })
    const held = this.#held.shift()
    if (held !== undefined) return Promise.resolve(this.#hand(held))
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /**
   * Whoever leaves the loop is done with the last message and wants no more. What it has not seen is dropped and counted;
   * in a group others may still want it, so that it is not acknowledged.
   */
  async return(): Promise<IteratorResult<Message>> {
    this.#current?.release()
    this.#current = undefined
    if (!this.#isShared) {
      for (const { release } of this.#held.splice(0)) {
        this.#host.counters.messagesDroppedOnReceipt++
        release()
      }
    }
    this.end()
    const subscription = await this.#subscription?.catch(() => undefined)
    await subscription?.unsubscribe().catch(() => {})
    // Each stays in the place of one that the server could send, as long as this connection lasts.
    if (this.#left > LEFT_PLACES) this.#host.connector.resume()
    this.#left = 0
    return { done: true, value: undefined }
  }

  /** The client closes: nothing more will come, and what the consumer never saw is not acknowledged. */
  end(): void {
    this.#hasEnded = true
    this.#host.streams.delete(this)
    for (const { message, leave } of this.#held.splice(0)) {
      if (message.qos > 0) this.#left++
      leave()
    }
    for (const { resolve } of this.#waiting.splice(0)) resolve({ done: true, value: undefined })
  }

  #start(): void {
    if (this.#subscription !== undefined || this.#hasEnded) return
    this.#host.streams.add(this)
    this.#subscription = this.#host.subscribe((message) => this.#onMessage(message))
    this.#subscription.catch((error: Error) => {
      // A client that is closed while it waits ends its streams in good order.
      if (error instanceof SubscriptionError && error.code === 'closed') return this.end()
      this.#failure = error
      for (const { reject } of this.#waiting.splice(0)) reject(error)
    })
  }

  #onMessage(message: Message): Promise<void> | undefined {
    if (this.#hasEnded) return this.#onLate(message)
    const waiting = this.#waiting.shift()
    if (message.qos === 0 && waiting === undefined && this.#held.length >= this.#maximumBuffered) {
      this.#host.counters.messagesDroppedOnReceipt++
      return undefined
    }
    return new Promise((release, reject) => {
      const held: Held = { message, release, leave: () => reject(NOT_CONSUMED) }
      if (waiting === undefined) this.#held.push(held)
      else waiting.resolve(this.#hand(held))
    })
  }

  /** True for a share group: a member that leaves it owes what it has not seen to the others. */
  get #isShared(): boolean {
    return this.#filter.startsWith('$share/')
  }

  /** It was on its way when the stream ended. */
  #onLate({ qos }: Message): Promise<void> | undefined {
    if (!this.#isShared) {
      this.#host.counters.messagesDroppedOnReceipt++
      return undefined
    }
    if (qos > 0) this.#left++
    return Promise.reject(NOT_CONSUMED)
  }

  #hand(held: Held): IteratorResult<Message> {
    this.#current = held
    return { done: false, value: held.message }
  }
}
