import type { StoredPublish, StoredReason } from '@jamey/mqtt'
import type { QoS } from '@jamey/protocol'
import type { Layout } from './layout.js'
import { readProperties, writeProperties } from './property-record.js'
import { type RecordReader, readKeyInteger } from './record-reader.js'
import type { RecordWriter } from './record-writer.js'

/**
 *     0                      format: kind and version
 *     1 sequence             a publish
 *     2 sequence             its PUBREC arrived; no content
 *     3 packet identifier    a QoS 2 message was received; no content
 *     4 sequence             it is set aside, and why
 *
 * The first byte of a key, then an integer of seven bytes.
 */
export const SESSION_LAYOUT: Layout = { kind: 'jamey session store', version: 1, migrations: new Map() }

export const SessionKey = { publish: 1, released: 2, received: 3, setAside: 4 } as const

const RETAIN = 0b100
const HAS_PROPERTIES = 0b1000

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

/** Flags with the QoS in the lowest two bits, topic, properties where there are any, payload up to the end. */
export function publishValue(writer: RecordWriter, publish: StoredPublish): Buffer {
  const { topic, payload, qos, retain, properties } = publish
  writer.byte(qos | (retain ? RETAIN : 0) | (properties === undefined ? 0 : HAS_PROPERTIES)).string(topic)
  if (properties !== undefined) writeProperties(writer, properties)
  return writer.rest(payload).endValue()
}

export function readPublish(sequence: number, reader: RecordReader): StoredPublish {
  const flags = reader.byte()
  const topic = reader.string()
  const properties = (flags & HAS_PROPERTIES) === 0 ? undefined : readProperties(reader)
  return {
    sequence,
    topic,
    payload: reader.rest(),
    qos: readQoS(flags, reader),
    retain: (flags & RETAIN) !== 0,
    properties,
  }
}

/** Code, message, reason code plus one or 0 where there is none. */
export function reasonValue(writer: RecordWriter, { code, message, reasonCode }: StoredReason): Buffer {
  return writer
    .string(code)
    .string(message)
    .varint(reasonCode === undefined ? 0 : reasonCode + 1)
    .endValue()
}

export function readReason(reader: RecordReader): StoredReason {
  const code = reader.string()
  const message = reader.string()
  const reasonCode = reader.varint()
  return { code, message, reasonCode: reasonCode === 0 ? undefined : reasonCode - 1 }
}

function readQoS(flags: number, reader: RecordReader): QoS {
  const qos = flags & 0b11
  if (qos === 3) throw reader.damage('expected a QoS from 0 to 2, found 3')
  return qos as QoS
}
