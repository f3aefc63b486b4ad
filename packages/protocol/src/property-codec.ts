import { ProtocolError } from './errors.js'
import {
  PROPERTIES,
  type PropertiesOf,
  type PropertyHolder,
  type PropertyRow,
  type UserProperty,
} from './properties.js'
import type { Reader } from './reader.js'
import { ReasonCode } from './reason-codes.js'
import { invalidArgument, MAXIMUM_VARINT, notOfType, Writer } from './writer.js'

type Value = number | string | Uint8Array | UserProperty
/** Any property set, as the table-driven code below sees it. */
type PropertyBag = { [name: string]: Value | readonly Value[] | undefined }

interface Layout {
  rows: readonly PropertyRow[]
  byId: readonly (PropertyRow | undefined)[]
  /** Every property of the set, undefined: copies of it share one hidden class. */
  empty: Readonly<PropertyBag>
}

const LARGEST = { uint16: 0xffff, uint32: 0xffff_ffff, varint: MAXIMUM_VARINT } as const

const TOPIC_ALIAS = 0x23
const USER_PROPERTY = PROPERTIES.find(({ name }) => name === 'userProperties') as PropertyRow

const LAYOUTS = new Map<PropertyHolder, Layout>()
for (const row of PROPERTIES) {
  for (const holder of row.on) if (!LAYOUTS.has(holder)) LAYOUTS.set(holder, layoutOf(holder))
}

function layoutOf(holder: PropertyHolder): Layout {
  const rows = PROPERTIES.filter((row) => (row.on as readonly PropertyHolder[]).includes(holder))
  const byId: (PropertyRow | undefined)[] = Array.from({ length: 128 })
  const empty: PropertyBag = {}
  for (const row of rows) {
    byId[row.id] = row
    empty[row.name] = undefined
  }
  return { rows, byId, empty }
}

/** Reads a property length and the properties; undefined where the length is 0. */
export function readProperties<H extends PropertyHolder>(
  reader: Reader,
  holder: H,
): PropertiesOf<H> | undefined {
  const length = reader.varint()
  if (length === 0) return undefined
  const end = reader.at + length
  if (end > reader.end) throw reader.malformed(`property length ${length} runs past the end of the packet`)
  if (length > reader.mostPropertyBytes) throw tooLarge(reader, length)
  const layout = LAYOUTS.get(holder) as Layout
  const properties: PropertyBag = { ...layout.empty }
  const outer = reader.narrow(end)
  while (reader.at < end) {
    const at = reader.at
    const id = reader.varint()
    const row = layout.byId[id]
    if (row === undefined) {
      throw reader.malformed(`property 0x${id.toString(16).padStart(2, '0')} is not one of ${holder}`, at)
    }
    const value = readValue(reader, row)
    const present = properties[row.name]
    if (row.repeats) {
      if (present === undefined) properties[row.name] = [value]
      else (present as Value[]).push(value)
    } else if (present === undefined) properties[row.name] = value
    // [MQTT 5.0 section 2.2.2.2]: a repeated property is a Protocol Error unless it may repeat.
    else throw reader.violation(`property ${row.name} stands twice`, ReasonCode.protocolError, at)
  }
  reader.narrow(outer)
  return properties as PropertiesOf<H>
}

function tooLarge(reader: Reader, length: number): ProtocolError {
  return new ProtocolError(
    'packet-too-large',
    ReasonCode.packetTooLarge,
    reader.at - reader.start,
    `properties of ${length} bytes: at most ${reader.mostPropertyBytes} are accepted`,
  )
}

function readValue(reader: Reader, row: PropertyRow): Value {
  const at = reader.at
  switch (row.kind) {
    case 'flag': {
      const value = reader.byte()
      if (value > 1) {
        const message = `${row.name} is ${value}; expected 0 or 1`
        throw reader.violation(message, ReasonCode.protocolError, at)
      }
      return value
    }
    case 'uint16':
      return reader.uint16()
    case 'positiveUint16':
      return positive(reader, row, reader.uint16(), at)
    // [MQTT-3.3.2-8]
    case 'topicAlias':
      return positive(reader, row, reader.uint16(), at, ReasonCode.topicAliasInvalid)
    case 'uint32':
      return reader.uint32()
    case 'positiveUint32':
      return positive(reader, row, reader.uint32(), at)
    case 'positiveVarint':
      return positive(reader, row, reader.varint(), at)
    case 'string':
      return reader.string()
    case 'topic':
      return reader.topic()
    case 'binary':
      return reader.binary()
    case 'pair':
      return [reader.string(), reader.string()]
  }
}

function positive(
  reader: Reader,
  row: PropertyRow,
  value: number,
  at: number,
  reasonCode: number = ReasonCode.protocolError,
): number {
  if (value === 0) throw reader.violation(`${row.name} is 0; expected at least 1`, reasonCode, at)
  return value
}

/**
 * Writes the property length and the properties that are there, and what is not among them: a `topicAlias`, and behind
 * all others `encoded` ones.
 */
export function writeProperties<H extends PropertyHolder>(
  writer: Writer,
  holder: H,
  properties: PropertiesOf<H> | undefined,
  topicAlias = 0,
  encoded?: Uint8Array | undefined,
): void {
  if (properties === undefined && topicAlias === 0) {
    if (encoded === undefined) return writer.byte(0)
    writer.varint(encoded.length)
    return writer.bytes(encoded)
  }
  const mark = writer.openSection()
  if (topicAlias > 0) {
    writer.byte(TOPIC_ALIAS)
    writer.uint16(topicAlias)
  }
  if (properties !== undefined) writeEach(writer, holder, properties as PropertyBag)
  if (encoded !== undefined) writer.bytes(encoded)
  writer.closeSection(mark)
}

function writeEach(writer: Writer, holder: PropertyHolder, bag: PropertyBag): void {
  const { rows } = LAYOUTS.get(holder) as Layout
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as PropertyRow
    const value = bag[row.name]
    if (value === undefined) continue
    if (!row.repeats) writeValue(writer, row, value as Value)
    else if (!Array.isArray(value)) throw notOfType(row.name, value, 'a list')
    else for (const member of value) writeValue(writer, row, member)
  }
}

/**
 * User properties as bytes of a packet's properties, for `encodePublish`. Throws `ProtocolError` 'invalid-argument'.
 */
export function encodeUserProperties(pairs: readonly UserProperty[]): Uint8Array {
  const writer = new Writer()
  for (const pair of pairs) writeValue(writer, USER_PROPERTY, pair)
  const bytes = new Uint8Array(writer.pendingBytes)
  let at = 0
  for (const chunk of writer.take()) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** A writer that only `assertProperties` uses; it keeps none of what it writes. */
let scratch: Writer | undefined
const MAXIMUM_SCRATCH_BYTES = 65_536

/** Throws `ProtocolError` 'invalid-argument' where `holder` cannot carry these. */
export function assertProperties<H extends PropertyHolder>(holder: H, properties: PropertiesOf<H>): void {
  if (typeof properties !== 'object' || properties === null) {
    throw notOfType('properties', properties, 'an object')
  }
  scratch ??= new Writer()
  const writer = scratch
  writer.begin(0, 0)
  try {
    writeProperties(writer, holder, properties)
    if (writer.pendingBytes > MAXIMUM_SCRATCH_BYTES) scratch = undefined
  } finally {
    writer.abort()
  }
}

function writeValue(writer: Writer, row: PropertyRow, value: Value): void {
  writer.byte(row.id)
  switch (row.kind) {
    case 'flag':
      return writer.byte(whole(row, value, 0, 1))
    case 'uint16':
      return writer.uint16(whole(row, value, 0, LARGEST.uint16))
    case 'positiveUint16':
    case 'topicAlias':
      return writer.uint16(whole(row, value, 1, LARGEST.uint16))
    case 'uint32':
      return writer.uint32(whole(row, value, 0, LARGEST.uint32))
    case 'positiveUint32':
      return writer.uint32(whole(row, value, 1, LARGEST.uint32))
    case 'positiveVarint':
      return writer.varint(whole(row, value, 1, LARGEST.varint))
    case 'string':
      return writer.string(value as string, row.name)
    case 'topic':
      if (value === '') throw invalidArgument(`${row.name} is empty; expected a topic name`)
      return writer.string(value as string, row.name, true)
    case 'binary':
      return writer.binary(value as Uint8Array, row.name)
    case 'pair':
      if (!Array.isArray(value)) throw notOfType(row.name, value, 'pairs of name and value')
      writer.string((value as UserProperty)[0], row.name)
      return writer.string((value as UserProperty)[1], row.name)
  }
}

function whole(row: PropertyRow, value: Value, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw invalidArgument(`${row.name} is ${String(value)}; expected a whole number from ${least} to ${most}`)
}
