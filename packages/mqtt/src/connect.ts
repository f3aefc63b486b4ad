import type { Client } from './client.js'
import { ConnectionError } from './errors.js'
import type { ConnectOptions } from './options.js'

/** A client that is not connected yet: register handlers first, then `connect()`. */
export function createClient(options: ConnectOptions): Client {
  throw new ConnectionError('invalid-argument', `no transport for ${options.url ?? 'no url'}`)
}

/**
 * Resolves with a connected client at the first successful CONNACK. Rejects with `ConnectionError` or
 * `AuthenticationError` after every URL failed once; with `waitForConnection: false` it does neither.
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const client = createClient(options)
  if (options.waitForConnection !== false) await client.connect({ signal: options.signal })
  return client
}
