import type { RequestContract } from '@jamey/contracts'
import type { RequestOptions } from '../model/message.js'
import { AbortedError, RequestTimeoutError } from '../support/errors.js'
import { fateOf } from '../support/request-fate.js'

const DEFAULT_TIMEOUT_MS = 30_000
/** The longest delay that timers can hold, 24.8 days. */
const MAXIMUM_TIMEOUT_MS = 2_147_483_647

/** Options of a request that has its deadline. */
export type TimedOptions = RequestOptions & { readonly timeoutMs: number }

interface Asked {
  readonly contract: RequestContract
  readonly options: TimedOptions
}

/** The options with a deadline, which every request has. Throws `RangeError` for one that no timer can hold. */
export function timed(options: RequestOptions): TimedOptions {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options
  if (!(timeoutMs > 0 && timeoutMs <= MAXIMUM_TIMEOUT_MS)) {
    throw new RangeError(
      `A request needs timeoutMs from 1 to ${MAXIMUM_TIMEOUT_MS} milliseconds; it is ${timeoutMs}.`,
    )
  }
  return timeoutMs === options.timeoutMs ? (options as TimedOptions) : { ...options, timeoutMs }
}

export function timedOut(
  { contract, options }: Asked,
  mayBeDelivered: boolean,
  cause?: unknown,
): RequestTimeoutError {
  const { topic, action } = contract
  return new RequestTimeoutError(topic, action, options.timeoutMs, { cause, mayBeDelivered })
}

export function aborted({ contract, options }: Asked, mayBeDelivered: boolean): AbortedError {
  const what = `The request '${contract.action}' on ${contract.topic} was aborted; ${fateOf(mayBeDelivered)}.`
  return new AbortedError('request-aborted', what, { cause: options.signal?.reason, mayBeDelivered })
}

export function closed(waiting?: { readonly stage: string }): AbortedError {
  const mayBeDelivered = waiting !== undefined && waiting.stage !== 'unsent'
  const what = `The bus was closed before the request was answered; ${fateOf(mayBeDelivered)}.`
  return new AbortedError('bus-closed', what, { mayBeDelivered })
}
