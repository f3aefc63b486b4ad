import type {
  BrokerStore,
  DeliveryRecord,
  MessageRecord,
  SessionRecord,
  StoredState,
  SubscriptionRecord,
} from './broker-store.js'

interface StoredSession {
  record: SessionRecord
  subscriptions: Map<string, SubscriptionRecord>
  deliveries: Map<number, DeliveryRecord>
  incoming: Set<number>
}

type Change = () => void

/**
 * A store without a disk, behaving as one: what was not committed is not there for the next `load`. It lets sessions
 * survive the broker, though not the process; for tests and as the plainest example of the port.
 */
export class MemoryBrokerStore implements BrokerStore {
  readonly #sessions = new Map<string, StoredSession>()
  readonly #messages = new Map<number, MessageRecord>()
  readonly #retained = new Map<string, MessageRecord>()
  #staged: Change[] = []

  /** Forgets what was not committed, as a crash would. */
  async load(): Promise<StoredState> {
    this.#staged = []
    const stored = [...this.#sessions]
    return {
      sessions: stored.map(([, { record }]) => record),
      subscriptions: stored.flatMap(([clientId, { subscriptions }]) =>
        [...subscriptions.values()].map((subscription) => ({ clientId, subscription })),
      ),
      messages: new Map(this.#messages),
      deliveries: stored.flatMap(([clientId, { deliveries }]) =>
        [...deliveries]
          .sort(([a], [b]) => a - b)
          .map(([sequence, delivery]) => ({ clientId, sequence, delivery })),
      ),
      incoming: stored.flatMap(([clientId, { incoming }]) =>
        [...incoming].map((packetIdentifier) => ({ clientId, packetIdentifier })),
      ),
      retained: [...this.#retained.values()],
    }
  }

  putSession(record: SessionRecord): void {
    this.#staged.push(() => {
      const former = this.#sessions.get(record.clientId)
      if (former !== undefined) former.record = record
      else {
        const empty = { subscriptions: new Map(), deliveries: new Map(), incoming: new Set<number>() }
        this.#sessions.set(record.clientId, { record, ...empty })
      }
    })
  }

  removeSession(clientId: string): void {
    this.#staged.push(() => this.#sessions.delete(clientId))
  }

  putSubscription(clientId: string, subscription: SubscriptionRecord): void {
    this.#staged.push(() =>
      this.#sessions.get(clientId)?.subscriptions.set(subscription.filter, subscription),
    )
  }

  removeSubscription(clientId: string, filter: string): void {
    this.#staged.push(() => this.#sessions.get(clientId)?.subscriptions.delete(filter))
  }

  putMessage(messageId: number, message: MessageRecord): void {
    this.#staged.push(() => this.#messages.set(messageId, message))
  }

  removeMessage(messageId: number): void {
    this.#staged.push(() => this.#messages.delete(messageId))
  }

  putDelivery(clientId: string, sequence: number, delivery: DeliveryRecord): void {
    this.#staged.push(() => this.#sessions.get(clientId)?.deliveries.set(sequence, delivery))
  }

  removeDelivery(clientId: string, sequence: number): void {
    this.#staged.push(() => this.#sessions.get(clientId)?.deliveries.delete(sequence))
  }

  putIncoming(clientId: string, packetIdentifier: number): void {
    this.#staged.push(() => this.#sessions.get(clientId)?.incoming.add(packetIdentifier))
  }

  removeIncoming(clientId: string, packetIdentifier: number): void {
    this.#staged.push(() => this.#sessions.get(clientId)?.incoming.delete(packetIdentifier))
  }

  putRetained(message: MessageRecord): void {
    this.#staged.push(() => this.#retained.set(message.topic, message))
  }

  removeRetained(topic: string): void {
    this.#staged.push(() => this.#retained.delete(topic))
  }

  async commit(): Promise<void> {
    const staged = this.#staged
    this.#staged = []
    for (const change of staged) change()
  }

  async close(): Promise<void> {
    await this.commit()
  }
}
