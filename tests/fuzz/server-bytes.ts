import { encode, type Packet, Writer } from '@jamey/protocol'

/** A small generator that repeats itself with its seed (mulberry32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0, below `below`. */
  integer(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }

  pick<T>(list: readonly T[]): T {
    return list[this.integer(list.length)] as T
  }
}

const TOPICS = ['t', 'a/b', 'a/b/c/d', '$SYS/x', 'é/ü', '']
const CODES = [0, 0x10, 0x80, 0x83, 0x87, 0x91, 0x92, 0x97]

/** A packet a server might send, with values that sometimes do not fit. */
function packet(random: Random): Packet {
  const packetIdentifier = random.integer(40) + (random.integer(10) === 0 ? 16_384 : 1)
  const reasonCode = random.pick(CODES)
  const text = 'x'.repeat(random.integer(20))
  const properties =
    random.integer(3) === 0 ? { reasonString: text, userProperties: [[text, text]] as const } : undefined
  switch (random.integer(9)) {
    case 0:
      return {
        type: 'connack',
        sessionPresent: random.integer(2) === 0,
        reasonCode: random.integer(2) === 0 ? 0 : 0x88,
        properties: {
          receiveMaximum: 1 + random.integer(10),
          topicAliasMaximum: random.integer(5),
          serverKeepAlive: random.integer(100),
          maximumPacketSize: 1 + random.integer(2000),
          authenticationMethod: random.pick(['M', 'N', undefined]),
        },
      }
    case 1:
    case 2:
      return {
        type: 'publish',
        topic: random.pick(TOPICS),
        payload: Buffer.alloc(random.integer(300), random.integer(256)),
        qos: random.pick([0, 1, 2] as const),
        retain: random.integer(2) === 0,
        dup: random.integer(2) === 0,
        packetIdentifier,
        properties:
          random.integer(2) === 0
            ? undefined
            : { topicAlias: 1 + random.integer(20), subscriptionIdentifiers: [1 + random.integer(100)] },
      }
    case 3:
      return {
        type: 'suback',
        packetIdentifier,
        reasonCodes: [random.pick([0, 1, 2, 0x80, 0x87])],
        properties,
      }
    case 4:
      return { type: 'unsuback', packetIdentifier, reasonCodes: [random.pick([0, 0x11, 0x87])], properties }
    case 5:
      return { type: 'pingresp' }
    case 6:
      return {
        type: 'disconnect',
        reasonCode: random.pick([0, 0x80, 0x81, 0x87, 0x89, 0x8c, 0x8e, 0x96, 0x9c]),
        properties,
      }
    case 7:
      return {
        type: 'auth',
        reasonCode: random.pick([0, 0x18, 0x18, 0x19]),
        properties: { authenticationMethod: random.pick(['M', 'M', 'N']) },
      }
    default:
      return {
        type: random.pick(['puback', 'pubrec', 'pubrel', 'pubcomp'] as const),
        packetIdentifier,
        reasonCode,
        properties,
      }
  }
}

function encoded(one: Packet, version: 4 | 5): Buffer {
  const writer = new Writer()
  try {
    encode(writer, one, version)
  } catch {
    // Not every combination exists on the wire.
  }
  return Buffer.concat(writer.take())
}

/** Some bytes that begin like a session and go wrong somewhere; now and then nothing of the kind. */
export function serverBytes(random: Random, version: 4 | 5): Buffer {
  if (random.integer(10) === 0) {
    return Buffer.from(Array.from({ length: random.integer(2000) }, () => random.integer(256)))
  }
  const accepted: Packet = { type: 'connack', sessionPresent: false, reasonCode: 0, properties: undefined }
  const parts: Buffer[] = random.integer(5) === 0 ? [] : [encoded(accepted, version)]
  for (let count = random.integer(12); count > 0; count--) parts.push(encoded(packet(random), version))
  const bytes = Buffer.concat(parts)
  switch (random.integer(6)) {
    case 0:
      return bytes
    case 1:
      return Buffer.concat([
        bytes,
        Buffer.from(Array.from({ length: random.integer(200) }, () => random.integer(256))),
      ])
    case 2:
      return bytes.subarray(0, random.integer(bytes.length + 1))
    case 3: {
      const at = random.integer(bytes.length + 1)
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.integer(8))])
    }
    case 4: {
      // A length that promises more than ever comes.
      return Buffer.concat([
        bytes,
        Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]),
        Buffer.alloc(random.integer(500)),
      ])
    }
    default: {
      const changed = Buffer.from(bytes)
      for (let count = 1 + random.integer(6); count > 0 && changed.length > 0; count--) {
        changed[random.integer(changed.length)] = random.integer(256)
      }
      return changed
    }
  }
}
