import type { QueueRecord } from '@jamey/broker'
import {
  BrokerKey,
  messageKey,
  numberOf,
  partNumberOf,
  partOf,
  queueKey,
  referencesKey,
  SessionPart,
} from './broker-keys.js'
import { queueValue, readDelivery } from './broker-records.js'
import type { Layout, MigrationRecords } from './layout.js'
import { RecordReader } from './record-reader.js'
import { RecordWriter } from './record-writer.js'

export const BROKER_LAYOUT: Layout = {
  kind: 'jamey broker store',
  version: 2,
  migrations: new Map([[1, fromVersion1]]),
}

/** About what a message takes in the memory of a broker beside its record. */
const OVERHEAD_BYTES = 128

/** Format 1 told neither what a session's queue adds up to nor how many deliveries name a message. */
function fromVersion1({ path, range, put, remove }: MigrationRecords): void {
  const writer = new RecordWriter()
  const bytes = new Map<number, number>()
  for (const { key, value } of range([BrokerKey.message])) {
    bytes.set(numberOf(key), value.length + OVERHEAD_BYTES)
  }
  const references = new Map<number, number>()
  const queues = new Map<number, QueueRecord>()
  for (const { key, value } of range([BrokerKey.session])) {
    if (partOf(key) !== SessionPart.delivery) continue
    const { messageId, sharedFilter } = readDelivery(new RecordReader(value, path, key))
    references.set(messageId, (references.get(messageId) ?? 0) + 1)
    const session = numberOf(key)
    const queue = queues.get(session) ?? { messages: 0, bytes: 0, lastSequence: 0, hasShared: false }
    queue.messages++
    queue.bytes += bytes.get(messageId) ?? 0
    queue.lastSequence = partNumberOf(key)
    queue.hasShared ||= sharedFilter !== undefined
    queues.set(session, queue)
  }
  for (const [session, queue] of queues) put(queueKey(writer, session), queueValue(writer, queue))
  for (const messageId of bytes.keys()) {
    const count = references.get(messageId) ?? 0
    if (count > 1) put(referencesKey(writer, messageId), writer.varint(count).endValue())
    // Nothing would ever remove a message that nobody waits for.
    if (count === 0) remove(messageKey(writer, messageId))
  }
}
