import type { PublishProperties } from './properties.js'
import { readProperties } from './property-codec.js'
import type { Reader } from './reader.js'

/** Longer blocks of properties seldom come again. */
const MAXIMUM_BYTES = 64
const SLOTS = 16
/** Only one set in so many is remembered, so that a stream that never repeats itself pays little for it. */
const REMEMBER_ONE_IN = 8

interface Block {
  readonly bytes: Uint8Array
  readonly properties: PublishProperties
}

/**
 * Reads the properties of publishes. Streams repeat them as they do their topics: the same bytes give the same object
 * again, which therefore is frozen.
 */
export class PropertyMemory {
  readonly #blocks: Block[] = []
  #misses = 0

  read(reader: Reader): PublishProperties | undefined {
    const { bytes, at } = reader
    const length = bytes[at] as number
    const end = at + 1 + length
    const slot = (length + (bytes[end - 1] as number)) % SLOTS
    const known = this.#blocks[slot]
    if (known !== undefined && end <= reader.end && begins(bytes, at, known.bytes)) {
      reader.at = end
      return known.properties
    }
    const properties = readProperties(reader, 'publish')
    // A view of the chunk would keep all of it, and pairs could be changed by whoever gets them first.
    const isOwn = properties?.correlationData !== undefined || properties?.userProperties !== undefined
    if (properties === undefined || isOwn || length > MAXIMUM_BYTES) return properties
    if (++this.#misses % REMEMBER_ONE_IN === 0) {
      Object.freeze(properties.subscriptionIdentifiers)
      this.#blocks[slot] = { bytes: bytes.slice(at, end), properties: Object.freeze(properties) }
    }
    return properties
  }
}

function begins(bytes: Uint8Array, at: number, block: Uint8Array): boolean {
  for (let i = block.length - 1; i >= 0; i--) if (bytes[at + i] !== block[i]) return false
  return true
}
