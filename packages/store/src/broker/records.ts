import type {
  DeliveryRecord,
  MessageRecord,
  QueueRecord,
  SessionRecord,
  SubscriptionRecord,
} from '@jamey/broker'
import type { ProtocolVersion, QoS, SubscriptionRequest, Will } from '@jamey/protocol'
import { readProperties, writeProperties } from '../lmdb/property-record.js'
import type { RecordReader } from '../lmdb/record-reader.js'
import type { RecordWriter } from '../lmdb/record-writer.js'

/** Keys in broker-keys.ts. Most values begin with their flags, the QoS in the lowest two bits. */
const RETAIN = 1 << 2
const HAS_PROPERTIES = 1 << 3

const MESSAGE_EXPIRES = 1 << 4
const HAS_ACT_FOR = 1 << 5

const SESSION_HAS_WILL = 1 << 4
const SESSION_IS_DISCONNECTED = 1 << 5

const NO_LOCAL = 1 << 2
const RETAIN_AS_PUBLISHED = 1 << 3
const RETAIN_HANDLING_SHIFT = 4
const HAS_SUBSCRIPTION_IDENTIFIER = 1 << 6

const IS_RELEASED = 1 << 3
const HAS_SUBSCRIPTION_IDENTIFIERS = 1 << 4
const IS_SHARED = 1 << 5
const HAS_PACKET_IDENTIFIER = 1 << 6

const HAS_SHARED = 1

const flag = (isSet: boolean, bit: number): number => (isSet ? bit : 0)

/** Flags, topic, publisher, for whom it acts with their count, expiry, properties, payload up to the end. */
export function messageValue(writer: RecordWriter, message: MessageRecord): Buffer {
  const { topic, payload, qos, retain, properties, expiresAtMs, publishedBy, actsFor } = message
  const flags =
    qos |
    flag(retain, RETAIN) |
    flag(properties !== undefined, HAS_PROPERTIES) |
    flag(expiresAtMs !== undefined, MESSAGE_EXPIRES) |
    flag(actsFor !== undefined, HAS_ACT_FOR)
  writer.byte(flags).string(topic).string(publishedBy)
  if (actsFor !== undefined) {
    writer.varint(actsFor.length)
    for (const clientId of actsFor) writer.string(clientId)
  }
  if (expiresAtMs !== undefined) writer.double(expiresAtMs)
  if (properties !== undefined) writeProperties(writer, properties)
  return writer.rest(payload).endValue()
}

export function readMessage(reader: RecordReader): MessageRecord {
  const flags = reader.byte()
  const topic = reader.string()
  const publishedBy = reader.string()
  const actsFor = (flags & HAS_ACT_FOR) === 0 ? undefined : readList(reader, () => reader.string())
  const expiresAtMs = (flags & MESSAGE_EXPIRES) === 0 ? undefined : reader.double()
  const properties = (flags & HAS_PROPERTIES) === 0 ? undefined : readProperties(reader)
  return {
    topic,
    payload: reader.rest(),
    qos: readQoS(flags, reader),
    retain: (flags & RETAIN) !== 0,
    properties,
    expiresAtMs,
    publishedBy,
    actsFor,
  }
}

/** Flags, client identifier, user name, version, expiry, window, time of disconnection, will. */
export function sessionValue(writer: RecordWriter, session: SessionRecord): Buffer {
  const { clientId, username, protocolVersion, expirySeconds, disconnectedAtMs, will, inFlightWindow } =
    session
  const flags =
    flag(will !== undefined, SESSION_HAS_WILL) | flag(disconnectedAtMs !== undefined, SESSION_IS_DISCONNECTED)
  writer
    .byte(flags)
    .string(clientId)
    .string(username)
    .byte(protocolVersion)
    .varint(expirySeconds)
    .varint(inFlightWindow)
  if (disconnectedAtMs !== undefined) writer.double(disconnectedAtMs)
  if (will !== undefined) writeWill(writer, will)
  return writer.endValue()
}

export function readSession(reader: RecordReader): SessionRecord {
  const flags = reader.byte()
  return {
    clientId: reader.string(),
    username: reader.string(),
    protocolVersion: reader.byte() as ProtocolVersion,
    expirySeconds: reader.varint(),
    inFlightWindow: reader.varint(),
    disconnectedAtMs: (flags & SESSION_IS_DISCONNECTED) === 0 ? undefined : reader.double(),
    will: (flags & SESSION_HAS_WILL) === 0 ? undefined : readWill(reader),
  }
}

/** Flags, filter, subscription identifier. */
export function subscriptionValue(writer: RecordWriter, subscription: SubscriptionRecord): Buffer {
  const { filter, qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifier } = subscription
  const flags =
    qos |
    flag(noLocal, NO_LOCAL) |
    flag(retainAsPublished, RETAIN_AS_PUBLISHED) |
    (retainHandling << RETAIN_HANDLING_SHIFT) |
    flag(subscriptionIdentifier !== undefined, HAS_SUBSCRIPTION_IDENTIFIER)
  writer.byte(flags).string(filter)
  if (subscriptionIdentifier !== undefined) writer.varint(subscriptionIdentifier)
  return writer.endValue()
}

export function readSubscription(reader: RecordReader): SubscriptionRecord {
  const flags = reader.byte()
  const hasIdentifier = (flags & HAS_SUBSCRIPTION_IDENTIFIER) !== 0
  return {
    filter: reader.string(),
    qos: readQoS(flags, reader),
    noLocal: (flags & NO_LOCAL) !== 0,
    retainAsPublished: (flags & RETAIN_AS_PUBLISHED) !== 0,
    retainHandling: readRetainHandling((flags >> RETAIN_HANDLING_SHIFT) & 0b11, reader),
    subscriptionIdentifier: hasIdentifier ? reader.varint() : undefined,
  }
}

/** Flags, message, packet identifier, subscription identifiers with their count, filter of the shared subscription. */
export function deliveryValue(writer: RecordWriter, delivery: DeliveryRecord): Buffer {
  const { messageId, qos, retain, subscriptionIdentifiers, sharedFilter, packetIdentifier, isReleased } =
    delivery
  const flags =
    qos |
    flag(retain, RETAIN) |
    flag(isReleased, IS_RELEASED) |
    flag(subscriptionIdentifiers !== undefined, HAS_SUBSCRIPTION_IDENTIFIERS) |
    flag(sharedFilter !== undefined, IS_SHARED) |
    flag(packetIdentifier !== undefined, HAS_PACKET_IDENTIFIER)
  writer.byte(flags).varint(messageId)
  if (packetIdentifier !== undefined) writer.varint(packetIdentifier)
  if (subscriptionIdentifiers !== undefined) {
    writer.varint(subscriptionIdentifiers.length)
    for (const identifier of subscriptionIdentifiers) writer.varint(identifier)
  }
  if (sharedFilter !== undefined) writer.string(sharedFilter)
  return writer.endValue()
}

export function readDelivery(reader: RecordReader): DeliveryRecord {
  const flags = reader.byte()
  const qos = readQoS(flags, reader)
  if (qos === 0) throw reader.damage('expected a delivery of QoS 1 or 2, found 0')
  return {
    messageId: reader.varint(),
    qos,
    retain: (flags & RETAIN) !== 0,
    isReleased: (flags & IS_RELEASED) !== 0,
    packetIdentifier: (flags & HAS_PACKET_IDENTIFIER) === 0 ? undefined : reader.varint(),
    subscriptionIdentifiers:
      (flags & HAS_SUBSCRIPTION_IDENTIFIERS) === 0 ? undefined : readList(reader, () => reader.varint()),
    sharedFilter: (flags & IS_SHARED) === 0 ? undefined : reader.string(),
  }
}

/** Flags, messages, bytes, last sequence. */
export function queueValue(writer: RecordWriter, queue: QueueRecord): Buffer {
  const { messages, bytes, lastSequence, hasShared } = queue
  writer.byte(flag(hasShared, HAS_SHARED)).varint(messages).varint(bytes).varint(lastSequence)
  return writer.endValue()
}

export function readQueue(reader: RecordReader): QueueRecord {
  const flags = reader.byte()
  return {
    messages: reader.varint(),
    bytes: reader.varint(),
    lastSequence: reader.varint(),
    hasShared: (flags & HAS_SHARED) !== 0,
  }
}

function writeWill(writer: RecordWriter, { topic, payload, qos, retain, properties }: Will): void {
  const flags = qos | flag(retain, RETAIN) | flag(properties !== undefined, HAS_PROPERTIES)
  writer.byte(flags).string(topic)
  if (properties !== undefined) writeProperties(writer, properties)
  writer.rest(payload)
}

function readWill(reader: RecordReader): Will {
  const flags = reader.byte()
  const topic = reader.string()
  const properties = (flags & HAS_PROPERTIES) === 0 ? undefined : readProperties(reader)
  return {
    topic,
    payload: reader.rest(),
    qos: readQoS(flags, reader),
    retain: (flags & RETAIN) !== 0,
    properties,
  }
}

function readList<Entry>(reader: RecordReader, readEntry: () => Entry): Entry[] {
  const list: Entry[] = []
  for (let left = reader.varint(); left > 0; left--) list.push(readEntry())
  return list
}

function readQoS(flags: number, reader: RecordReader): QoS {
  const qos = flags & 0b11
  if (qos === 3) throw reader.damage('expected a QoS from 0 to 2, found 3')
  return qos as QoS
}

function readRetainHandling(value: number, reader: RecordReader): SubscriptionRequest['retainHandling'] {
  if (value === 3) throw reader.damage('expected a retain handling from 0 to 2, found 3')
  return value as SubscriptionRequest['retainHandling']
}
