import { CheckedClient } from './checked-client.js'
import type { Client } from './client.js'
import { firstConnection } from './first-connection.js'
import { systemClock } from './node-clock.js'
import { NodeDialer } from './node-dialer.js'
import { makeNodePlatform } from './node-platform.js'
import { assertOptionNames } from './option-names.js'
import { assertOptionValues } from './option-values.js'
import type { ConnectOptions } from './options.js'
import { readSettings } from './settings.js'

/** A client that is not connected yet: register handlers first, then `connect()`. */
export function createClient(options: ConnectOptions): Client {
  assertOptionNames(options)
  assertOptionValues(options)
  // As long as a failure is held against a server among `urls`.
  const { maxDelayMs = 60_000 } = options.reconnect || {}
  const dialer = new NodeDialer(systemClock, maxDelayMs)
  return new CheckedClient(readSettings(options, makeNodePlatform(dialer)))
}

/**
 * Resolves with a connected client at the first successful CONNACK. Rejects with `ConnectionError` or
 * `AuthenticationError` after every URL failed once. With `waitForConnection: false` it resolves at once, and the
 * client keeps trying.
 *
 *     const client = await connect({ url: 'mqtts://localhost:8883', tls: { ca: 'ca.pem' } })
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  return firstConnection(createClient(options), options)
}
