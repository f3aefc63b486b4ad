import type { RemoteFailure } from '@jamey/contracts'
import type { Principal } from '../model/message.js'
import type { RequestError } from '../support/errors.js'

/** Time after which a requester that has too much waiting may come again: some of it is done by then. */
const RETRY_AFTER_MS = 1000

export function notPermitted({ clientId }: Principal, topic: string): RemoteFailure {
  const message = `${clientId} lacks the permission publish:${topic}.`
  return { kind: 'not-permitted', message, retryable: false }
}

export function abortedFailure(action: string): RemoteFailure {
  return {
    kind: 'aborted',
    message: `'${action}' was stopped before it was done; ask again.`,
    retryable: true,
  }
}

/**
 * The failure of a request whose principal has too much waiting: it must not take the time of all others, and may try
 * again.
 */
export function overloadedFailure(action: string, { clientId }: Principal): RemoteFailure {
  const message = `As many requests '${action}' of ${clientId} wait here, or as many bytes of them, as one client may have; try again when some are answered.`
  return { kind: 'overloaded', message, retryable: true, retry_after_ms: RETRY_AFTER_MS }
}

/** Retryable, for while a service is being replaced another instance may know the action. */
export function unknownAction(action: string, topic: string, offered: Iterable<string>): RemoteFailure {
  const message = `No action '${action}' is served on ${topic}; there is: ${[...offered].join(', ')}.`
  return { kind: 'unknown-action', message, retryable: true }
}

/** The failure that a handler threw for its requester. */
export function failureOf({ kind, message, retryable, retryAfterMs, details }: RequestError): RemoteFailure {
  return {
    kind,
    message,
    retryable,
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
    ...(details === undefined ? {} : { details: { ...details } }),
  }
}
