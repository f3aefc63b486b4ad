import { encode, type Packet, type ProtocolVersion, Writer } from '@jamey/protocol'
import type { RawClient } from '@jamey/testing'
import type { BrokerOptions } from '../index.js'
import type { Stage } from './stage.js'

/** One way to misuse a broker. */
export interface Abuse {
  what: string
  options?: Partial<BrokerOptions>
  /** Does it, and returns what the broker was seen to answer. */
  act: (stage: Stage) => Promise<string>
  /**
   * What the standard demands: `disconnect 0x81`, `closed` without a word, or `served` where it is allowed. Where the
   * standard leaves it to the server, what our limits say.
   */
  answer: string
  /** While it goes on nobody new is let in, by the limit that is run into. */
  isFull?: true
}

export function bytes(...packets: Packet[]): Buffer {
  return bytesOf(5, packets)
}

export function bytesOf(version: ProtocolVersion, packets: readonly Packet[]): Buffer {
  const writer = new Writer()
  for (const packet of packets) encode(writer, packet, version)
  return Buffer.concat(writer.take())
}

export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}

/** What the last packet before the end says, such as `disconnect 0x81`. */
export async function lastWord(client: RawClient): Promise<string> {
  let last: Packet | undefined
  for (let packet = await client.next(); packet !== undefined; packet = await client.next()) last = packet
  return last !== undefined && 'reasonCode' in last ? said(last.type, last.reasonCode) : 'closed'
}

/** What the next packet says. */
export async function nextWord(client: RawClient): Promise<string> {
  const packet = await client.next()
  if (packet === undefined) return 'closed'
  if ('reasonCodes' in packet) return said(packet.type, Math.max(...packet.reasonCodes))
  return 'reasonCode' in packet ? said(packet.type, packet.reasonCode) : packet.type
}

/** Nothing happened to the client: a ping is answered, with nothing before it. */
export async function untroubled(client: RawClient): Promise<string> {
  const packets = await client.settle()
  return packets.length === 0 ? 'served' : `served after ${packets.map(({ type }) => type).join()}`
}

function said(type: string, reasonCode: number): string {
  return `${type} 0x${reasonCode.toString(16).padStart(2, '0')}`
}

/** Bytes that come in place of CONNECT. */
export function instead(what: string, sent: Buffer, answer: string): Abuse {
  return {
    what: `instead of CONNECT: ${what}`,
    answer,
    act: async (stage) => {
      // A refusal of an unknown version is told the way 3.1.1 tells it.
      const client = await stage.unauthenticated(answer === 'connack 0x84' ? 4 : 5)
      client.sendBytes(sent)
      return lastWord(client)
    },
  }
}

/** Bytes that a client sends that was let in, and that end its connection. */
export function afterwards(what: string, sent: Buffer, answer: string): Abuse {
  return {
    what: `after CONNECT: ${what}`,
    answer,
    act: async (stage) => {
      const client = await stage.client()
      client.sendBytes(sent)
      return lastWord(client)
    },
  }
}

/** Bytes that are answered, by a packet or by nothing, and end no connection. */
export function tolerated(what: string, sent: Buffer, answer = 'served'): Abuse {
  return {
    what: `after CONNECT: ${what}`,
    answer,
    act: async (stage) => {
      const client = await stage.client()
      client.sendBytes(sent)
      if (answer === 'served') return untroubled(client)
      const word = await nextWord(client)
      await client.settle()
      return word
    },
  }
}
