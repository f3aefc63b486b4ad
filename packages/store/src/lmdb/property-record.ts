import { PROPERTIES, type PropertyRow, type PublishProperties, type WillProperties } from '@jamey/protocol'
import type { RecordReader } from './record-reader.js'
import type { RecordWriter } from './record-writer.js'

type Properties = Record<string, unknown>

/** Properties that a message can have: as PUBLISH or as the will in CONNECT. No two of them share an identifier. */
const ROWS = PROPERTIES.filter((row) =>
  (row.on as readonly string[]).some((on) => on === 'publish' || on === 'will'),
)
const ROW_OF = new Map<number, PropertyRow>(ROWS.map((row) => [row.id, row]))

/**
 * Writes properties as in an MQTT 5.0 packet, each as its identifier and its value, but integers as varints and 0 at
 * the end.
 */
export function writeProperties(writer: RecordWriter, properties: PublishProperties | WillProperties): void {
  for (const row of ROWS) {
    const value = (properties as Properties)[row.name]
    if (value === undefined) continue
    for (const one of row.repeats ? (value as unknown[]) : [value]) {
      writer.byte(row.id)
      writeValue(writer, row, one)
    }
  }
  writer.byte(0)
}

export function readProperties(reader: RecordReader): PublishProperties & WillProperties {
  const properties: Properties = {}
  for (let id = reader.byte(); id !== 0; id = reader.byte()) {
    const row = ROW_OF.get(id)
    if (row === undefined) throw reader.damage(`expected a property of a message, found the identifier ${id}`)
    const value = readValue(reader, row)
    const former = properties[row.name] as unknown[] | undefined
    if (!row.repeats) properties[row.name] = value
    else if (former === undefined) properties[row.name] = [value]
    else former.push(value)
  }
  return properties as PublishProperties & WillProperties
}

function writeValue(writer: RecordWriter, { kind }: PropertyRow, value: unknown): void {
  switch (kind) {
    case 'string':
    case 'topic':
      writer.string(value as string)
      return
    case 'binary':
      writer.bytes(value as Uint8Array)
      return
    case 'pair': {
      const [name, text] = value as readonly [string, string]
      writer.string(name).string(text)
      return
    }
    default:
      writer.varint(value as number)
  }
}

function readValue(reader: RecordReader, { kind }: PropertyRow): unknown {
  switch (kind) {
    case 'string':
    case 'topic':
      return reader.string()
    case 'binary':
      return reader.bytes()
    case 'pair':
      return [reader.string(), reader.string()]
    default:
      return reader.varint()
  }
}
