export { AuthenticationRefused } from './authentication-refused.js'
export { type Direction, FROM_CLIENT, FROM_SERVER, type Sender } from './decode.js'
export { Decoder, type DecoderOptions, PacketDecoder, type PacketDecoderOptions } from './decoder.js'
export {
  type Bodies,
  CLIENT_BODIES,
  type ClientPacket,
  encode,
  encodeAcknowledgement,
  encodedBytes,
  encodeFrom,
  encodePublish,
} from './encode.js'
export * from './errors.js'
export { JameyError, type JameyErrorDetails } from './jamey-error.js'
export { type LatencyBucket, LatencyHistogram } from './latency-histogram.js'
export { ALIAS_BYTES, OutgoingAliases } from './outgoing-aliases.js'
export * from './packets.js'
export type * from './properties.js'
export { PROPERTIES } from './properties.js'
export { assertProperties, encodeUserProperties } from './property-codec.js'
export { PropertyMemory } from './property-memory.js'
export { PublishFrame } from './publish-frame.js'
export {
  describeReasonCode,
  isFailure,
  REASON_CODES_OF,
  ReasonCode,
  type ReasonCodeName,
} from './reason-codes.js'
export * from './topics.js'
export { isBytes, notOfType, typeOf, Writer } from './writer.js'
