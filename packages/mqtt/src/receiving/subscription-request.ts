import {
  assertTopicFilter,
  CLIENT_BODIES,
  describeReasonCode,
  encodeFrom,
  ReasonCode,
  type Subscribe,
  type SubscriptionRequest,
  type Unsubscribe,
  Writer,
} from '@jamey/protocol'
import { SubscriptionError } from '../model/errors.js'
import type { SubscribeOptions } from '../model/options.js'
import type { ServerInformation } from '../model/server-information.js'
import type { DeadlineCause } from '../support/deadline.js'

/** Reason codes of SUBACK from here on say that the server lacks a feature: 0x9E, 0xA1, 0xA2. Section 3.9.3. */
const LACKS = ReasonCode.sharedSubscriptionsNotSupported

/** The greatest sum of a fixed header, a packet identifier, properties, the length of the filter and its options. */
const HEAD_BYTES = 5 + 2 + 6 + 2 + 1
/** Bytes that a UTF-16 code unit takes in UTF-8 at the most. */
const UNIT_BYTES = 3

export function requestFor(filter: string, options: SubscribeOptions): SubscriptionRequest {
  return {
    filter,
    qos: options.qos ?? 1,
    noLocal: options.noLocal ?? false,
    retainAsPublished: options.retainAsPublished ?? false,
    retainHandling: options.retainHandling ?? 0,
  }
}

/** The request by which another handler gets what it wants, too; undefined where that is asked for already. */
export function wants(
  present: SubscriptionRequest,
  options: SubscribeOptions,
): SubscriptionRequest | undefined {
  const { qos, noLocal, retainAsPublished } = requestFor(present.filter, options)
  const isMore =
    qos > present.qos || (present.noLocal && !noLocal) || (retainAsPublished && !present.retainAsPublished)
  if (!isMore) return undefined
  // One subscription serves both, so it has to bring what either of them wants.
  return {
    ...present,
    qos: qos > present.qos ? qos : present.qos,
    noLocal: noLocal && present.noLocal,
    retainAsPublished: retainAsPublished || present.retainAsPublished,
  }
}

/** The fault of the call, or the feature that `server` does not have. */
export function faultOf(
  filter: string,
  options: SubscribeOptions,
  server: ServerInformation | undefined,
): SubscriptionError | undefined {
  if (options.signal?.aborted) return gaveUp(filter, 'aborted')
  try {
    assertTopicFilter(filter)
  } catch (error) {
    return invalidFilter(error as Error)
  }
  if (options.noLocal && filter.startsWith('$share/')) {
    // [MQTT-3.8.3-4]
    return new SubscriptionError('invalid-argument', `subscribe to '${filter}': noLocal cannot be shared`)
  }
  return unsupported(filter, server)
}

export function invalidFilter(error: Error): SubscriptionError {
  return new SubscriptionError('invalid-argument', error.message, { cause: error })
}

/** The error for a filter that the server of this connection does not support. */
export function unsupported(
  filter: string,
  server: ServerInformation | undefined,
): SubscriptionError | undefined {
  // Earlier versions of MQTT have no word for what a server lacks, so it is asked.
  if (server === undefined || server.protocolVersion < 5) return undefined
  if (filter.startsWith('$share/') && !server.sharedSubscriptionAvailable) {
    return refuse(filter, 'no shared subscriptions', ReasonCode.sharedSubscriptionsNotSupported)
  }
  if (!server.wildcardSubscriptionAvailable && /[+#]/.test(filter)) {
    return refuse(filter, 'no wildcards', ReasonCode.wildcardSubscriptionsNotSupported)
  }
  return undefined
}

/** The error for a packet about one filter that is larger than the server of this connection takes. [MQTT-3.2.2-15] */
export function oversized(
  filter: string,
  packet: Subscribe | Unsubscribe,
  server: ServerInformation | undefined,
): SubscriptionError | undefined {
  const maximum = server?.maximumPacketSize
  if (maximum === undefined || HEAD_BYTES + UNIT_BYTES * filter.length <= maximum) return undefined
  const writer = new Writer()
  encodeFrom(CLIENT_BODIES, writer, packet, 5)
  const bytes = writer.pendingBytes
  if (bytes <= maximum) return undefined
  return new SubscriptionError(
    'packet-too-large',
    `${packet.type} of '${filter}': the packet takes ${bytes} bytes; the server accepts ${maximum}`,
  )
}

export function refusedSubscription(
  filter: string,
  reasonCode: number,
  reasonString: string | undefined,
): SubscriptionError {
  const said = describeReasonCode(reasonCode, reasonString)
  return new SubscriptionError('refused', `subscription to '${filter}' was refused by the server: ${said}`, {
    reasonCode,
    retryable: reasonCode === ReasonCode.quotaExceeded || reasonCode === ReasonCode.unspecifiedError,
  })
}

/** True where a refusal may only tell of the moment; the others name what this subscription can never have. */
export function mayPass({ code, reasonCode = 0 }: SubscriptionError): boolean {
  return code === 'refused' && reasonCode !== ReasonCode.topicFilterInvalid && reasonCode < LACKS
}

export function gaveUp(filter: string, why: DeadlineCause): SubscriptionError {
  const what = why === 'timeout' ? 'no answer from the server in time' : 'aborted by the caller'
  return new SubscriptionError(why, `subscription to '${filter}': ${what}`, { retryable: why === 'timeout' })
}

function refuse(filter: string, lack: string, reasonCode: number): SubscriptionError {
  return new SubscriptionError('not-supported', `subscription to '${filter}': the server supports ${lack}`, {
    reasonCode,
  })
}
