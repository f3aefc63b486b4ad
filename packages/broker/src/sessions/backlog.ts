import { Delivery, identifierOf } from '../messages/delivery.js'
import type { Message } from '../messages/message.js'
import type { DeliveryRecord, StoredDelivery } from '../ports/broker-store.js'
import type { OutgoingContext } from './outgoing-context.js'
import type { ReceivingSession } from './receiving-session.js'

/**
 * Bounds in messages and bytes for the part of a connected session's queue that waits in memory; a read stops at the
 * bytes, too.
 */
export const WINDOW_MESSAGES = 4_096
export const WINDOW_BYTES = 16_777_216
/** Number of deliveries that one read takes, in about a millisecond. */
const PAGE_MESSAGES = 256
const PAGE_BYTES = 1_048_576

/** A place in a queue up to which it was shown to others. */
export class BacklogCursor {
  /** Sequence of the last delivery that was shown. */
  after = -1
  /** Number of deliveries behind it that may have been on the wire. */
  sent = 0
  /** Number of deliveries that were shown. */
  shown = 0
  isAtEnd = false
}

interface Page {
  /** Deliveries whose messages are held in memory. */
  readonly deliveries: Delivery[]
  /** Number of records that were read, with those that cannot be read. */
  readonly records: number
  /** Sequence of the last record; the last of the queue where the end was reached. */
  readonly upTo: number
}

/**
 * The part of a session's queue that lies in the store alone: all deliveries with a sequence above a cursor. Memory
 * knows how many they are and what they would take. They are read in pages, at once and not in turns of the event loop:
 * LMDB answers from mapped memory, and so nothing can change between the question and its answer.
 */
export class Backlog {
  readonly #context: OutgoingContext
  readonly #session: ReceivingSession
  #messages = 0
  #bytes = 0
  #sent = 0
  /** Up to here deliveries are in memory, or over. */
  #after = 0
  /** Sequence of the last delivery of the queue. */
  #upTo = 0

  constructor(context: OutgoingContext, session: ReceivingSession) {
    this.#context = context
    this.#session = session
  }

  /** Counts may drift where records are damaged; the cursor does not. */
  get isEmpty(): boolean {
    return this.#after >= this.#upTo
  }

  get messages(): number {
    return this.#messages
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Number of its first deliveries that may have been on the wire. */
  get sent(): number {
    return this.#sent
  }

  /** Counts one more delivery, the last in the queue, that is in the store and not in memory. */
  add({ sequence, message }: Delivery): void {
    if (this.isEmpty) this.#after = sequence - 1
    this.#upTo = sequence
    this.#messages++
    this.#bytes += message.bytes
  }

  /** Everything that was in memory, and so in front of what is here, no longer is; `lastSequence` ends the queue. */
  takeBack(messages: number, bytes: number, sent: number, lastSequence: number): void {
    this.#messages += messages
    this.#bytes += bytes
    this.#sent += sent
    this.#after = 0
    this.#upTo = this.#messages > 0 ? lastSequence : 0
  }

  /** The next of them, which are in memory from now on. Throws where the store cannot be read. */
  take(): Delivery[] {
    const { deliveries, records, upTo } = this.#read(this.#after, this.#sent, PAGE_MESSAGES)
    for (const { message } of deliveries) this.#subtract(message)
    this.#sent = Math.max(0, this.#sent - records)
    this.#after = upTo
    if (this.isEmpty) this.#messages = this.#bytes = this.#sent = 0
    return deliveries
  }

  /**
   * Shows the next of them behind the cursor, in order and at most so many; those that `isTaken` are over, the others
   * stay where they are. Whether any was taken. Throws where the store cannot be read.
   */
  offer(cursor: BacklogCursor, maximum: number, isTaken: (delivery: Delivery) => boolean): boolean {
    const { persistence } = this.#context
    if (cursor.after < this.#after) {
      cursor.after = this.#after
      cursor.sent = this.#sent
    }
    const before = this.#messages
    const { deliveries, records, upTo } = this.#read(cursor.after, cursor.sent, maximum)
    for (const delivery of deliveries) {
      if (!isTaken(delivery)) {
        persistence.letGo(delivery.message)
        continue
      }
      this.#subtract(delivery.message)
      if (delivery.wasSent) this.#sent--
      persistence.removeDelivery(this.#session, delivery)
    }
    cursor.sent = Math.max(0, cursor.sent - records)
    cursor.after = upTo
    cursor.shown += records
    cursor.isAtEnd = upTo >= this.#upTo
    if (this.#messages === 0) this.#after = this.#upTo
    return this.#messages < before
  }

  #read(after: number, sent: number, maximum: number): Page {
    const { persistence } = this.#context
    const found = persistence.readDeliveries(this.#session, after, maximum)
    const deliveries: Delivery[] = []
    let bytes = 0
    let records = 0
    try {
      for (; records < found.length && bytes < PAGE_BYTES; records++) {
        const delivery = this.#revive(found[records] as StoredDelivery, records < sent)
        if (delivery === undefined) continue
        deliveries.push(delivery)
        bytes += delivery.message.bytes
      }
    } catch (error) {
      for (const { message } of deliveries) persistence.letGo(message)
      throw error
    }
    const isLast = records === found.length && found.length < maximum
    return { deliveries, records, upTo: isLast ? this.#upTo : (found[records - 1]?.sequence ?? this.#upTo) }
  }

  #revive({ sequence, delivery: record }: StoredDelivery, isSent: boolean): Delivery | undefined {
    if ('damage' in record) return this.#passOver(sequence, record.damage)
    const message = this.#context.persistence.readMessage(record.messageId)
    if ('damage' in message) return this.#passOver(sequence, message.damage)
    return revived(this.#session, sequence, record, message, isSent)
  }

  /** It is kept apart in the store, for whoever repairs it. */
  #passOver(sequence: number, damage: Error): undefined {
    this.#context.persistence.quarantineDelivery(this.#session, sequence)
    const { clientId } = this.#session
    this.#context.counters.damagedDeliveries++
    this.#context.log.error(
      { event: 'broker.queue.quarantined', clientId, sequence, err: damage },
      'a queued message cannot be read; it was quarantined',
    )
  }

  #subtract({ bytes }: Message): void {
    this.#messages = Math.max(0, this.#messages - 1)
    this.#bytes = Math.max(0, this.#bytes - bytes)
  }
}

function revived(
  session: ReceivingSession,
  sequence: number,
  record: DeliveryRecord,
  message: Message,
  isSent: boolean,
): Delivery {
  const { qos, retain, subscriptionIdentifiers, sharedFilter, packetIdentifier, isReleased } = record
  const group = sharedFilter === undefined ? undefined : session.groupOf(sharedFilter)
  const delivery = new Delivery(message, qos, retain, subscriptionIdentifiers, group, sequence)
  delivery.isStored = true
  // A delivery that was on the wire keeps its identifier. [MQTT-4.4.0-1]
  if (isSent || isReleased || packetIdentifier !== undefined) {
    delivery.mayHaveBeenSent = true
    delivery.packetIdentifier = packetIdentifier ?? identifierOf(sequence)
    delivery.state = isReleased ? 'released' : 'sent'
  }
  return delivery
}
