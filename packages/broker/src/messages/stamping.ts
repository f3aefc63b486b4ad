import {
  assertProperties,
  encodeUserProperties,
  type PublishProperties,
  type UserProperty,
} from '@jamey/protocol'
import type { Identity } from '../ports/authenticator.js'
import type { Log } from '../support/log.js'
import { TopicFilters } from '../support/topic-filters.js'

/** The user property that tells who published, and, in CONNACK, which topic filters select what has it. */
const SENDER_PROPERTY = 'jamey-sender'
/** Name of a property that comes once for each client that the publisher may act for; `+` stands for every client. */
const ACT_FOR_PROPERTY = 'jamey-act-for'
/** Name of a property by which one that may act for others tells for whom it published, and, in CONNACK, where it is held to that. */
const ON_BEHALF_OF_PROPERTY = 'jamey-on-behalf-of'

/** Rights to act for others told with a message; each is some bytes on every one of them. */
const MAXIMUM_ACT_FOR = 64

/** Stamps of relayed messages that are kept, as most clients send more than one. */
const MAXIMUM_KEPT = 1000

/** The facts that receivers are told about who published. */
export interface Stamp {
  /** Who published: the client of the session, or whom it relays for. */
  readonly sender: string
  /** Client identifiers, or `+`. */
  readonly actsFor: readonly string[]
  /** The whole stamp as encoded user properties. */
  readonly encoded: Uint8Array
}

/**
 * Tells those who receive a message which client has published it: one that was authenticated, whatever it says of
 * itself. Topics that no filter selects are left as they are, and so is everything before MQTT 5.0.
 */
export class Stamping {
  /** User properties of CONNACK that announce the stamps. */
  readonly announcement: readonly UserProperty[]
  readonly #filters: TopicFilters
  /** Of messages that were relayed of late: encoding each anew costs more than finding it. */
  readonly #relayed = new Map<string, Stamp>()
  readonly #log: Log

  /** `filters` are at least one. Throws `BrokerError`. */
  constructor(filters: readonly string[], log: Log) {
    this.#filters = new TopicFilters(filters, 'stampSenders', 'stamp-invalid')
    this.#log = log
    const told = filters.map((filter): UserProperty => [SENDER_PROPERTY, filter])
    this.announcement = [...told, [ON_BEHALF_OF_PROPERTY, '#']]
  }

  selects(topic: string): boolean {
    return this.#filters.selects(topic)
  }

  /** The stamp of a client that may act for these. */
  stampOf(clientId: string, mayActFor: readonly string[]): Stamp {
    const actsFor = mayActFor.length === 0 ? mayActFor : this.#told(clientId, mayActFor)
    const pairs = actsFor.map((other) => [ACT_FOR_PROPERTY, other] as const)
    return {
      sender: clientId,
      actsFor,
      encoded: encodeUserProperties([[SENDER_PROPERTY, clientId], ...pairs]),
    }
  }

  /**
   * What is said of a message that a client relays: that it is of the one that it names, which may act for those that
   * it names beside it. `own` where it names nobody; undefined where it may not speak for one that it names.
   */
  relayedStamp(
    own: Stamp,
    relays: readonly string[],
    properties: PublishProperties | undefined,
  ): Stamp | undefined {
    const pairs = properties?.userProperties
    if (pairs === undefined) return own
    const valuesOf = (wanted: string) => pairs.flatMap(([name, value]) => (name === wanted ? [value] : []))
    const senders = valuesOf(SENDER_PROPERTY)
    const [sender] = senders
    if (sender === undefined) return own
    const actsFor = valuesOf(ACT_FOR_PROPERTY)
    const mayRelay = (whom: string): boolean => relays.includes('+') || relays.includes(whom)
    if (senders.length > 1 || !mayRelay(sender) || !actsFor.every(mayRelay)) return undefined
    const key = JSON.stringify([sender, ...actsFor])
    const known = this.#relayed.get(key)
    if (known !== undefined) return known
    const stamp = this.stampOf(sender, actsFor)
    if (this.#relayed.size >= MAXIMUM_KEPT) this.#relayed.clear()
    this.#relayed.set(key, stamp)
    return stamp
  }

  #told(clientId: string, mayActFor: readonly string[]): readonly string[] {
    const told = mayActFor.filter(isSendable).slice(0, MAXIMUM_ACT_FOR)
    const leftOut = mayActFor.length - told.length
    if (leftOut > 0) {
      this.#log.warn(
        { event: 'broker.stamp.shortened', clientId, leftOut, most: MAXIMUM_ACT_FOR },
        'the client may act for more others than its messages can tell; they do not tell the rest',
      )
    }
    return told
  }
}

/** The properties of a message that may stand beside its stamp. The given ones are not changed. */
export function besideStamp(
  properties: PublishProperties | undefined,
  stamp: Stamp | undefined,
): PublishProperties | undefined {
  return stamp === undefined ? properties : withoutReserved(properties)
}

/** The same properties without those that only a stamp may have. */
export function withoutReserved(properties: PublishProperties | undefined): PublishProperties | undefined {
  const given = properties?.userProperties
  if (given === undefined || !given.some(isReserved)) return properties
  const own = given.filter((pair) => !isReserved(pair))
  return { ...properties, userProperties: own.length === 0 ? undefined : own }
}

/**
 * The same properties without the word that it was published for a client which its publisher may neither act for nor
 * relay. It would be believed under any topic, so it is asked about under every one.
 */
export function withoutUnpermitted(
  properties: PublishProperties | undefined,
  identity: Pick<Identity, 'actsFor' | 'relays'> | undefined,
): PublishProperties | undefined {
  const given = properties?.userProperties
  if (given === undefined || !given.some(isOnBehalfOf)) return properties
  const { actsFor = [], relays = [] } = identity ?? {}
  const may = (whom: string): boolean =>
    [actsFor, relays].some((list) => list.includes('+') || list.includes(whom))
  const own = given.filter((pair) => !isOnBehalfOf(pair) || may(pair[1]))
  return { ...properties, userProperties: own.length === 0 ? undefined : own }
}

function isOnBehalfOf([name]: UserProperty): boolean {
  return name === ON_BEHALF_OF_PROPERTY
}

function isReserved([name]: UserProperty): boolean {
  return name === SENDER_PROPERTY || name === ACT_FOR_PROPERTY
}

/** No client can have an identifier that MQTT cannot carry, so there is nobody to act for. */
function isSendable(clientId: string): boolean {
  try {
    assertProperties('publish', { userProperties: [[ACT_FOR_PROPERTY, clientId]] })
    return true
  } catch {
    return false
  }
}
