import type {
  Auth,
  Connack,
  Connect,
  Disconnect,
  Packet,
  PacketName,
  Pingreq,
  ProtocolVersion,
  Puback,
  Pubcomp,
  Publish,
  Pubrec,
  Pubrel,
  Suback,
  Subscribe,
  Unsuback,
  Unsubscribe,
} from './packets.js'
import { fixedFlagsOf, PacketType } from './packets.js'
import type { PropertiesOf, PropertyHolder } from './properties.js'
import { writeProperties } from './property-codec.js'
import { RETURN_CODE_OF, ReasonCode } from './reason-codes.js'
import { invalidArgument, Writer } from './writer.js'

type AnyAcknowledgement = Puback | Pubrec | Pubrel | Pubcomp

type BodyWriter<P extends Packet> = (writer: Writer, packet: P, version: ProtocolVersion) => void

/** A writer for the body of each packet of a union; the fixed header is written around it. */
export type Bodies<P extends Packet> = {
  readonly [Type in P['type']]: BodyWriter<Extract<P, { type: Type }>>
}

/** First byte of the packets whose flags are fixed; by name, since that is what a packet carries. */
const FIRST_BYTE = {} as Record<PacketName, number>
for (const [name, type] of Object.entries(PacketType) as [PacketName, number][]) {
  FIRST_BYTE[name] = (type << 4) | fixedFlagsOf(name)
}

/** Writes one packet of either side; see `encodeFrom`. */
export function encode(writer: Writer, packet: Packet, version: ProtocolVersion): void {
  if (packet.type === 'publish') encodePublish(writer, packet, version)
  else encodeFrom(EITHER_BODIES, writer, packet, version)
}

/**
 * Writes one packet. Properties are left out for peers before MQTT 5.0, which know none. `bodies` are the packets that
 * one side sends: who writes no others needs no more. Throws `ProtocolError` 'invalid-argument' for what no packet can
 * carry; the writer is then as it was.
 */
export function encodeFrom<P extends Exclude<Packet, Publish>>(
  bodies: Bodies<P>,
  writer: Writer,
  packet: P,
  version: ProtocolVersion,
): void {
  try {
    writer.begin(FIRST_BYTE[packet.type], 32)
    const writeBody = bodies[packet.type as keyof typeof bodies] as BodyWriter<P>
    writeBody(writer, packet, version)
    writer.end()
  } catch (error) {
    writer.abort()
    throw error
  }
}

/**
 * `encode` for PUBLISH alone. A payload of 16 KiB or more is kept by reference and must not change any more.
 * `topicAlias` stands in the place of the topic; below 0, beside it. `encoded` are more properties, as
 * `encodeUserProperties` makes them, behind the others; only MQTT 5.0 gets them.
 */
export function encodePublish(
  writer: Writer,
  publish: Publish,
  version: ProtocolVersion,
  topicAlias = 0,
  encoded?: Uint8Array | undefined,
): void {
  const { payload, qos, packetIdentifier, properties } = publish
  const topic = topicAlias > 0 ? '' : publish.topic
  const isCopied = Writer.copies(payload.length)
  const firstByte = 0x30 | (publish.dup ? 8 : 0) | (qos << 1) | (publish.retain ? 1 : 0)
  const propertyBytes = version === 5 ? 1 + (encoded === undefined ? 0 : encoded.length) : 0
  const headBytes = topic.length + (qos === 0 ? 2 : 4) + propertyBytes
  try {
    writer.begin(firstByte, headBytes + (isCopied ? payload.length : 0))
    if (topic === '' && topicAlias === 0 && properties?.topicAlias === undefined)
      throw invalidArgument('topic is empty; expected a topic name')
    writer.string(topic, 'topic', true)
    if (qos !== 0) writer.uint16(checkedIdentifier(packetIdentifier))
    else if (publish.dup) throw invalidArgument('dup is set with QoS 0, where nothing is sent twice')
    if (version === 5) writeProperties(writer, 'publish', properties, Math.abs(topicAlias), encoded)
    if (isCopied) writer.bytes(payload)
    writer.end(isCopied ? 0 : payload.length)
  } catch (error) {
    writer.abort()
    throw error
  }
  if (!isCopied) writer.append(payload)
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP without properties. */
export function encodeAcknowledgement(
  writer: Writer,
  type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp',
  packetIdentifier: number,
  reasonCode: number,
  version: ProtocolVersion,
): void {
  const hasCode = version === 5 && reasonCode !== ReasonCode.success
  writer.reserve(5)
  writer.byte(FIRST_BYTE[type])
  writer.byte(hasCode ? 3 : 2)
  writer.uint16(packetIdentifier)
  if (hasCode) writer.byte(reasonCode)
}

/** Bytes that `packet` takes on the wire. */
export function encodedBytes(packet: Packet, version: ProtocolVersion): number {
  const writer = new Writer()
  encode(writer, packet, version)
  return writer.pendingBytes
}

function writeConnect(writer: Writer, packet: Connect): void {
  const { protocolVersion: version, will, username, password } = packet
  if (version < 5 && password !== undefined && username === undefined) {
    throw invalidArgument('password without username, before MQTT 5.0')
  }
  writer.string(version === 3 ? 'MQIsdp' : 'MQTT', 'protocol name')
  writer.byte(version)
  const willFlags = will === undefined ? 0 : 4 | (will.qos << 3) | (will.retain ? 32 : 0)
  const credentialFlags = (username === undefined ? 0 : 128) | (password === undefined ? 0 : 64)
  writer.byte(credentialFlags | willFlags | (packet.cleanStart ? 2 : 0))
  writer.uint16(packet.keepAlive)
  if (version === 5) writeProperties(writer, 'connect', packet.properties)
  writer.string(packet.clientId, 'clientId')
  if (will !== undefined) {
    if (version === 5) writeProperties(writer, 'will', will.properties)
    if (will.topic === '') throw invalidArgument('will topic is empty; expected a topic name')
    writer.string(will.topic, 'will topic', true)
    writer.binary(will.payload, 'will payload')
  }
  if (username !== undefined) writer.string(username, 'username')
  if (password !== undefined) writer.binary(password, 'password')
}

function writeConnack(writer: Writer, packet: Connack, version: ProtocolVersion): void {
  writer.byte(packet.sessionPresent ? 1 : 0)
  if (version === 5) {
    writer.byte(packet.reasonCode)
    writeProperties(writer, 'connack', packet.properties)
  } else writer.byte(RETURN_CODE_OF.get(packet.reasonCode) ?? 3)
}

function writeAcknowledgement(writer: Writer, packet: AnyAcknowledgement, version: ProtocolVersion): void {
  writer.uint16(checkedIdentifier(packet.packetIdentifier))
  if (version === 5) writeReason(writer, packet.type, packet.reasonCode, packet.properties)
}

/** A reason code and properties, of which the success that ends a packet may be left out. Section 3.4.2.1. */
function writeReason<H extends PropertyHolder>(
  writer: Writer,
  holder: H,
  reasonCode: number,
  properties: PropertiesOf<H> | undefined,
): void {
  if (reasonCode === ReasonCode.success && properties === undefined) return
  writer.byte(reasonCode)
  if (properties !== undefined) writeProperties(writer, holder, properties)
}

function writeSubscribe(writer: Writer, packet: Subscribe, version: ProtocolVersion): void {
  if (packet.subscriptions.length === 0) throw invalidArgument('subscribe has no topic filter')
  writer.uint16(checkedIdentifier(packet.packetIdentifier))
  if (version === 5) writeProperties(writer, 'subscribe', packet.properties)
  for (const { filter, qos, noLocal, retainAsPublished, retainHandling } of packet.subscriptions) {
    writer.string(filter, 'topic filter')
    const options = (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4)
    writer.byte(version === 5 ? qos | options : qos)
  }
}

function writeUnsubscribe(writer: Writer, packet: Unsubscribe, version: ProtocolVersion): void {
  if (packet.filters.length === 0) throw invalidArgument('unsubscribe has no topic filter')
  writer.uint16(checkedIdentifier(packet.packetIdentifier))
  if (version === 5) writeProperties(writer, 'unsubscribe', packet.properties)
  for (const filter of packet.filters) writer.string(filter, 'topic filter')
}

function writeAuth(writer: Writer, packet: Auth, version: ProtocolVersion): void {
  if (version < 5) throw invalidArgument('auth exists only in MQTT 5.0')
  writeReason(writer, 'auth', packet.reasonCode, packet.properties)
}

function writeCodes(writer: Writer, codes: readonly number[]): void {
  for (const code of codes) writer.byte(code)
}

function checkedIdentifier(packetIdentifier: number): number {
  if (packetIdentifier >= 1 && packetIdentifier <= 65_535) return packetIdentifier
  throw invalidArgument(`packetIdentifier is ${packetIdentifier}; expected 1 to 65535`)
}

function writeVerdicts(writer: Writer, packet: Suback | Unsuback, version: ProtocolVersion): void {
  writer.uint16(checkedIdentifier(packet.packetIdentifier))
  if (version === 5) writeProperties(writer, packet.type, packet.properties)
  if (packet.type === 'suback' || version === 5) writeCodes(writer, packet.reasonCodes)
}

function writeDisconnect(writer: Writer, packet: Disconnect, version: ProtocolVersion): void {
  if (version === 5) writeReason(writer, 'disconnect', packet.reasonCode, packet.properties)
}

function writeNothing(): void {}

/** The packets that a client sends, but for PUBLISH and the acknowledgements, which have functions of their own. */
export type ClientPacket = Connect | Subscribe | Unsubscribe | Pingreq | Disconnect | Auth

export const CLIENT_BODIES: Bodies<ClientPacket> = {
  connect: writeConnect,
  subscribe: writeSubscribe,
  unsubscribe: writeUnsubscribe,
  pingreq: writeNothing,
  disconnect: writeDisconnect,
  auth: writeAuth,
}

const andOthers = (others: Bodies<Exclude<Packet, ClientPacket | Publish>>) => ({
  ...CLIENT_BODIES,
  ...others,
})

// Marked as pure, so that who needs the packets of `CLIENT_BODIES` alone does not get the rest.
const EITHER_BODIES = /* @__PURE__ */ andOthers({
  puback: writeAcknowledgement,
  pubrec: writeAcknowledgement,
  pubrel: writeAcknowledgement,
  pubcomp: writeAcknowledgement,
  connack: writeConnack,
  suback: writeVerdicts,
  unsuback: writeVerdicts,
  pingresp: writeNothing,
})
