import type {
  BrokerStore,
  DeliveryRecord,
  MessageRecord,
  SessionRecord,
  StoredState,
  SubscriptionRecord,
} from '@jamey/broker'
import { Batch } from './batch.js'
import { BrokerChanges, type SessionPartChanges } from './broker-changes.js'
import { sessionPrefix } from './broker-keys.js'
import { readState } from './broker-state.js'
import type { Environment } from './environment.js'
import { RecordWriter } from './record-writer.js'

/** A BrokerStore in LMDB; see `openBrokerStore`. */
export class LmdbBrokerStore implements BrokerStore {
  readonly #environment: Environment
  readonly #writer = new RecordWriter()
  #changes = new BrokerChanges()
  /** Client identifier to the session's number in the keys. */
  readonly #numbers = new Map<string, number>()
  #nextNumber = 1
  #committing: Promise<void> = Promise.resolve()

  constructor(environment: Environment) {
    this.#environment = environment
  }

  async load(): Promise<StoredState> {
    return readState(this.#environment, (clientId, number) => {
      this.#numbers.set(clientId, number)
      this.#nextNumber = Math.max(this.#nextNumber, number + 1)
    })
  }

  putSession(session: SessionRecord): void {
    let number = this.#numbers.get(session.clientId)
    if (number === undefined) {
      number = this.#nextNumber++
      this.#numbers.set(session.clientId, number)
    }
    this.#changes.ofSession(number).record = session
  }

  removeSession(clientId: string): void {
    const number = this.#numbers.get(clientId)
    if (number === undefined) return
    this.#numbers.delete(clientId)
    // A later session of this client has another number, so nothing can follow this.
    this.#changes.sessions.set(number, undefined)
  }

  putSubscription(clientId: string, subscription: SubscriptionRecord): void {
    this.#of(clientId)?.subscriptions.set(subscription.filter, subscription)
  }

  removeSubscription(clientId: string, filter: string): void {
    this.#of(clientId)?.subscriptions.set(filter, undefined)
  }

  putMessage(messageId: number, message: MessageRecord): void {
    this.#changes.messages.set(messageId, message)
  }

  removeMessage(messageId: number): void {
    this.#changes.messages.set(messageId, undefined)
  }

  putDelivery(clientId: string, sequence: number, delivery: DeliveryRecord): void {
    this.#of(clientId)?.deliveries.set(sequence, delivery)
  }

  removeDelivery(clientId: string, sequence: number): void {
    this.#of(clientId)?.deliveries.set(sequence, undefined)
  }

  putIncoming(clientId: string, packetIdentifier: number): void {
    this.#of(clientId)?.incoming.set(packetIdentifier, true)
  }

  removeIncoming(clientId: string, packetIdentifier: number): void {
    this.#of(clientId)?.incoming.set(packetIdentifier, false)
  }

  putRetained(message: MessageRecord): void {
    this.#changes.retained.set(message.topic, message)
  }

  removeRetained(topic: string): void {
    this.#changes.retained.set(topic, undefined)
  }

  commit(): Promise<void> {
    const committed = this.#committing.then(() => this.#commit())
    this.#committing = committed.catch(() => {})
    return committed
  }

  /** What is staged is lost where it can not be committed, and the promise rejects; the files are let go of anyway. */
  async close(): Promise<void> {
    try {
      await this.commit()
    } finally {
      await this.#environment.close()
    }
  }

  #of(clientId: string): SessionPartChanges | undefined {
    const number = this.#numbers.get(clientId)
    return number === undefined ? undefined : this.#changes.ofSession(number)
  }

  async #commit(): Promise<void> {
    await this.#environment.recover()
    if (this.#changes.isEmpty) return
    const changes = this.#changes
    this.#changes = new BrokerChanges()
    try {
      const batch = new Batch()
      changes.addTo(batch, this.#writer, (session) => this.#keysOf(session))
      await this.#environment.commit(batch)
    } catch (error) {
      this.#changes = this.#changes.over(changes)
      throw error
    } finally {
      this.#writer.reset()
    }
  }

  #keysOf(session: number): Iterable<Buffer> {
    return this.#environment.keys(sessionPrefix(this.#writer, session))
  }
}
