import { ConnectionError } from '../model/errors.js'
import type { ConnectOptions } from '../model/options.js'
import { PUBLISH_IDENTIFIERS } from '../model/settings.js'

/**
 * Throws `ConnectionError` 'invalid-argument' that names the option with a value that none of its kind can have. Pages
 * do without: their bundle has no room for it, and nothing of theirs but the connection depends on it.
 */
export function assertOptionValues(options: ConnectOptions): void {
  oneOf('protocolVersion', options.protocolVersion, [4, 5, 'auto'])
  count(options, 'sessionExpirySeconds', 0, 0xffff_ffff)
  count(options, 'keepAliveSeconds', 0, 65_535)
  count(options, 'receiveMaximum', 1, 65_535)
  count(options, 'maximumInFlight', 1, PUBLISH_IDENTIFIERS)
  count(options, 'maximumPacketBytes', 16, 0xffff_ffff)
  count(options, 'topicAliasMaximum', 0, 65_535)
  milliseconds(options, 'connectTimeoutMs')
  milliseconds(options, 'writeTimeoutMs')
  milliseconds(options, 'pingTimeoutMs')
  assertReconnect(options.reconnect || {})
  assertQueue(options.queue ?? {})
}

function assertReconnect(given: Exclude<ConnectOptions['reconnect'], false | undefined>): void {
  milliseconds(given, 'baseDelayMs', 'reconnect.')
  milliseconds(given, 'maxDelayMs', 'reconnect.')
  milliseconds(given, 'stableAfterMs', 'reconnect.')
  const { jitter = 0, failuresBeforeOpen = 1 } = given
  if (!(jitter >= 0 && jitter < 1)) throw invalid('reconnect.jitter', jitter, '0 or more and below 1')
  if (!(failuresBeforeOpen >= 1)) {
    throw invalid('reconnect.failuresBeforeOpen', failuresBeforeOpen, '1 or more')
  }
}

function assertQueue(given: Exclude<ConnectOptions['queue'], undefined>): void {
  count(given, 'maximumMessages', 0, Number.MAX_SAFE_INTEGER, 'queue.')
  count(given, 'maximumBytes', 0, Number.MAX_SAFE_INTEGER, 'queue.')
  oneOf('queue.overflow', given.overflow, ['reject', 'drop-oldest', 'drop-newest'])
  oneOf('queue.qos0WhenOffline', given.qos0WhenOffline, ['reject', 'drop'])
}

type Numbers<Name extends string> = { readonly [name in Name]?: number | undefined }

/** `group` is what errors put before the name. */
function count<Name extends string>(
  options: Numbers<Name>,
  name: Name,
  from: number,
  to: number,
  group = '',
): void {
  const found = options[name] ?? from
  if (Number.isInteger(found) && found >= from && found <= to) return
  throw invalid(group + name, found, `a whole number from ${from} to ${to}`)
}

function milliseconds<Name extends string>(options: Numbers<Name>, name: Name, group = ''): void {
  const found = options[name] ?? 0
  if (found >= 0 && found <= 0x7fff_ffff) return
  throw invalid(group + name, found, 'milliseconds from 0 to 2147483647')
}

function oneOf<T extends string | number>(name: string, value: T | undefined, allowed: readonly T[]): void {
  if (value === undefined || allowed.includes(value)) return
  throw invalid(name, value, allowed.join(' or '))
}

function invalid(name: string, found: unknown, expected: string): ConnectionError {
  return new ConnectionError('invalid-argument', `option ${name} is ${String(found)}; expected ${expected}`)
}
