import { MqttError, MessageError as MqttMessageError } from '@jamey/mqtt'
import { JameyError } from '@jamey/protocol'
import { fateOf } from './request-fate.js'

/** The `code` of every error that this package adds; errors of the MQTT client pass through with their own. */
export type BusErrorCode =
  | 'permission-missing'
  | 'rate-limited'
  | 'request-timed-out'
  | 'request-aborted'
  | 'request-duplicated'
  | 'no-responder'
  | 'remote-error'
  | 'already-served'
  | 'answer-mismatch'
  | 'bus-closed'
  | 'configuration-invalid'

/** The base of the errors of the bus: they have a `code`, and `retryable` says whether to try again. */
export abstract class BusError extends MqttError<BusErrorCode> {}

/** A message that does not have the shape it must have, ours or somebody else's. Code `invalid`, not retryable. */
export class MessageError extends MqttMessageError {
  /** Path of the fault in the envelope: `payload.data.importance`, `metadata.client_id`. */
  readonly field: string
  readonly topic: string

  constructor(topic: string, field: string, fault: string, options: { cause?: unknown } = {}) {
    super('invalid', `Message for ${topic}: ${field} ${fault}`, options)
    this.topic = topic
    this.field = field
  }
}

/** A call that the client's own permissions do not allow; nothing was sent. Not retryable. */
export class PermissionError extends BusError {
  override readonly name = 'PermissionError'
  /**
   * The permission that is missing, as it would be listed: `publish:jamey/memory/store`. Undefined where none helps,
   * as with what belongs to another client.
   */
  readonly permission: string | undefined

  /** `why`: a sentence for where no permission helps. */
  constructor(permission: string | undefined, clientId: string, why = '') {
    super(
      'permission-missing',
      permission === undefined
        ? `Client ${why}.`
        : `Client ${clientId} lacks the permission ${permission}; list it in MQTT_PERMISSIONS, or in what issues its token.`,
    )
    this.permission = permission
  }
}

/** The message is beyond the client's own rate limit, in messages or bytes; nothing was sent. Retryable. */
export class RateLimitError extends BusError {
  override readonly name = 'RateLimitError'
  /** Milliseconds after which the same message would have passed. */
  readonly retryAfterMs: number

  constructor(limit: string, retryAfterMs: number) {
    super('rate-limited', `Over the rate limit of ${limit}; try again in ${retryAfterMs} ms.`, {
      retryable: true,
    })
    this.retryAfterMs = retryAfterMs
  }
}

/** The way in which a request without an answer ended. */
export interface UnansweredDetails {
  readonly cause?: unknown
  /** False: it was never sent. */
  readonly mayBeDelivered?: boolean
}

/** No answer within the request's deadline. Retryable. */
export class RequestTimeoutError extends BusError {
  override readonly name = 'RequestTimeoutError'
  readonly timeoutMs: number
  /** False: nobody will ever get the request. True: it was or is on its way, and may have been carried out. */
  readonly mayBeDelivered: boolean

  constructor(topic: string, action: string, timeoutMs: number, details: UnansweredDetails = {}) {
    const { cause, mayBeDelivered = true } = details
    super(
      'request-timed-out',
      `No answer to '${action}' on ${topic} within ${timeoutMs} ms; ${fateOf(mayBeDelivered)}.`,
      { retryable: true, cause },
    )
    this.timeoutMs = timeoutMs
    this.mayBeDelivered = mayBeDelivered
  }
}

/** The server reported that nobody is subscribed to the request's topic (reason code 0x10). Retryable. */
export class NoResponderError extends BusError {
  override readonly name = 'NoResponderError'
  readonly topic: string

  constructor(topic: string, action: string) {
    super(
      'no-responder',
      `Nobody serves '${action}' on ${topic}; start the service or check its permissions.`,
      { retryable: true, reasonCode: 0x10 },
    )
    this.topic = topic
  }
}

/** The failure that a remote handler answered with. */
export class RemoteError extends BusError {
  override readonly name = 'RemoteError'
  /** A stable word to act upon, such as `invalid-request`, `internal`, or one of the service's own. */
  readonly kind: string
  /** Milliseconds after which it makes sense to try again, where the remote side says so. */
  readonly retryAfterMs: number | undefined
  /** Facts of the service's own for programs, such as a limit and what was found. */
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(
    kind: string,
    message: string,
    retryable: boolean,
    facts: {
      retryAfterMs?: number | undefined
      details?: Readonly<Record<string, unknown>> | undefined
    } = {},
  ) {
    super('remote-error', message, { retryable })
    this.kind = kind
    this.retryAfterMs = facts.retryAfterMs
    this.details = facts.details
  }
}

/** An answer that is about another request than the one it was given to. Not retryable: somebody has to look at it. */
export class AnswerMismatchError extends BusError {
  override readonly name = 'AnswerMismatchError'
  /** `request_digest`, `requested_by` or `correlation_id`. */
  readonly field: string

  constructor(facts: { topic: string; action: string; field: string; expected: string; found: unknown }) {
    const { topic, action, field, expected, found } = facts
    super(
      'answer-mismatch',
      `The answer to '${action}' on ${topic} is about another request: ${field} must be ${expected}; it is ${JSON.stringify(found) ?? 'missing'}.`,
    )
    this.field = field
  }
}

/** The bus was closed, or the caller aborted, before the call was finished. */
export class AbortedError extends BusError {
  override readonly name = 'AbortedError'
  /** False: what was asked for was never sent. True: it may be carried out all the same. */
  readonly mayBeDelivered: boolean

  constructor(code: 'request-aborted' | 'bus-closed', message: string, details: UnansweredDetails = {}) {
    const { cause, mayBeDelivered = false } = details
    super(code, message, { cause })
    this.mayBeDelivered = mayBeDelivered
  }
}

/** A second request with the response topic and correlation id of one that is still waiting. */
export class DuplicateRequestError extends BusError {
  override readonly name = 'DuplicateRequestError'

  constructor(correlationId: string) {
    super(
      'request-duplicated',
      `A request with correlation id ${correlationId} and the same message id is still waiting for its answer.`,
    )
  }
}

/** A second handler of this bus for the same action, topic and group. */
export class AlreadyServedError extends BusError {
  override readonly name = 'AlreadyServedError'

  constructor(topic: string, action: string, group: string) {
    super(
      'already-served',
      `This bus serves '${action}' on ${topic} in group ${group} already; stop that first.`,
    )
  }
}

/**
 * Thrown by a serve handler: travels to the requester, who gets it as `RemoteError` with the same facts.
 * Anything else that a handler throws arrives as kind `internal`, without its message and stack.
 */
export class RequestError extends JameyError<'request-failed'> {
  override readonly name = 'RequestError'
  /** A word of the service's own, as `RemoteError` has it. */
  readonly kind: string
  /** Milliseconds after which it makes sense to try again: a whole number, at most a minute. */
  readonly retryAfterMs: number | undefined
  /** JSON for the requester's program, such as a limit and what was found. */
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(
    kind: string,
    message: string,
    options: {
      retryable?: boolean
      retryAfterMs?: number
      details?: Readonly<Record<string, unknown>>
      cause?: unknown
    } = {},
  ) {
    super('request-failed', message, options)
    this.kind = kind
    this.retryAfterMs = options.retryAfterMs
    this.details = options.details
  }
}

/** One fault of the configuration. `found` never shows a secret. */
export interface ConfigurationFault {
  readonly variable: string
  readonly found: string
  readonly expected: string
}

/** Everything that is wrong with the configuration at once. Not retryable. */
export class ConfigurationError extends BusError {
  override readonly name = 'ConfigurationError'
  readonly faults: readonly ConfigurationFault[]

  constructor(faults: readonly ConfigurationFault[]) {
    const lines = faults.map(
      (fault) => `  ${fault.variable}: expected ${fault.expected}, found ${fault.found}`,
    )
    super('configuration-invalid', `The configuration cannot be used:\n${lines.join('\n')}`)
    this.faults = faults
  }
}
