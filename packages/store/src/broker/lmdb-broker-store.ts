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
} from '@jamey/broker'
import type { LmdbEnvironment } from '../lmdb/lmdb-environment.js'
import type { RecordReader } from '../lmdb/record-reader.js'
import { RecordWriter } from '../lmdb/record-writer.js'
import { StoreError } from '../lmdb/store-error.js'
import { BrokerBatch } from './batch.js'
import { BrokerChanges, type SessionPartChanges } from './changes.js'
import { BrokerKey, deliveryKey, messageKey, numberOf, partNumberOf, queueKey } from './keys.js'
import { readDelivery, readMessage } from './records.js'
import { readState } from './state.js'

/** A BrokerStore in LMDB; see `openBrokerStore`. */
export class LmdbBrokerStore implements BrokerStore {
  readonly #environment: LmdbEnvironment
  readonly #writer = new RecordWriter()
  #changes = new BrokerChanges()
  /** Handed to `commit` and not in the store yet, the first of them being written. */
  readonly #committing: BrokerChanges[] = []
  /** Numbers of removed sessions of which deliveries are left. */
  #removed: number[] = []
  /** Client identifier to the session's number in the keys. */
  readonly #numbers = new Map<string, number>()
  #nextNumber = 1
  /** Settles with the last commit that was asked for, and never rejects. */
  #last: Promise<void> = Promise.resolve()
  #isClosing = false
  /** Found and not asked for yet. */
  #damage: Error[] = []

  constructor(environment: LmdbEnvironment) {
    this.#environment = environment
  }

  async load(): Promise<StoredState> {
    const damaged: Buffer[] = []
    const { numbers: _, ...state } = readState(this.#environment, {
      onSession: (clientId, number) => {
        if (clientId !== undefined) this.#numbers.set(clientId, number)
        this.#nextNumber = Math.max(this.#nextNumber, number + 1)
      },
      onDamage: (key, error) => {
        damaged.push(Buffer.from(key))
        this.#damage.push(error)
      },
    })
    // Records that cannot be quarantined now are found again at the next start.
    await this.#quarantine(damaged).catch(() => {})
    this.#removed = [...this.#environment.keys([BrokerKey.removed])].map(numberOf)
    for (const number of this.#removed) this.#nextNumber = Math.max(this.#nextNumber, number + 1)
    this.#clearSoon()
    return state
  }

  readDeliveries(clientId: string, after: number, maximum: number): StoredDelivery[] {
    const session = this.#numbers.get(clientId)
    if (session === undefined) return []
    try {
      return this.#readDeliveries(session, after, maximum)
    } catch (error) {
      this.#recoverSoon()
      throw error
    }
  }

  #readDeliveries(session: number, after: number, maximum: number): StoredDelivery[] {
    const staged = this.#stagedDeliveries(session, after)
    const found: StoredDelivery[] = []
    const writer = new RecordWriter(64)
    const range = { start: deliveryKey(writer, session, after + 1), end: queueKey(writer, session) }
    for (const { key, value } of this.#environment.entries(range)) {
      if (found.length === maximum) break
      const sequence = partNumberOf(key)
      // Deliveries that are being written may be here already.
      if (staged?.has(sequence)) continue
      const delivery = this.#readable(() => readDelivery(this.#environment.reader(key, value)))
      found.push({ sequence, delivery })
    }
    if (staged === undefined) return found
    for (const [sequence, delivery] of staged) if (delivery !== undefined) found.push({ sequence, delivery })
    return found.sort((a, b) => a.sequence - b.sequence).slice(0, maximum)
  }

  readMessage(messageId: number): MessageRecord | Damaged {
    for (const { messages } of [...this.#committing, this.#changes]) {
      const staged = messages.get(messageId)
      if (staged !== undefined) return staged
    }
    return this.#readable(() => {
      const key = messageKey(new RecordWriter(16), messageId)
      const reader: RecordReader | undefined = this.#environment.getAgain(key)
      if (reader !== undefined) return readMessage(reader)
      throw new StoreError(
        'damaged',
        this.#environment.path,
        `message ${messageId}, which is waited for, is missing`,
      )
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
    this.#changes.ofSession(number).remove()
  }

  renameSession(clientId: string, session: SessionRecord): void {
    const number = this.#numbers.get(clientId)
    if (number === undefined) return
    this.#numbers.delete(clientId)
    this.#numbers.set(session.clientId, number)
    this.putSession(session)
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

  putDelivery(clientId: string, sequence: number, delivery: DeliveryRecord): void {
    this.#of(clientId)?.change(sequence, { kind: 'new', delivery })
  }

  updateDelivery(clientId: string, sequence: number, delivery: DeliveryRecord): void {
    this.#of(clientId)?.change(sequence, { kind: 'updated', delivery })
  }

  removeDelivery(clientId: string, sequence: number, messageId: number): void {
    this.#of(clientId)?.change(sequence, { kind: 'removed', messageId })
  }

  putQueue(clientId: string, queue: QueueRecord): void {
    const changes = this.#of(clientId)
    if (changes !== undefined) changes.queue = queue
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

  quarantineDelivery(clientId: string, sequence: number): void {
    this.#of(clientId)?.change(sequence, { kind: 'quarantined' })
  }

  check(): void {
    this.#environment.check()
  }

  takeDamage(): Error[] {
    return [...this.#environment.takeDamage(), ...this.#damage.splice(0)]
  }

  commit(): Promise<void> {
    this.#committing.push(this.#changes)
    this.#changes = new BrokerChanges()
    return this.#inTurn(() => this.#commit())
  }

  /** Commits what is staged, and rejects where that cannot be done; the files are let go of anyway. */
  async close(): Promise<void> {
    this.#isClosing = true
    try {
      await this.commit()
    } finally {
      await this.#environment.close()
    }
  }

  async #quarantine(keys: readonly Buffer[]): Promise<void> {
    if (keys.length === 0) return
    await this.#inTurn(() =>
      this.#write((batch) => {
        for (const key of keys) batch.quarantine(key)
      }),
    )
  }

  #of(clientId: string): SessionPartChanges | undefined {
    const number = this.#numbers.get(clientId)
    return number === undefined ? undefined : this.#changes.ofSession(number)
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.#last.then(step)
    this.#last = done.catch(() => {})
    return done
  }

  async #commit(): Promise<void> {
    const changes = this.#committing[0] as BrokerChanges
    try {
      await this.#environment.recover()
      if (!changes.isEmpty) await this.#write((batch) => batch.addChanges(changes))
      this.#committing.shift()
    } catch (error) {
      this.#committing.shift()
      const [next] = this.#committing
      if (next === undefined) this.#changes = this.#changes.over(changes)
      else this.#committing[0] = next.over(changes)
      throw error
    }
  }

  async #write(add: (batch: BrokerBatch) => void): Promise<void> {
    try {
      const changes = new BrokerBatch(this.#environment, this.#writer)
      add(changes)
      await this.#environment.commit(changes.batch)
      if (changes.leftOver.length === 0) return
      this.#removed.push(...changes.leftOver)
      this.#clearSoon()
    } finally {
      this.#writer.reset()
    }
  }

  /** Clears away a piece of a removed session between commits, and then the next. Where that fails, a later start does. */
  #clearSoon(): void {
    if (this.#removed.length === 0) return
    setImmediate(() => {
      void this.#inTurn(() => this.#clearOne()).catch(() => {})
    })
  }

  async #clearOne(): Promise<void> {
    if (this.#isClosing) return
    const session = this.#removed.shift()
    if (session === undefined) return
    await this.#environment.recover()
    await this.#write((batch) => batch.addClearing(session))
    this.#clearSoon()
  }

  /**
   * Staged deliveries by sequence; undefined for one that was removed. None where no change concerns what lies behind
   * `after`.
   */
  #stagedDeliveries(session: number, after: number): Map<number, DeliveryRecord | undefined> | undefined {
    let staged: Map<number, DeliveryRecord | undefined> | undefined
    for (const { sessions } of [...this.#committing, this.#changes]) {
      for (const [sequence, change] of sessions.get(session)?.deliveries ?? []) {
        if (sequence <= after) continue
        staged ??= new Map()
        const isGone = change.kind === 'removed' || change.kind === 'quarantined'
        staged.set(sequence, isGone ? undefined : change.delivery)
      }
    }
    return staged
  }

  #readable<Value>(read: () => Value): Value | Damaged {
    try {
      return read()
    } catch (error) {
      const isRecord = error instanceof StoreError && error.code === 'damaged'
      if (isRecord && !this.#environment.isDamaged) return { damage: error }
      this.#recoverSoon()
      throw error
    }
  }

  /** A page cannot be read, and nothing more until the file is opened again. Where that fails, the next commit tells. */
  #recoverSoon(): void {
    if (!this.#environment.isDamaged) return
    void this.#inTurn(() => this.#environment.recover()).catch(() => {})
  }
}
