import { ConnectionError } from '../model/errors.js'
import type { Platform, SystemError } from '../model/platform.js'
import type { Endpoint } from '../model/transport.js'

/** The error of a connection whose transport ended with `cause`; without one the server ended it. */
export function transportError(
  platform: Platform,
  { href }: Endpoint,
  cause: SystemError | undefined,
): Error {
  if (cause === undefined) {
    return new ConnectionError('lost', `${href} closed the connection`, { retryable: true })
  }
  if (cause instanceof ConnectionError) return cause
  const failure = `connection with ${href} failed: ${cause.message || 'unknown fault'}`
  return (
    platform.systemError?.(href, cause) ?? new ConnectionError('lost', failure, { cause, retryable: true })
  )
}
