import type { RequestContract } from '@jamey/contracts'
import type { RequestOptions } from '../model/message.js'
import { AbortedError, RequestTimeoutError } from '../support/errors.js'
import { fateOf } from '../support/request-fate.js'

/** Options of a request that has its deadline. */
export type TimedOptions = RequestOptions & { readonly timeoutMs: number }

interface Asked {
  readonly contract: RequestContract
  readonly options: TimedOptions
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
