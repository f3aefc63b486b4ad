import { describeReasonCode, ProtocolError, type Publish, ReasonCode } from '@jamey/protocol'
import { PublishError } from '../model/errors.js'
import type { QueueSettings } from '../model/settings.js'
import type { DeadlineCause } from '../support/deadline.js'

/**
 * The errors that a publish ends with, in the order of its life. Those of parts that pages fetch later stand in them.
 */

/** The error of a message that no packet can carry; any other error is one of ours, and thrown. */
export function unfit(error: unknown): PublishError {
  if (!(error instanceof ProtocolError)) throw error
  return new PublishError('invalid-argument', `publish: ${error.message}`, { cause: error })
}

export function offline(topic: string, cause: Error | undefined): PublishError {
  const why = cause === undefined ? 'there is no connection' : cause.message
  return new PublishError('offline', `publish to '${topic}': ${why}`, { retryable: true, cause })
}

export function queueFull(topic: string, settings: QueueSettings): PublishError {
  return new PublishError(
    'queue-full',
    `publish to '${topic}': the queue is full (at most ${settings.maximumMessages} messages and ` +
      `${settings.maximumBytes} bytes); see the option queue`,
    { retryable: true },
  )
}

export function pushedOut(topic: string): PublishError {
  return new PublishError('dropped', `publish to '${topic}': newer messages pushed it out of the queue`)
}

export function storeFailed(publish: Publish | undefined, cause: unknown): PublishError {
  const what = publish === undefined ? 'session store' : `publish to '${publish.topic}'`
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new PublishError('store-failed', `${what}: the store failed: ${reason}`, { cause })
}

export function expired(topic: string, waitedMs: number): PublishError {
  return new PublishError('expired', `publish to '${topic}': waited ${waitedMs} ms`)
}

/** A message that the server of this connection must not be sent. */
export function notAccepted(
  code: 'qos-not-supported' | 'retain-not-supported' | 'packet-too-large',
  topic: string,
  found: string,
  accepted: string,
): PublishError {
  return new PublishError(code, `publish to '${topic}': ${found}; the server accepts ${accepted}`)
}

/** Nobody can tell how far a message of QoS 0 came. */
export function lostWhileSent(): PublishError {
  return new PublishError('lost', 'publish at QoS 0: the connection broke while it was being sent', {
    mayBeDelivered: true,
    retryable: true,
  })
}

/** The server answered with a failure. */
export function refused(topic: string, reasonCode: number, reasonString: string | undefined): PublishError {
  const said = describeReasonCode(reasonCode, reasonString)
  const isBusy =
    reasonCode === ReasonCode.quotaExceeded ||
    reasonCode === ReasonCode.packetIdentifierInUse ||
    reasonCode === ReasonCode.unspecifiedError ||
    reasonCode === ReasonCode.implementationSpecificError
  return new PublishError('refused', `publish to '${topic}' was refused by the server: ${said}`, {
    reasonCode,
    retryable: isBusy,
  })
}

export function gaveUpPublishing(topic: string, why: DeadlineCause, mayBeDelivered: boolean): PublishError {
  return gaveUp(`publish to '${topic}'`, why, mayBeDelivered)
}

/** `call`: what its caller gave up. */
export function gaveUp(call: string, why: DeadlineCause, mayBeDelivered: boolean): PublishError {
  const what = why === 'timeout' ? 'not acknowledged in time' : 'aborted by the caller'
  const fate = mayBeDelivered ? 'it may still be delivered' : 'it will not be delivered'
  return new PublishError(why, `${call}: ${what}; ${fate}`, {
    mayBeDelivered,
    retryable: why === 'timeout',
  })
}

export function gaveUpDraining(why: DeadlineCause): PublishError {
  return new PublishError(why, 'some messages are still unacknowledged', { mayBeDelivered: true })
}

export function closedPublish(topic: string, mayBeDelivered: boolean): PublishError {
  return closed(`publish to '${topic}'`, mayBeDelivered)
}

export function closed(call: string, mayBeDelivered: boolean): PublishError {
  return new PublishError('closed', `${call}: the client is closed`, { mayBeDelivered })
}
