import { type Address, addressOf, CONTRACTS } from '@jamey/contracts'
import type { Message } from '@jamey/mqtt'
import type { PublishProperties, QoS, UserProperty } from '@jamey/protocol'
import { claimedSender, readdressed } from './envelope-topic.js'

/** By which brokers a message has come, one for each. */
const PATH_PROPERTY = 'jamey-bridge'
const SENDER_PROPERTY = 'jamey-sender'
const ACT_FOR_PROPERTY = 'jamey-act-for'
/** For whom it is: of those that may not act for that one, the other broker would take it for the bridge's word. */
const ON_BEHALF_OF_PROPERTY = 'jamey-on-behalf-of'
const RESERVED: readonly string[] = [PATH_PROPERTY, SENDER_PROPERTY, ACT_FOR_PROPERTY]

const ROOT = 'jamey/'
const INBOXES = 'jamey/api/responses/'
/** Brokers that a message may have come by: more than anybody has, and a bound for what a sender may write. */
const MOST_BROKERS = 16
const MOST_KEPT = 1000

/** What is known of the broker on one side. */
export interface SideFacts {
  readonly name: string
  /** Whether it tells who sent what comes by `topic`, and can be told it. */
  stamps(topic: string): boolean
  /** Whether it lets those alone say for whom a message of `topic` is who may act for that one. */
  guards(topic: string): boolean
  /** Whether it carries properties: MQTT 5.0. */
  readonly hasProperties: boolean
  readonly maximumQos: QoS
  /** Who may act for others there, where it does not tell it. */
  readonly actFor: readonly string[]
}

/**
 * Why a message is not carried over. `looped`: it has been there. `unverified`: nobody vouches for its sender. `forged`:
 * its topic names another sender than the broker does. `not-relayed`: this bridge does not relay for its sender.
 */
export type Left = 'looped' | 'unverified' | 'forged' | 'not-relayed'

/** A message as it is published on the other side. */
export interface Copy {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: PublishProperties
}

export interface CarrierParts {
  readonly from: SideFacts
  readonly to: SideFacts
  /** For whom it relays: client identifiers, `+` for everybody. */
  readonly relays: readonly string[]
  /** Whether a message of this topic is retained, where the broker does not tell it (MQTT 3.1.1). */
  readonly isRetained: (topic: string) => boolean
}

interface Origin {
  readonly sender: string | undefined
  readonly actsFor: readonly string[]
}

/** Makes of a message of one broker what is said of it on the other one, or finds why it stays. */
export class Carrier {
  readonly #parts: CarrierParts
  readonly #addresses = new Map<string, Address | undefined>()

  constructor(parts: CarrierParts) {
    this.#parts = parts
  }

  carry(message: Message): Copy | Left {
    const { from, to } = this.#parts
    const pairs = message.properties?.userProperties ?? []
    const path = valuesOf(pairs, PATH_PROPERTY)
    if (path.includes(to.name) || path.length >= MOST_BROKERS) return 'looped'
    const origin = this.#originOf(message, pairs)
    if (typeof origin === 'string') return origin
    const { sender } = origin
    if (sender === undefined) {
      if (message.topic.startsWith(ROOT)) return 'unverified'
    } else if (!this.#relays(sender)) return 'not-relayed'
    const topic = sender === undefined ? message.topic : this.#topicFor(message.topic, sender)
    const isMoved = topic !== message.topic
    return {
      topic,
      payload: isMoved ? readdressed(message.payload, message.topic, topic) : message.payload,
      qos: Math.min(message.qos, to.maximumQos) as QoS,
      retain: message.retain || (!from.hasProperties && this.#parts.isRetained(message.topic)),
      properties: this.#propertiesFor(message, pairs, [...path, from.name], origin),
    }
  }

  /** Who published, as far as the broker or the topic says it. */
  #originOf({ topic, payload }: Message, pairs: readonly UserProperty[]): Origin | Left {
    const { from } = this.#parts
    const named = this.#addressOf(topic)?.sender
    if (from.stamps(topic)) {
      const [stamped, ...others] = valuesOf(pairs, SENDER_PROPERTY)
      if (stamped === undefined || others.length > 0) return 'unverified'
      if (named !== undefined && named !== stamped) return 'forged'
      const actsFor = valuesOf(pairs, ACT_FOR_PROPERTY).filter((whom) => this.#relays(whom))
      return { sender: stamped, actsFor }
    }
    // Who may publish in an inbox there is believed there, whoever he says he is.
    const sender = topic.startsWith(INBOXES) ? claimedSender(payload) : named
    const mayActFor = sender !== undefined && from.actFor.includes(sender)
    return { sender, actsFor: mayActFor ? this.#parts.relays : [] }
  }

  #relays(whom: string): boolean {
    const { relays } = this.#parts
    return relays.includes('+') || relays.includes(whom)
  }

  /** Where the other broker does not tell the sender, the topic does. */
  #topicFor(topic: string, sender: string): string {
    if (this.#parts.to.stamps(topic) || topic.startsWith(INBOXES)) return topic
    if (this.#addressOf(topic)?.sender !== undefined || topic.endsWith(`/${sender}`)) return topic
    return `${topic}/${sender}`
  }

  #propertiesFor(
    { topic, properties = {} }: Message,
    pairs: readonly UserProperty[],
    path: readonly string[],
    { sender, actsFor }: Origin,
  ): PublishProperties {
    const { payloadFormatIndicator, messageExpiryInterval, contentType } = properties
    const { responseTopic, correlationData } = properties
    const isStamped = sender !== undefined && this.#parts.to.stamps(topic)
    const isBelieved = (whom: string): boolean =>
      this.#relays(whom) &&
      (this.#parts.from.guards(topic) || actsFor.includes('+') || actsFor.includes(whom))
    const own = pairs.filter(([name, value]) =>
      name === ON_BEHALF_OF_PROPERTY ? isBelieved(value) : !RESERVED.includes(name),
    )
    const told: UserProperty[] = isStamped
      ? [[SENDER_PROPERTY, sender], ...actsFor.map((whom): UserProperty => [ACT_FOR_PROPERTY, whom])]
      : []
    const passed = path.map((name): UserProperty => [PATH_PROPERTY, name])
    return {
      payloadFormatIndicator,
      messageExpiryInterval,
      contentType,
      responseTopic,
      correlationData,
      userProperties: [...own, ...passed, ...told],
    }
  }

  /** By our contracts: no other topic tells who published to it. */
  #addressOf(topic: string): Address | undefined {
    if (!topic.startsWith(ROOT)) return undefined
    if (this.#addresses.has(topic)) return this.#addresses.get(topic)
    const found = CONTRACTS.map((contract) => addressOf(contract, topic)).find((one) => one !== undefined)
    if (this.#addresses.size >= MOST_KEPT) this.#addresses.clear()
    this.#addresses.set(topic, found)
    return found
  }
}

function valuesOf(pairs: readonly UserProperty[], wanted: string): string[] {
  return pairs.flatMap(([name, value]) => (name === wanted ? [value] : []))
}
