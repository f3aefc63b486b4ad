import type { QueueRecord } from '@jamey/broker'
import { RecordReader } from '../lmdb/record-reader.js'
import { RecordWriter } from '../lmdb/record-writer.js'
import type { MigrationRecords, Schema } from '../lmdb/schema.js'
import {
  BrokerKey,
  messageKey,
  numberOf,
  partNumberOf,
  partOf,
  queueKey,
  referencesKey,
  SessionPart,
} from './keys.js'
import { queueValue, readDelivery } from './records.js'

export const BROKER_SCHEMA: Schema = {
  kind: 'jamey broker store',
  version: 3,
  migrations: new Map([
    [1, (records: MigrationRecords) => fromVersion1(records)],
    // A message may say for whom its publisher acts, which those before it do not.
    [2, () => {}],
  ]),
}

/** About what a message takes in the memory of a broker beside its record. */
const OVERHEAD_BYTES = 128

/** Some 25 bytes each. */
const MESSAGES_AT_ONCE = 500_000

/**
 * Format 1 told neither what a session's queue adds up to nor how many deliveries name a message. All deliveries are
 * read once for each `atOnce` messages, so that memory does not grow with the store.
 */
export function fromVersion1(records: MigrationRecords, atOnce = MESSAGES_AT_ONCE): void {
  const writer = new RecordWriter()
  const queues = new Map<number, QueueRecord>()
  for (let after: Uint8Array | undefined, isFirst = true; isFirst || after !== undefined; isFirst = false) {
    const messages = new CountedMessages()
    after = messages.read(records, after, atOnce)
    for (const { key, value } of records.range([BrokerKey.session])) {
      if (partOf(key) !== SessionPart.delivery) continue
      const { messageId, sharedFilter } = readDelivery(new RecordReader(value, records.path, key))
      const queue = queueOf(queues, numberOf(key))
      queue.bytes += messages.count(messageId)
      if (!isFirst) continue
      queue.messages++
      queue.lastSequence = partNumberOf(key)
      queue.hasShared ||= sharedFilter !== undefined
    }
    messages.write(records, writer)
  }
  for (const [session, queue] of queues) records.put(queueKey(writer, session), queueValue(writer, queue))
}

function queueOf(queues: Map<number, QueueRecord>, session: number): QueueRecord {
  let queue = queues.get(session)
  if (queue === undefined) {
    queue = { messages: 0, bytes: 0, lastSequence: 0, hasShared: false }
    queues.set(session, queue)
  }
  return queue
}

/** The messages of one pass, in the order of their numbers. */
class CountedMessages {
  readonly #numbers: number[] = []
  readonly #bytes: number[] = []
  /** Number of deliveries that name each message. */
  readonly #counts: number[] = []

  /** Takes at most so many behind the key `after`; gives the key of the last where there are more. */
  read({ range }: MigrationRecords, after: Uint8Array | undefined, maximum: number): Uint8Array | undefined {
    let last: Uint8Array | undefined
    for (const { key, value } of range([BrokerKey.message], after)) {
      if (this.#numbers.length === maximum) return last
      last = key
      this.#numbers.push(numberOf(key))
      this.#bytes.push(value.length + OVERHEAD_BYTES)
      this.#counts.push(0)
    }
    return undefined
  }

  /** Counts one more delivery of a message, and gives its bytes; 0 for a message of another pass, or of none. */
  count(messageId: number): number {
    const numbers = this.#numbers
    let low = 0
    for (let high = numbers.length; low < high; ) {
      const middle = (low + high) >>> 1
      if ((numbers[middle] as number) < messageId) low = middle + 1
      else high = middle
    }
    if (numbers[low] !== messageId) return 0
    this.#counts[low] = (this.#counts[low] as number) + 1
    return this.#bytes[low] as number
  }

  write({ put, remove }: MigrationRecords, writer: RecordWriter): void {
    for (let at = 0; at < this.#numbers.length; at++) {
      const messageId = this.#numbers[at] as number
      const count = this.#counts[at] as number
      if (count > 1) put(referencesKey(writer, messageId), writer.varint(count).endValue())
      // Nothing would ever remove a message that nobody waits for.
      if (count === 0) remove(messageKey(writer, messageId))
      writer.reset()
    }
  }
}
