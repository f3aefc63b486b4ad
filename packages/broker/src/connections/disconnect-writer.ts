import {
  type Connack,
  type Disconnect,
  encode,
  encodedBytes,
  type Packet,
  type ProtocolVersion,
  REASON_CODES_OF,
  ReasonCode,
  type Writer,
} from '@jamey/protocol'

/** Characters of a Reason String; whatever a client sent may be quoted in it, and more helps nobody. */
const MAXIMUM_REASON = 200

/** Time that an authenticated peer has to read our DISCONNECT. */
const LINGER_MS = 2_000
/** Time for a peer that was not let in: until then it takes a place of those who wait for CONNECT. */
const UNAUTHENTICATED_LINGER_MS = 250

export function lingerMs(hasPassed: boolean): number {
  return hasPassed ? LINGER_MS : UNAUTHENTICATED_LINGER_MS
}

export interface DisconnectDetails {
  reasonCode: number
  reasonString: string
  serverReference: string | undefined
}

/** A DISCONNECT for a client that knows it; earlier versions are just closed. [MQTT-4.13.1-1] */
export function writeDisconnect(
  writer: Writer,
  version: ProtocolVersion,
  details: DisconnectDetails,
  maximumBytes: number,
): void {
  if (version !== 5) return
  const reasonCode = legal(details.reasonCode, REASON_CODES_OF.disconnect)
  const properties = propertiesOf(details)
  writeWithin(writer, version, { type: 'disconnect', reasonCode, properties }, maximumBytes)
}

/** A CONNACK that refuses; `version` is undefined where no whole CONNECT came. [MQTT-3.1.4-2] */
export function writeRefusal(
  writer: Writer,
  version: ProtocolVersion | undefined,
  details: DisconnectDetails,
  maximumBytes: number,
): void {
  // A protocol level we do not speak is answered the way 3.1.1 asks for. [MQTT-3.1.2-2]
  const isUnknown = details.reasonCode === ReasonCode.unsupportedProtocolVersion
  const spoken = isUnknown ? 4 : version
  if (spoken === undefined) return
  const reasonCode = legal(details.reasonCode, REASON_CODES_OF.connack)
  const properties = propertiesOf(details)
  writeWithin(
    writer,
    spoken,
    { type: 'connack', sessionPresent: false, reasonCode, properties },
    maximumBytes,
  )
}

/** Properties that can be encoded, whatever an authenticator put into its message. [MQTT-1.5.4] */
function propertiesOf({ reasonString, serverReference }: DisconnectDetails) {
  const text = reasonString.slice(0, MAXIMUM_REASON).toWellFormed().replaceAll('\0', ' ')
  return { reasonString: text === '' ? undefined : text, serverReference }
}

function legal(reasonCode: number, codes: ReadonlySet<number>): number {
  return codes.has(reasonCode) ? reasonCode : ReasonCode.unspecifiedError
}

/**
 * A Reason String may not make the packet larger than the peer takes. [MQTT-3.14.2-3] [MQTT-3.2.2-19] Where even the
 * code alone would be, nothing is said. [MQTT-3.1.2-24]
 */
function writeWithin(
  writer: Writer,
  version: ProtocolVersion,
  packet: Connack | Disconnect,
  maximumBytes: number,
): void {
  if (isWithin(packet, version, maximumBytes)) return encode(writer, packet, version)
  const bare = { ...packet, properties: undefined }
  if (isWithin(bare, version, maximumBytes)) encode(writer, bare, version)
}

/** True where the peer takes a packet of this size. */
export function isWithin(packet: Packet, version: ProtocolVersion, maximumBytes: number): boolean {
  return maximumBytes === Number.POSITIVE_INFINITY || encodedBytes(packet, version) <= maximumBytes
}
