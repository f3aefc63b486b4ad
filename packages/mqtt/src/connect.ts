import { CheckedClient } from './checked-client.js'
import type { Client } from './client.js'
import { firstConnection } from './first-connection.js'
import { nodePlatform } from './node-platform.js'
import type { ConnectOptions } from './options.js'
import { readSettings } from './settings.js'

/** A client that is not connected yet: register handlers first, then `connect()`. */
export function createClient(options: ConnectOptions): Client {
  return new CheckedClient(readSettings(options, nodePlatform))
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
