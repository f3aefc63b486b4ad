import type {
  BrokerStore,
  Damaged,
  DeliveryRecord,
  MessageRecord,
  QueueRecord,
  SessionRecord,
  StoredDelivery,
  StoredState,
  SubscriptionRecord,
} from '../ports/broker-store.js'

interface StoredSession {
  record: SessionRecord
  queue: QueueRecord | undefined
  readonly subscriptions: Map<string, SubscriptionRecord>
  /** Deliveries in order of their sequences, unless one came late. */
  deliveries: Map<number, DeliveryRecord>
  isInOrder: boolean
  lastSequence: number
  readonly incoming: Set<number>
}

/** Everything that is stored. */
class Contents {
  readonly sessions = new Map<string, StoredSession>()
  readonly messages = new Map<number, MessageRecord>()
  /** Number of deliveries that name a message, by its number. */
  readonly references = new Map<number, number>()
  /** Nobody names them; others still may, until the next commit. */
  readonly #unnamed = new Set<number>()
  readonly retained = new Map<string, MessageRecord>()

  copy(): Contents {
    const copy = new Contents()
    for (const [clientId, session] of this.sessions) {
      copy.sessions.set(clientId, {
        ...session,
        subscriptions: new Map(session.subscriptions),
        deliveries: new Map(session.deliveries),
        incoming: new Set(session.incoming),
      })
    }
    for (const [messageId, message] of this.messages) copy.messages.set(messageId, message)
    for (const [messageId, count] of this.references) copy.references.set(messageId, count)
    for (const [topic, message] of this.retained) copy.retained.set(topic, message)
    return copy
  }

  put(messageId: number, message: MessageRecord): void {
    this.messages.set(messageId, message)
    this.#unnamed.add(messageId)
  }

  refer(messageId: number): void {
    this.references.set(messageId, (this.references.get(messageId) ?? 0) + 1)
    this.#unnamed.delete(messageId)
  }

  release(messageId: number): void {
    const left = (this.references.get(messageId) ?? 0) - 1
    if (left > 0) this.references.set(messageId, left)
    else {
      this.references.delete(messageId)
      this.#unnamed.add(messageId)
    }
  }

  sweep(): void {
    for (const messageId of this.#unnamed) this.messages.delete(messageId)
    this.#unnamed.clear()
  }
}

type Change = (contents: Contents) => void

/**
 * A store without a disk, behaving as one: what was not committed is not there for the next `load`. It lets sessions
 * survive the broker, though not the process; for tests and as the plainest example of the port.
 */
export class MemoryBrokerStore implements BrokerStore {
  readonly #committed = new Contents()
  /** The contents with what is staged. */
  #present = new Contents()
  #staged: Change[] = []

  /** Forgets what was not committed, as a crash would. */
  async load(): Promise<StoredState> {
    this.#staged = []
    this.#present = this.#committed.copy()
    const { sessions, messages, retained } = this.#committed
    const stored = [...sessions]
    return {
      sessions: stored.map(([, { record }]) => record),
      subscriptions: stored.flatMap(([clientId, { subscriptions }]) =>
        [...subscriptions.values()].map((subscription) => ({ clientId, subscription })),
      ),
      queues: stored.flatMap(([clientId, { queue }]) => (queue === undefined ? [] : [{ clientId, queue }])),
      incoming: stored.flatMap(([clientId, { incoming }]) =>
        [...incoming].map((packetIdentifier) => ({ clientId, packetIdentifier })),
      ),
      retained: [...retained.values()],
      lastMessageId: [...messages.keys()].reduce((last, messageId) => Math.max(last, messageId), 0),
    }
  }

  readDeliveries(clientId: string, after: number, maximum: number): StoredDelivery[] {
    const session = this.#present.sessions.get(clientId)
    if (session === undefined) return []
    if (!session.isInOrder) session.deliveries = new Map([...session.deliveries].sort(([a], [b]) => a - b))
    session.isInOrder = true
    const found: StoredDelivery[] = []
    for (const [sequence, delivery] of session.deliveries) {
      if (found.length === maximum) break
      if (sequence > after) found.push({ sequence, delivery })
    }
    return found
  }

  readMessage(messageId: number): MessageRecord | Damaged {
    const message = this.#present.messages.get(messageId)
    return message ?? { damage: new Error(`message ${messageId} is missing`) }
  }

  putSession(record: SessionRecord): void {
    this.#stage(({ sessions }) => {
      const former = sessions.get(record.clientId)
      if (former !== undefined) former.record = record
      else {
        sessions.set(record.clientId, {
          record,
          queue: undefined,
          subscriptions: new Map(),
          deliveries: new Map(),
          isInOrder: true,
          lastSequence: 0,
          incoming: new Set(),
        })
      }
    })
  }

  removeSession(clientId: string): void {
    this.#stage((contents) => {
      const session = contents.sessions.get(clientId)
      if (session === undefined) return
      contents.sessions.delete(clientId)
      for (const { messageId } of session.deliveries.values()) contents.release(messageId)
    })
  }

  renameSession(clientId: string, record: SessionRecord): void {
    this.#stage(({ sessions }) => {
      const session = sessions.get(clientId)
      if (session === undefined) return
      sessions.delete(clientId)
      sessions.set(record.clientId, { ...session, record })
    })
  }

  putSubscription(clientId: string, subscription: SubscriptionRecord): void {
    this.#stageOf(clientId, ({ subscriptions }) => subscriptions.set(subscription.filter, subscription))
  }

  removeSubscription(clientId: string, filter: string): void {
    this.#stageOf(clientId, ({ subscriptions }) => subscriptions.delete(filter))
  }

  putMessage(messageId: number, message: MessageRecord): void {
    this.#stage((contents) => contents.put(messageId, message))
  }

  putDelivery(clientId: string, sequence: number, delivery: DeliveryRecord): void {
    this.#stageOf(clientId, (session, contents) => {
      if (sequence < session.lastSequence) session.isInOrder = false
      session.lastSequence = Math.max(session.lastSequence, sequence)
      session.deliveries.set(sequence, delivery)
      contents.refer(delivery.messageId)
    })
  }

  updateDelivery(clientId: string, sequence: number, delivery: DeliveryRecord): void {
    this.#stageOf(clientId, ({ deliveries }) => deliveries.set(sequence, delivery))
  }

  removeDelivery(clientId: string, sequence: number, messageId: number): void {
    this.#stageOf(clientId, ({ deliveries }, contents) => {
      deliveries.delete(sequence)
      contents.release(messageId)
    })
  }

  putQueue(clientId: string, queue: QueueRecord): void {
    this.#stageOf(clientId, (session) => {
      session.queue = queue
    })
  }

  putIncoming(clientId: string, packetIdentifier: number): void {
    this.#stageOf(clientId, ({ incoming }) => incoming.add(packetIdentifier))
  }

  removeIncoming(clientId: string, packetIdentifier: number): void {
    this.#stageOf(clientId, ({ incoming }) => incoming.delete(packetIdentifier))
  }

  putRetained(message: MessageRecord): void {
    this.#stage(({ retained }) => retained.set(message.topic, message))
  }

  removeRetained(topic: string): void {
    this.#stage(({ retained }) => retained.delete(topic))
  }

  async commit(): Promise<void> {
    const staged = this.#staged
    this.#staged = []
    for (const change of staged) change(this.#committed)
    for (const contents of [this.#committed, this.#present]) contents.sweep()
  }

  async close(): Promise<void> {
    await this.commit()
  }

  #stage(change: Change): void {
    change(this.#present)
    this.#staged.push(change)
  }

  /** Stages a change of a session; where there is no such session, nothing is changed. */
  #stageOf(clientId: string, change: (session: StoredSession, contents: Contents) => void): void {
    this.#stage((contents) => {
      const session = contents.sessions.get(clientId)
      if (session !== undefined) change(session, contents)
    })
  }
}
