import { ReasonCode } from '@jamey/protocol'

/**
 * `listener-insecure`: a listener without TLS was not marked `insecure: true`. `listener-invalid`: host, port or
 * certificate can not be used. `limit-invalid`: a limit is no number in its range. `authenticator-missing`.
 * `address-in-use`: another process listens there. `listen-failed`: the system refused for another reason.
 * `store-failed`: the store could not load what it holds. `close-invalid`: the options of `close` do not go together.
 * `reload-invalid`: what `reload` was given does not fit the listeners that are there. `stamp-invalid`: what
 * `stampSenders` holds is no topic filter that clients publish under. `refuse-when-full-invalid`: the same of
 * `refuseWhenFull`.
 */
export type BrokerErrorCode =
  | 'listener-insecure'
  | 'listener-invalid'
  | 'limit-invalid'
  | 'authenticator-missing'
  | 'address-in-use'
  | 'listen-failed'
  | 'store-failed'
  | 'close-invalid'
  | 'reload-invalid'
  | 'stamp-invalid'
  | 'refuse-when-full-invalid'

/** The broker can not be made or started as it was asked to; the message says what to change. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError'
  readonly code: BrokerErrorCode

  constructor(code: BrokerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * What an authenticator throws to refuse. Any error with a numeric `reasonCode` of CONNACK is understood the same;
 * the message goes to the client as Reason String, so it must not hold secrets.
 */
export class AuthenticationRefused extends Error {
  override readonly name = 'AuthenticationRefused'
  readonly code = 'authentication-refused'
  readonly reasonCode: number

  constructor(message: string, reasonCode: number = ReasonCode.notAuthorized, options?: ErrorOptions) {
    super(message, options)
    this.reasonCode = reasonCode
  }
}

/** A client did what the standard or a limit forbids: its connection ends with this reason code. Not public. */
export class ConnectionFault extends Error {
  override readonly name = 'ConnectionFault'
  readonly reasonCode: number

  constructor(reasonCode: number, message: string) {
    super(message)
    this.reasonCode = reasonCode
  }
}
