import { Batch } from '../lmdb/batch.js'
import type { LmdbEnvironment } from '../lmdb/lmdb-environment.js'
import type { RecordWriter } from '../lmdb/record-writer.js'
import { StoreError } from '../lmdb/store-error.js'
import type { BrokerChanges, SessionPartChanges } from './changes.js'
import {
  deliveryKey,
  incomingKey,
  messageKey,
  partNumberOf,
  quarantineKey,
  queueKey,
  referencesKey,
  removedKey,
  retainedKey,
  sessionKey,
  subscriptionKey,
} from './keys.js'
import {
  deliveryValue,
  messageValue,
  queueValue,
  readDelivery,
  sessionValue,
  subscriptionValue,
} from './records.js'

/** Deliveries of a removed session that one commit clears away. */
export const CLEARED_AT_ONCE = 1000

/**
 * The batch of one commit, made on what the commit before it left. It counts: a message is written with the deliveries
 * that name it, and goes with the last of them.
 */
export class BrokerBatch {
  readonly batch = new Batch()
  /** Sessions of which more is to be cleared away. */
  readonly leftOver: number[] = []
  readonly #environment: LmdbEnvironment
  readonly #writer: RecordWriter
  /** Changes of the number of deliveries that name a message, by that message. */
  readonly #references = new Map<number, number>()

  constructor(environment: LmdbEnvironment, writer: RecordWriter) {
    environment.refresh()
    this.#environment = environment
    this.#writer = writer
  }

  addChanges({ sessions, messages, retained }: BrokerChanges): void {
    for (const [session, changes] of sessions) {
      if (changes.isRemoved) this.#removeSession(session, changes)
      else this.#addSession(session, changes)
    }
    const { batch } = this
    const writer = this.#writer
    for (const [messageId, message] of messages) {
      const count = this.#references.get(messageId) ?? 0
      this.#references.delete(messageId)
      if (count <= 0) continue
      batch.put(messageKey(writer, messageId), messageValue(writer, message))
      if (count > 1) this.#putCount(messageId, count)
    }
    for (const [topic, message] of retained) {
      const key = retainedKey(writer, topic)
      if (message === undefined) batch.remove(key)
      else batch.put(key, messageValue(writer, message))
    }
    this.#count()
  }

  /** Clears away the next of what a removed session has left. */
  addClearing(session: number): void {
    this.#clear(session, new Set())
    this.#count()
  }

  /** A record that cannot be read keeps no place among the others. */
  quarantine(key: Buffer): void {
    const value = this.#environment.raw(key)
    if (value === undefined) return
    this.batch.put(quarantineKey(key), value)
    this.batch.remove(key)
  }

  #addSession(session: number, changes: SessionPartChanges): void {
    const { batch } = this
    const writer = this.#writer
    if (changes.record !== undefined) {
      batch.put(sessionKey(writer, session), sessionValue(writer, changes.record))
    }
    for (const [filter, subscription] of changes.subscriptions) {
      const key = subscriptionKey(writer, session, filter)
      if (subscription === undefined) batch.remove(key)
      else batch.put(key, subscriptionValue(writer, subscription))
    }
    for (const [packetIdentifier, isIncoming] of changes.incoming) {
      const key = incomingKey(writer, session, packetIdentifier)
      if (isIncoming) batch.put(key, writer.endValue())
      else batch.remove(key)
    }
    for (const [sequence, change] of changes.deliveries) {
      const key = deliveryKey(writer, session, sequence)
      if (change.kind === 'quarantined') {
        this.quarantine(key)
        continue
      }
      if (change.kind === 'removed') batch.remove(key)
      else batch.put(key, deliveryValue(writer, change.delivery))
      if (change.kind === 'new') this.#refer(change.delivery.messageId, 1)
      else if (change.kind === 'removed') this.#refer(change.messageId, -1)
    }
    if (changes.queue !== undefined) batch.put(queueKey(writer, session), queueValue(writer, changes.queue))
  }

  #removeSession(session: number, { deliveries }: SessionPartChanges): void {
    const writer = this.#writer
    const range = { start: sessionKey(writer, session), end: deliveryKey(writer, session, 0) }
    for (const key of this.#environment.keysIn(range)) this.batch.remove(key)
    this.batch.remove(queueKey(writer, session))
    const removed = new Set<number>()
    for (const [sequence, change] of deliveries) {
      if (change.kind !== 'removed') continue
      removed.add(sequence)
      this.batch.remove(deliveryKey(writer, session, sequence))
      this.#refer(change.messageId, -1)
    }
    this.#clear(session, removed)
  }

  /** A queue of a million would be a commit of seconds, so it goes in pieces; the mark tells the next start of it. */
  #clear(session: number, except: ReadonlySet<number>): void {
    const writer = this.#writer
    const range = { start: deliveryKey(writer, session, 0), end: queueKey(writer, session) }
    let cleared = 0
    for (const { key, value } of this.#environment.entries(range)) {
      if (except.has(partNumberOf(key))) continue
      if (cleared === CLEARED_AT_ONCE) {
        this.leftOver.push(session)
        this.batch.put(removedKey(writer, session), writer.endValue())
        return
      }
      cleared++
      this.batch.remove(key)
      this.#referAsRead(key, value)
    }
    this.batch.remove(removedKey(writer, session))
  }

  /**
   * Subtracts the reference of a delivery as it is read; the message that a damaged one named is not known, and stays.
   */
  #referAsRead(key: Buffer, value: Buffer): void {
    try {
      this.#refer(readDelivery(this.#environment.reader(key, value)).messageId, -1)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
    }
  }

  #refer(messageId: number, change: number): void {
    this.#references.set(messageId, (this.#references.get(messageId) ?? 0) + change)
  }

  /** Writes the numbers of deliveries of messages that are in the store already. */
  #count(): void {
    const { batch } = this
    const writer = this.#writer
    for (const [messageId, change] of this.#references) {
      if (change === 0) continue
      const before = this.#environment.getAgain(referencesKey(writer, messageId))?.varint() ?? 1
      const count = before + change
      if (count > 1) this.#putCount(messageId, count)
      else if (before > 1) batch.remove(referencesKey(writer, messageId))
      if (count <= 0) batch.remove(messageKey(writer, messageId))
    }
    this.#references.clear()
  }

  #putCount(messageId: number, count: number): void {
    const writer = this.#writer
    this.batch.put(referencesKey(writer, messageId), writer.varint(count).endValue())
  }
}
