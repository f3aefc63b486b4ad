/**
 * `malformed-packet`: the bytes cannot be parsed. `protocol-error`: they can, but say what the standard forbids.
 * `packet-too-large`: longer than the Maximum Packet Size in force. `unsupported-protocol-version`: a CONNECT of
 * a version this codec does not speak. `invalid-argument`: an encoder or topic function was handed a bad value.
 */
export type ProtocolErrorCode =
  | 'malformed-packet'
  | 'protocol-error'
  | 'packet-too-large'
  | 'unsupported-protocol-version'
  | 'invalid-argument'

/** Bytes or values that the MQTT standard does not allow. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode
  /** The reason code of a DISCONNECT or CONNACK about this error. */
  readonly reasonCode: number
  /** Bytes from the first byte of the packet; -1 where no bytes are concerned. */
  readonly offset: number

  constructor(code: ProtocolErrorCode, reasonCode: number, offset: number, message: string) {
    super(offset < 0 ? message : `${message} (at byte ${offset})`)
    this.code = code
    this.reasonCode = reasonCode
    this.offset = offset
  }
}
