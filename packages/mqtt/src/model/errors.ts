/**
 * `invalid-argument`: the options cannot work. `unreachable`: no connection came about. `refused`: the server
 * answered CONNECT with a failure. `lost`: the connection broke. `server-disconnected`: the server said DISCONNECT.
 * `tls-failed`: server and client found no TLS in common. `breaker-open`: too many failures in a row, `reset()` tries
 * again. `closed`: this client was closed.
 */
export type ConnectionErrorCode =
  | 'invalid-argument'
  | 'unreachable'
  | 'timeout'
  | 'aborted'
  | 'refused'
  | 'lost'
  | 'server-disconnected'
  | 'keep-alive-timeout'
  | 'write-timeout'
  | 'tls-failed'
  | 'protocol-error'
  | 'store-failed'
  | 'breaker-open'
  | 'closed'

/**
 * `credentials-failed`: the credentials function threw. `tls-verification`: the server's certificate is not trusted.
 * `client-certificate`: the server does not take ours, or wants one.
 */
export type AuthenticationErrorCode =
  | 'bad-credentials'
  | 'not-authorized'
  | 'bad-authentication-method'
  | 'banned'
  | 'credentials-failed'
  | 'tls-verification'
  | 'client-certificate'

/** `dropped`: pushed out of the full queue by its policy. `expired`: waited longer than it may. */
export type PublishErrorCode =
  | 'invalid-argument'
  | 'refused'
  | 'offline'
  | 'queue-full'
  | 'dropped'
  | 'expired'
  | 'packet-too-large'
  | 'qos-not-supported'
  | 'retain-not-supported'
  | 'timeout'
  | 'aborted'
  | 'lost'
  | 'store-failed'
  | 'closed'

export type SubscriptionErrorCode =
  | 'invalid-argument'
  | 'refused'
  | 'offline'
  | 'not-supported'
  | 'packet-too-large'
  | 'timeout'
  | 'aborted'
  | 'closed'

/**
 * `handler-failed`: a message handler threw. `dropped`: no room for an incoming QoS 0 message, or one is larger than
 * `maximumPacketBytes`.
 */
export type MessageErrorCode = 'handler-failed' | 'dropped' | 'invalid'

export interface ErrorDetails {
  /** The MQTT 5.0 reason code the server gave, where it gave one. */
  reasonCode?: number | undefined
  cause?: unknown
  /** True where the same call may succeed later, unchanged. */
  retryable?: boolean
}

/** The base of all errors of this package. */
export abstract class MqttError<Code extends string = string> extends Error {
  readonly code: Code
  readonly reasonCode: number | undefined
  readonly retryable: boolean

  constructor(code: Code, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.reasonCode = details.reasonCode
    this.retryable = details.retryable ?? false
  }
}

/** There is no connection, and why. */
export class ConnectionError extends MqttError<ConnectionErrorCode> {
  override readonly name = 'ConnectionError'
}

/** One side did not accept who the other is. Other credentials or certificates are needed. */
export class AuthenticationError extends MqttError<AuthenticationErrorCode> {
  override readonly name = 'AuthenticationError'
}

export interface PublishErrorDetails extends ErrorDetails {
  mayBeDelivered?: boolean
}

/** A message was not published, or it is unknown whether it was. */
export class PublishError extends MqttError<PublishErrorCode> {
  override readonly name = 'PublishError'
  /** False: nobody will ever get the message. True: it is or was on its way. */
  readonly mayBeDelivered: boolean

  constructor(code: PublishErrorCode, message: string, details: PublishErrorDetails = {}) {
    super(code, message, details)
    this.mayBeDelivered = details.mayBeDelivered ?? false
  }
}

/** A subscription did not come about or could not be restored. */
export class SubscriptionError extends MqttError<SubscriptionErrorCode> {
  override readonly name = 'SubscriptionError'
}

/** A received message could not be handled. */
export class MessageError extends MqttError<MessageErrorCode> {
  override readonly name = 'MessageError'
}
