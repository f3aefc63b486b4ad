import { randomBytes } from 'node:crypto'
import type { StoredAmount, StoredPublish, StoredReason } from '@jamey/mqtt'
import type { QoS } from '@jamey/protocol'
import { readProperties, writeProperties } from '../lmdb/property-record.js'
import { type RecordReader, readKeyInteger } from '../lmdb/record-reader.js'
import type { RecordWriter } from '../lmdb/record-writer.js'

/**
 *     0                      format: kind and version
 *     1 sequence             a publish that waits
 *     2 sequence             its PUBREC arrived; no content
 *     3 packet identifier    a QoS 2 message was received: its digest (nothing before format 2)
 *     4 sequence             a dead letter, and why
 *     5                      the ledger: what the store is called, and what is in it
 *     6 sequence             why a message was given up that nobody waited for
 *
 * The first byte of a key, then an integer of seven bytes where one is named.
 */
export const SessionKey = {
  publish: 1,
  released: 2,
  received: 3,
  deadLetter: 4,
  ledger: 5,
  givenUp: 6,
} as const
export const LEDGER_KEY = Buffer.from([SessionKey.ledger])

/** The sums over a store, written with every commit that changes them, so that opening the store need not count. */
export interface Ledger {
  readonly identifier: string
  readonly nextSequence: number
  readonly waiting: StoredAmount
  readonly deadLetters: StoredAmount
}

export const NOTHING: StoredAmount = { messages: 0, bytes: 0 }

export function newLedger(): Ledger {
  return {
    identifier: randomBytes(8).toString('hex'),
    nextSequence: 0,
    waiting: NOTHING,
    deadLetters: NOTHING,
  }
}

export function ledgerValue(writer: RecordWriter, ledger: Ledger): Buffer {
  writer.string(ledger.identifier).varint(ledger.nextSequence)
  for (const { messages, bytes } of [ledger.waiting, ledger.deadLetters])
    writer.varint(messages).varint(bytes)
  return writer.endValue()
}

export function readLedger(reader: RecordReader): Ledger {
  const identifier = reader.string()
  const nextSequence = reader.varint()
  const amount = (): StoredAmount => ({ messages: reader.varint(), bytes: reader.varint() })
  return { identifier, nextSequence, waiting: amount(), deadLetters: amount() }
}

const RETAIN = 0b100
const HAS_PROPERTIES = 0b1000
const HAS_TIME = 0b10000

export function sessionKey(
  writer: RecordWriter,
  kind: (typeof SessionKey)[keyof typeof SessionKey],
  value: number,
): Buffer {
  return writer.byte(kind).keyInteger(value).endKey()
}

/** The sequence number or packet identifier of a key. */
export function numberOf(key: Buffer): number {
  return readKeyInteger(key, 1)
}

/**
 * Flags with the QoS in the lowest two bits, when it came here (milliseconds since 1970; not before format 2), topic,
 * properties where there are any, payload up to the end.
 */
export function publishValue(writer: RecordWriter, publish: StoredPublish, storedAtMs: number): Buffer {
  const { topic, payload, qos, retain, properties } = publish
  const flags = HAS_TIME | qos | (retain ? RETAIN : 0) | (properties === undefined ? 0 : HAS_PROPERTIES)
  writer.byte(flags).double(storedAtMs).string(topic)
  if (properties !== undefined) writeProperties(writer, properties)
  return writer.rest(payload).endValue()
}

export interface TimedPublish extends StoredPublish {
  /** Undefined where format 1 wrote it. */
  readonly storedAtMs: number | undefined
}

export function readPublish(sequence: number, reader: RecordReader): TimedPublish {
  const flags = reader.byte()
  const storedAtMs = (flags & HAS_TIME) === 0 ? undefined : reader.double()
  const topic = reader.string()
  const properties = (flags & HAS_PROPERTIES) === 0 ? undefined : readProperties(reader)
  const retain = (flags & RETAIN) !== 0
  const qos = readQoS(flags, reader)
  return { sequence, topic, payload: reader.rest(), qos, retain, properties, storedAtMs }
}

/** Code, message, reason code plus one or 0 where there is none. */
function writeReason(writer: RecordWriter, { code, message, reasonCode }: StoredReason): RecordWriter {
  return writer
    .string(code)
    .string(message)
    .varint(reasonCode === undefined ? 0 : reasonCode + 1)
}

export function givenUpValue(writer: RecordWriter, reason: StoredReason): Buffer {
  return writeReason(writer, reason).endValue()
}

/** The reason, then as any publish. */
export function deadLetterValue(
  writer: RecordWriter,
  publish: StoredPublish,
  reason: StoredReason,
  storedAtMs: number,
): Buffer {
  return publishValue(writeReason(writer, reason), publish, storedAtMs)
}

export function readReason(reader: RecordReader): StoredReason {
  const code = reader.string()
  const message = reader.string()
  const reasonCode = reader.varint()
  return { code, message, reasonCode: reasonCode === 0 ? undefined : reasonCode - 1 }
}

/** Bytes of a message as `StoredAmount` counts them. */
export function bytesOf({ topic, payload }: StoredPublish): number {
  return topic.length + payload.length
}

function readQoS(flags: number, reader: RecordReader): QoS {
  const qos = flags & 0b11
  if (qos === 3) throw reader.damage('expected a QoS from 0 to 2, found 3')
  return qos as QoS
}
