import { ProtocolError } from './errors.js'
import type {
  Acknowledgement,
  Auth,
  Connack,
  Connect,
  Disconnect,
  Packet,
  PacketName,
  ProtocolVersion,
  Publish,
  QoS,
  Suback,
  Subscribe,
  SubscriptionRequest,
  Unsuback,
  Unsubscribe,
  Will,
} from './packets.js'
import { fixedFlagsOf, PacketType } from './packets.js'
import type { PublishProperties } from './properties.js'
import { readProperties } from './property-codec.js'
import type { Reader } from './reader.js'
import {
  DISCONNECT_CODES_OF_CLIENT,
  describeReasonCode,
  REASON_CODE_OF_RETURN_CODE,
  REASON_CODES_OF,
  ReasonCode,
} from './reason-codes.js'

/** Who sent the bytes: some packets and properties may travel in one direction only. */
export type Sender = 'client' | 'server'

type BodyDecoder = (reader: Reader, version: ProtocolVersion, from: Sender) => Packet

/**
 * The packets that one side sends, and how each is read; PUBLISH has a path of its own. A program that is only client
 * or only server imports one of the two.
 */
export interface Direction {
  readonly from: Sender
  readonly decoders: { readonly [name in PacketName]?: BodyDecoder }
}

const NAMES: (PacketName | undefined)[] = []
for (const [name, type] of Object.entries(PacketType)) NAMES[type] = name as PacketName

/** Decodes the packet in the reader's window; CONNECT is the one packet for which no version is needed. */
export function decode(
  reader: Reader,
  firstByte: number,
  version: ProtocolVersion,
  { from, decoders }: Direction,
): Packet {
  const type = firstByte >>> 4
  if (type === PacketType.publish) return decodePublish(reader, firstByte, version, from)
  const name = NAMES[type]
  if (name === undefined) throw reader.malformed('packet type 0 is reserved', reader.start)
  const decodeBody = decoders[name]
  if (decodeBody === undefined) {
    throw reader.violation(`a ${from} never sends ${name}`, ReasonCode.protocolError, reader.start)
  }
  const flags = fixedFlagsOf(name)
  if ((firstByte & 15) !== flags) {
    throw reader.malformed(`${name} has flags ${firstByte & 15}; expected ${flags}`, reader.start)
  }
  const packet = decodeBody(reader, version, from)
  if (reader.left > 0) throw reader.malformed(`${name} is followed by ${reader.left} bytes of its packet`)
  return packet
}

function decodePublish(reader: Reader, firstByte: number, version: ProtocolVersion, from: Sender): Publish {
  const qos = ((firstByte >>> 1) & 3) as QoS
  // [MQTT-3.3.1-4]
  if ((qos as number) === 3) throw reader.malformed('publish has QoS 3', reader.start)
  const dup = (firstByte & 8) !== 0
  // [MQTT-3.3.1-2]
  if (dup && qos === 0) throw reader.malformed('publish has DUP with QoS 0', reader.start)
  const isNameless =
    version === 5 && reader.left >= 2 && reader.bytes[reader.at] === 0 && reader.bytes[reader.at + 1] === 0
  const topicAt = reader.at
  if (isNameless) reader.at += 2
  const topic = isNameless ? '' : reader.topic()
  const packetIdentifier = qos === 0 ? 0 : reader.packetIdentifier()
  const propertiesAt = reader.at
  const properties = version === 5 ? readPublishProperties(reader) : undefined
  if (isNameless && properties?.topicAlias === undefined) {
    throw reader.violation('publish has neither topic nor topic alias', ReasonCode.protocolError, topicAt)
  }
  // [MQTT-3.3.4-6]
  if (from === 'client' && properties?.subscriptionIdentifiers !== undefined) {
    throw reader.violation(
      'a client sends no subscription identifier in publish',
      ReasonCode.protocolError,
      propertiesAt,
    )
  }
  const payload = reader.view(reader.left)
  return {
    type: 'publish',
    topic,
    payload,
    qos,
    retain: (firstByte & 1) !== 0,
    dup,
    packetIdentifier,
    properties,
  }
}

function readPublishProperties(reader: Reader): PublishProperties | undefined {
  const { propertyMemory } = reader
  return propertyMemory === undefined ? readProperties(reader, 'publish') : propertyMemory.read(reader)
}

const LEVEL_OF_NAME: Record<string, readonly number[]> = { MQTT: [4, 5], MQIsdp: [3] }

function decodeConnect(reader: Reader): Connect {
  const nameAt = reader.at
  const name = reader.string()
  const levels = Object.hasOwn(LEVEL_OF_NAME, name) ? LEVEL_OF_NAME[name] : undefined
  const levelAt = reader.at
  const protocolVersion = reader.byte() as ProtocolVersion
  if (!levels?.includes(protocolVersion))
    throw unsupported(reader, name, protocolVersion, levels ? levelAt : nameAt)
  reader.wantsShortestVarint = protocolVersion === 5
  const flagsAt = reader.at
  const flags = connectFlags(reader, protocolVersion, flagsAt)
  const keepAlive = reader.uint16()
  const propertiesAt = reader.at
  const properties = protocolVersion === 5 ? readProperties(reader, 'connect') : undefined
  if (properties?.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    throw reader.violation('authentication data without a method', ReasonCode.protocolError, propertiesAt)
  }
  const clientId = reader.string()
  const will = flags & 4 ? decodeWill(reader, flags, protocolVersion) : undefined
  const username = flags & 128 ? reader.string() : undefined
  const password = flags & 64 ? reader.binary() : undefined
  const cleanStart = (flags & 2) !== 0
  return {
    type: 'connect',
    protocolVersion,
    cleanStart,
    keepAlive,
    clientId,
    will,
    username,
    password,
    properties,
  }
}

function connectFlags(reader: Reader, version: ProtocolVersion, at: number): number {
  const flags = reader.byte()
  // [MQTT-3.1.2-3]
  if (flags & 1) throw reader.malformed('connect has its reserved flag set', at)
  const willQoS = (flags >>> 3) & 3
  // [MQTT-3.1.2-12]
  if (willQoS === 3) throw reader.malformed('connect has will QoS 3', at)
  // [MQTT-3.1.2-11] [MQTT-3.1.2-13]
  if (!(flags & 4) && flags & 0x38) throw reader.malformed('connect has will flags without a will', at)
  // Before MQTT 5.0 a password needs a user name. [MQTT-3.1.2-22 of 3.1.1]
  if (version < 5 && (flags & 0xc0) === 0x40)
    throw reader.malformed('connect has a password without a user name', at)
  return flags
}

function decodeWill(reader: Reader, flags: number, version: ProtocolVersion): Will {
  const properties = version === 5 ? readProperties(reader, 'will') : undefined
  const topic = reader.topic()
  const payload = reader.binary()
  return { topic, payload, qos: ((flags >>> 3) & 3) as QoS, retain: (flags & 32) !== 0, properties }
}

function unsupported(reader: Reader, name: string, level: number, at: number): ProtocolError {
  const shown = JSON.stringify(name.slice(0, 20))
  return new ProtocolError(
    'unsupported-protocol-version',
    ReasonCode.unsupportedProtocolVersion,
    at - reader.start,
    `protocol ${shown} level ${level}; expected "MQTT" 4 or 5, or "MQIsdp" 3`,
  )
}

function decodeConnack(reader: Reader, version: ProtocolVersion): Connack {
  const flagsAt = reader.at
  const flags = reader.byte()
  // [MQTT-3.2.2-1]
  if (flags > 1) throw reader.malformed(`connack has acknowledge flags ${flags}; expected 0 or 1`, flagsAt)
  const codeAt = reader.at
  // CONNACK of MQTT 5.0 has a property length at least, so two bytes are a CONNACK of 3.1.1, whatever they say.
  if (version === 5 && reader.left === 1) {
    throw reader.violation('the server speaks only MQTT 3.1.1', ReasonCode.protocolError, codeAt)
  }
  const code = version === 5 ? reasonCode(reader, 'connack') : REASON_CODE_OF_RETURN_CODE[reader.byte()]
  if (code === undefined) throw reader.malformed('connack has a return code over 5', codeAt)
  const sessionPresent = flags === 1
  // [MQTT-3.2.2-6]
  if (sessionPresent && code !== 0) {
    throw reader.violation('connack refuses, yet says session present', ReasonCode.protocolError, flagsAt)
  }
  const properties = version === 5 ? readProperties(reader, 'connack') : undefined
  return { type: 'connack', sessionPresent, reasonCode: code, properties }
}

function decodeAcknowledgement<Type extends 'puback' | 'pubrec' | 'pubrel' | 'pubcomp'>(
  reader: Reader,
  type: Type,
  version: ProtocolVersion,
): Acknowledgement<Type> {
  const packetIdentifier = reader.packetIdentifier()
  // A packet of two bytes means success, one of three has no properties. Section 3.4.2.1.
  const code = version === 5 && reader.left > 0 ? reasonCode(reader, type) : ReasonCode.success
  const properties = version === 5 && reader.left > 0 ? readProperties(reader, type) : undefined
  return { type, packetIdentifier, reasonCode: code, properties }
}

function decodeSubscribe(reader: Reader, version: ProtocolVersion): Subscribe {
  const packetIdentifier = reader.packetIdentifier()
  const properties = version === 5 ? readProperties(reader, 'subscribe') : undefined
  const subscriptions: SubscriptionRequest[] = []
  // [MQTT-3.8.3-2]
  if (reader.left === 0) throw reader.violation('subscribe has no topic filter', ReasonCode.protocolError)
  while (reader.left > 0) subscriptions.push(decodeSubscription(reader, version))
  return { type: 'subscribe', packetIdentifier, subscriptions, properties }
}

function decodeSubscription(reader: Reader, version: ProtocolVersion): SubscriptionRequest {
  const filter = topicFilter(reader)
  const at = reader.at
  const options = reader.byte()
  // [MQTT-3.8.3-5]
  if (options & (version === 5 ? 0xc0 : 0xfc))
    throw reader.malformed('subscription options have reserved bits set', at)
  const qos = (options & 3) as QoS
  const retainHandling = ((options >>> 4) & 3) as 0 | 1 | 2
  if ((qos as number) === 3) throw reader.violation('subscription has QoS 3', ReasonCode.protocolError, at)
  if ((retainHandling as number) === 3) {
    throw reader.violation('subscription has retain handling 3', ReasonCode.protocolError, at)
  }
  const noLocal = (options & 4) !== 0
  // [MQTT-3.8.3-4]
  if (noLocal && filter.startsWith('$share/')) {
    throw reader.violation('a shared subscription cannot be no local', ReasonCode.protocolError, at)
  }
  return { filter, qos, noLocal, retainAsPublished: (options & 8) !== 0, retainHandling }
}

/** At least one character; its wildcards are the session's to judge, which answers filter by filter. [MQTT-4.7.3-1] */
function topicFilter(reader: Reader): string {
  const at = reader.at
  const filter = reader.string()
  if (filter === '') throw reader.violation('topic filter is empty', ReasonCode.topicFilterInvalid, at)
  return filter
}

function decodeSuback(reader: Reader, version: ProtocolVersion): Suback {
  const packetIdentifier = reader.packetIdentifier()
  const properties = version === 5 ? readProperties(reader, 'suback') : undefined
  const reasonCodes: number[] = []
  if (reader.left === 0) throw reader.malformed('suback has no reason code')
  while (reader.left > 0) {
    const at = reader.at
    const code = reasonCode(reader, 'suback')
    if (version < 5 && code > 2 && code !== 0x80) throw reader.malformed(`suback has return code ${code}`, at)
    reasonCodes.push(code)
  }
  return { type: 'suback', packetIdentifier, reasonCodes, properties }
}

function decodeUnsubscribe(reader: Reader, version: ProtocolVersion): Unsubscribe {
  const packetIdentifier = reader.packetIdentifier()
  const properties = version === 5 ? readProperties(reader, 'unsubscribe') : undefined
  const filters: string[] = []
  // [MQTT-3.10.3-2]
  if (reader.left === 0) throw reader.violation('unsubscribe has no topic filter', ReasonCode.protocolError)
  while (reader.left > 0) filters.push(topicFilter(reader))
  return { type: 'unsubscribe', packetIdentifier, filters, properties }
}

function decodeUnsuback(reader: Reader, version: ProtocolVersion): Unsuback {
  const packetIdentifier = reader.packetIdentifier()
  const properties = version === 5 ? readProperties(reader, 'unsuback') : undefined
  const reasonCodes: number[] = []
  if (version === 5 && reader.left === 0) throw reader.malformed('unsuback has no reason code')
  if (version === 5) while (reader.left > 0) reasonCodes.push(reasonCode(reader, 'unsuback'))
  return { type: 'unsuback', packetIdentifier, reasonCodes, properties }
}

function decodeDisconnect(reader: Reader, version: ProtocolVersion, from: Sender): Disconnect {
  // DISCONNECT of a server exists in MQTT 5.0 only. [MQTT-3.14 of 3.1.1]
  if (version < 5 && from === 'server') {
    throw reader.violation(
      'a server sends no disconnect before MQTT 5.0',
      ReasonCode.protocolError,
      reader.start,
    )
  }
  const code =
    version === 5 && reader.left > 0 ? reasonCode(reader, 'disconnect') : ReasonCode.normalDisconnection
  const propertiesAt = reader.at
  const properties = version === 5 && reader.left > 0 ? readProperties(reader, 'disconnect') : undefined
  // [MQTT-3.14.2-2]
  if (from === 'server' && properties?.sessionExpiryInterval !== undefined) {
    throw reader.violation(
      'a server sends no session expiry in disconnect',
      ReasonCode.protocolError,
      propertiesAt,
    )
  }
  return { type: 'disconnect', reasonCode: code, properties }
}

function decodeAuth(reader: Reader, version: ProtocolVersion): Auth {
  if (version < 5) throw reader.malformed('auth exists only in MQTT 5.0', reader.start)
  const code = reader.left > 0 ? reasonCode(reader, 'auth') : ReasonCode.success
  const properties = reader.left > 0 ? readProperties(reader, 'auth') : undefined
  return { type: 'auth', reasonCode: code, properties }
}

function reasonCode(reader: Reader, name: keyof typeof REASON_CODES_OF): number {
  const at = reader.at
  const code = reader.byte()
  // Section 2.4 gives 0x8C to DISCONNECT, table 3-10 leaves it out: it is understood, and never sent.
  const isInDispute = name === 'disconnect' && code === ReasonCode.badAuthenticationMethod
  if (!REASON_CODES_OF[name].has(code) && !isInDispute) {
    throw reader.malformed(`${name} never has reason code ${describeReasonCode(code)}`, at)
  }
  return code
}

const acknowledgementDecoder =
  (type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp'): BodyDecoder =>
  (reader, version) =>
    decodeAcknowledgement(reader, type, version)

const SENT_BY_BOTH: Direction['decoders'] = {
  puback: /* @__PURE__ */ acknowledgementDecoder('puback'),
  pubrec: /* @__PURE__ */ acknowledgementDecoder('pubrec'),
  pubrel: /* @__PURE__ */ acknowledgementDecoder('pubrel'),
  pubcomp: /* @__PURE__ */ acknowledgementDecoder('pubcomp'),
  disconnect: decodeDisconnect,
  auth: decodeAuth,
}

const directionOf = (from: Sender, own: Direction['decoders']): Direction => ({
  from,
  decoders: { ...SENT_BY_BOTH, ...own },
})

// Marked as pure, so that whoever needs one of them does not get the other.

export const FROM_CLIENT = /* @__PURE__ */ directionOf('client', {
  connect: decodeConnect,
  disconnect: (reader, version, from) => {
    const codeAt = reader.at
    const packet = decodeDisconnect(reader, version, from)
    if (DISCONNECT_CODES_OF_CLIENT.has(packet.reasonCode)) return packet
    throw reader.violation(
      `a ${from} never disconnects with ${describeReasonCode(packet.reasonCode)}`,
      ReasonCode.protocolError,
      codeAt,
    )
  },
  subscribe: decodeSubscribe,
  unsubscribe: decodeUnsubscribe,
  pingreq: () => ({ type: 'pingreq' }),
})

export const FROM_SERVER = /* @__PURE__ */ directionOf('server', {
  connack: decodeConnack,
  suback: decodeSuback,
  unsuback: decodeUnsuback,
  pingresp: () => ({ type: 'pingresp' }),
})
