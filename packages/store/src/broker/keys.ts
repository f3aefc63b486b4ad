import { createHash } from 'node:crypto'
import { readKeyInteger } from '../lmdb/record-reader.js'
import { KEY_INTEGER_BYTES, type RecordWriter } from '../lmdb/record-writer.js'

/**
 *     0                                  format: kind and version
 *     1 session 0                        a session
 *     1 session 1 name                   a subscription, by its filter
 *     1 session 2 packet identifier      a QoS 2 message that was taken and not released; no content
 *     1 session 3 sequence               a delivery
 *     1 session 4                        what the session's deliveries add up to, where it ever had one
 *     2 message                          a message
 *     3 name                             a retained message, by its topic
 *     4 message                          how many deliveries name the message, where it is more than one
 *     5 session                          a session that is gone, of which deliveries are left; no content
 *     6 key                              a record that could not be read, as it was found under that key
 *
 * Numbers are integers of seven bytes. A session's number stands for its client identifier, which may be longer than
 * a key can be; all that is a session's own lies together. A name is 0 and its UTF-8, or, where that is long, 1 and
 * its SHA-256.
 */
export const BrokerKey = {
  session: 1,
  message: 2,
  retained: 3,
  references: 4,
  removed: 5,
  quarantined: 6,
} as const
export const SessionPart = { session: 0, subscription: 1, incoming: 2, delivery: 3, queue: 4 } as const

type SessionPart = (typeof SessionPart)[keyof typeof SessionPart]

const PART_AT = 1 + KEY_INTEGER_BYTES
const MAXIMUM_NAME_BYTES = 256

export function sessionKey(writer: RecordWriter, session: number): Buffer {
  return startSessionKey(writer, session, SessionPart.session).endKey()
}

export function subscriptionKey(writer: RecordWriter, session: number, filter: string): Buffer {
  return writeName(startSessionKey(writer, session, SessionPart.subscription), filter).endKey()
}

export function incomingKey(writer: RecordWriter, session: number, packetIdentifier: number): Buffer {
  return startSessionKey(writer, session, SessionPart.incoming).keyInteger(packetIdentifier).endKey()
}

export function deliveryKey(writer: RecordWriter, session: number, sequence: number): Buffer {
  return startSessionKey(writer, session, SessionPart.delivery).keyInteger(sequence).endKey()
}

export function queueKey(writer: RecordWriter, session: number): Buffer {
  return startSessionKey(writer, session, SessionPart.queue).endKey()
}

export function referencesKey(writer: RecordWriter, messageId: number): Buffer {
  return writer.byte(BrokerKey.references).keyInteger(messageId).endKey()
}

export function removedKey(writer: RecordWriter, session: number): Buffer {
  return writer.byte(BrokerKey.removed).keyInteger(session).endKey()
}

export function quarantineKey(key: Buffer): Buffer {
  return Buffer.concat([Buffer.from([BrokerKey.quarantined]), key])
}

export function messageKey(writer: RecordWriter, messageId: number): Buffer {
  return writer.byte(BrokerKey.message).keyInteger(messageId).endKey()
}

export function retainedKey(writer: RecordWriter, topic: string): Buffer {
  return writeName(writer.byte(BrokerKey.retained), topic).endKey()
}

/** The session's or the message's number. */
export function numberOf(key: Buffer): number {
  return readKeyInteger(key, 1)
}

export function partOf(key: Buffer): number | undefined {
  return key[PART_AT]
}

/** The sequence or packet identifier of a session's part. */
export function partNumberOf(key: Buffer): number {
  return readKeyInteger(key, PART_AT + 1)
}

function startSessionKey(writer: RecordWriter, session: number, part: SessionPart): RecordWriter {
  return writer.byte(BrokerKey.session).keyInteger(session).byte(part)
}

function writeName(writer: RecordWriter, name: string): RecordWriter {
  const bytes = Buffer.from(name)
  if (bytes.length <= MAXIMUM_NAME_BYTES) return writer.byte(0).rest(bytes)
  return writer.byte(1).rest(createHash('sha256').update(bytes).digest())
}
