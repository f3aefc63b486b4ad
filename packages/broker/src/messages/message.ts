import {
  ALIAS_BYTES,
  encodePublish,
  type OutgoingAliases,
  type ProtocolVersion,
  type Publish,
  PublishFrame,
  type PublishProperties,
  type QoS,
  Writer,
} from '@jamey/protocol'
import type { Clock } from '../support/clock.js'
import { CopySlab } from '../support/copy-slab.js'
import { remainingExpirySeconds } from './message-expiry.js'
import type { Stamp } from './stamping.js'

const NOTHING = new Uint8Array(0)
const briefCopies = new CopySlab()
/** Bytes that one message costs beside its payload and topic: the objects around it. */
const OVERHEAD_BYTES = 128
/**
 * Bytes that a UTF-16 code unit takes in UTF-8 at the most; properties that are no text take less than their overhead
 * was put at.
 */
const UNIT_BYTES = 3
/** Frames of one message differ by subscription identifiers, version (5 or older), retain and QoS. */
const FRAMES_PER_IDENTIFIERS = 12

/** The one Publish that is encoded from: filled anew for each packet, so that sending allocates nothing. */
const outgoing: Publish = {
  type: 'publish',
  topic: '',
  payload: NOTHING,
  qos: 0,
  retain: false,
  dup: false,
  packetIdentifier: 0,
  properties: undefined,
}

/** A connection, as far as it is written to. */
export interface Outlet {
  readonly writer: Writer
  readonly version: ProtocolVersion
  /** Infinity where the peer set no Maximum Packet Size. */
  readonly maximumPacketBytes: number
  /** Undefined where the peer takes no topic aliases. */
  readonly outgoingAliases: OutgoingAliases | undefined
}

/** A published message on its way through the broker; all its receivers share it. */
export class Message {
  readonly topic: string
  readonly qos: QoS
  /** The flag as published. */
  readonly retain: boolean
  /** Moment by the monotonic clock; infinity where the message does not expire. */
  readonly expiresAtMs: number
  /** Client identifier of the publisher; '' for the broker itself and the program that embeds it. */
  readonly publishedBy: string
  /** User properties that tell receivers who published; undefined where nothing is told. */
  readonly stamp: Stamp | undefined
  /** Estimate of the memory it holds. */
  readonly bytes: number
  payload: Uint8Array
  properties: PublishProperties | undefined
  /** The number it was stored under last, 0 for never. */
  storeId = 0
  /** Number of deliveries in memory that name it by its number in the store. */
  storeHolders = 0
  /** The turn in which it got its number. */
  storeTurn = -1
  /** Number of stored sessions that have not acknowledged it. */
  unsettled = 0
  /** Told when the last of them has: then nothing of it need be on the disk. */
  onSettled: (() => void) | undefined
  #isKept = false
  #frames: (PublishFrame | undefined)[] | undefined

  constructor(
    topic: string,
    payload: Uint8Array,
    qos: QoS,
    retain: boolean,
    properties: PublishProperties | undefined,
    expiresAtMs: number,
    publishedBy: string,
    stamp?: Stamp | undefined,
  ) {
    this.topic = topic
    this.payload = payload
    this.qos = qos
    this.retain = retain
    this.properties = properties
    this.expiresAtMs = expiresAtMs
    this.publishedBy = publishedBy
    this.stamp = stamp
    this.bytes = payload.length + topic.length + OVERHEAD_BYTES
    if (properties !== undefined) this.bytes += propertyBytes(properties)
    if (stamp !== undefined) this.bytes += stamp.encoded.length
  }

  /** A request or an answer, as MQTT 5.0 section 4.10 has them: whoever published it waits for another message. */
  get isExchange(): boolean {
    const { properties } = this
    return properties?.responseTopic !== undefined || properties?.correlationData !== undefined
  }

  /**
   * Called before the message outlives the chunk it was decoded from: copies what views the chunk, once. `isBrief`: it
   * is on its way already, and not expected to be held for long.
   */
  keep(isBrief = false): this {
    if (this.#isKept) return this
    this.#isKept = true
    this.payload = owned(this.payload, isBrief)
    const { properties } = this
    if (properties?.correlationData !== undefined) {
      this.properties = { ...properties, correlationData: owned(properties.correlationData, isBrief) }
    }
    return this
  }

  /**
   * Writes the message for one receiver; false: it is larger than that one takes. [MQTT-3.1.2-24] `frameIndex` is the
   * number of the list of subscription identifiers where others get the same bytes, which have no topic alias, else -1.
   */
  writeTo(
    { writer, version, maximumPacketBytes, outgoingAliases }: Outlet,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetIdentifier: number,
    subscriptionIdentifiers: readonly number[] | undefined,
    frameIndex: number,
    clock: Clock,
  ): boolean {
    const nowMs = this.expiresAtMs === Number.POSITIVE_INFINITY ? 0 : clock.now()
    const room = this.#room(maximumPacketBytes, version, qos, subscriptionIdentifiers, nowMs)
    if (room < 0) return false
    if (frameIndex >= 0) {
      const frame = this.#frame(version, qos, retain, frameIndex, subscriptionIdentifiers, nowMs)
      frame.writeTo(writer, packetIdentifier)
      return true
    }
    this.#fill(version, qos, retain, subscriptionIdentifiers, nowMs)
    outgoing.dup = dup
    outgoing.packetIdentifier = packetIdentifier
    const alias = outgoingAliases?.aliasOf(this.topic, room >= ALIAS_BYTES)
    encodePublish(writer, outgoing, version, alias, this.stamp?.encoded)
    outgoing.payload = NOTHING
    return true
  }

  dropFrames(): void {
    this.#frames = undefined
  }

  /** The bytes shared by every receiver of the same shape; made at the first and valid until `dropFrames`. */
  #frame(
    version: ProtocolVersion,
    qos: QoS,
    retain: boolean,
    identifiersIndex: number,
    subscriptionIdentifiers: readonly number[] | undefined,
    nowMs: number,
  ): PublishFrame {
    const versionAndRetain = (version === 5 ? 6 : 0) + (retain ? 3 : 0)
    const index = identifiersIndex * FRAMES_PER_IDENTIFIERS + versionAndRetain + qos
    this.#frames ??= []
    while (this.#frames.length <= index) this.#frames.push(undefined)
    let frame = this.#frames[index]
    if (frame === undefined) {
      this.#fill(version, qos, retain, subscriptionIdentifiers, nowMs)
      outgoing.dup = false
      // Any legal identifier will do: it is replaced for each receiver.
      outgoing.packetIdentifier = qos === 0 ? 0 : 1
      frame = new PublishFrame(outgoing, version, this.stamp?.encoded)
      outgoing.payload = NOTHING
      this.#frames[index] = frame
    }
    return frame
  }

  /** Bytes that are left of the packet's maximum; below 0 it is too large. */
  #room(
    maximumBytes: number,
    version: ProtocolVersion,
    qos: QoS,
    subscriptionIdentifiers: readonly number[] | undefined,
    nowMs: number,
  ): number {
    if (maximumBytes === Number.POSITIVE_INFINITY) return maximumBytes
    // Nearly always this tells enough, without encoding what will be encoded again.
    const identifiers = subscriptionIdentifiers?.length ?? 0
    const most = this.payload.length + UNIT_BYTES * (this.bytes - this.payload.length + 2 * identifiers)
    if (most <= maximumBytes) return maximumBytes - most
    this.#fill(version, qos, false, subscriptionIdentifiers, nowMs)
    outgoing.dup = false
    // Any identifier takes as many bytes.
    outgoing.packetIdentifier = qos === 0 ? 0 : 1
    const writer = new Writer()
    encodePublish(writer, outgoing, version, 0, this.stamp?.encoded)
    outgoing.payload = NOTHING
    return maximumBytes - writer.pendingBytes
  }

  #fill(
    version: ProtocolVersion,
    qos: QoS,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    nowMs: number,
  ): void {
    outgoing.topic = this.topic
    outgoing.payload = this.payload
    outgoing.qos = qos
    outgoing.retain = retain
    outgoing.properties = version === 5 ? this.#propertiesFor(subscriptionIdentifiers, nowMs) : undefined
  }

  #propertiesFor(
    subscriptionIdentifiers: readonly number[] | undefined,
    nowMs: number,
  ): PublishProperties | undefined {
    const { properties } = this
    if (this.expiresAtMs === Number.POSITIVE_INFINITY) {
      return subscriptionIdentifiers === undefined ? properties : { ...properties, subscriptionIdentifiers }
    }
    const messageExpiryInterval = remainingExpirySeconds(this.expiresAtMs, nowMs)
    if (subscriptionIdentifiers === undefined) {
      const isUnchanged = properties?.messageExpiryInterval === messageExpiryInterval
      return isUnchanged ? properties : { ...properties, messageExpiryInterval }
    }
    return { ...properties, messageExpiryInterval, subscriptionIdentifiers }
  }
}

function propertyBytes(properties: PublishProperties): number {
  const { contentType = '', responseTopic = '', correlationData, userProperties = [] } = properties
  let bytes = OVERHEAD_BYTES + contentType.length + responseTopic.length + (correlationData?.length ?? 0)
  for (const [name, value] of userProperties) bytes += OVERHEAD_BYTES + name.length + value.length
  return bytes
}

/** A copy, unless the view already is most of its memory. */
function owned(bytes: Uint8Array, isBrief: boolean): Uint8Array {
  if (bytes.length * 2 > bytes.buffer.byteLength) return bytes
  return isBrief ? briefCopies.copy(bytes) : Buffer.from(bytes)
}
