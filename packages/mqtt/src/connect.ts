import type { Client } from './client.js'
import { MqttClient } from './mqtt-client.js'
import type { ConnectOptions } from './options.js'
import { readSettings } from './settings.js'

/** A client that is not connected yet: register handlers first, then `connect()`. */
export function createClient(options: ConnectOptions): Client {
  return new MqttClient(readSettings(options))
}

/**
 * Resolves with a connected client at the first successful CONNACK. Rejects with `ConnectionError` or
 * `AuthenticationError` after every URL failed once. With `waitForConnection: false` it resolves at once, and the
 * client keeps trying.
 *
 *     const client = await connect({ url: 'mqtts://localhost:8883', tls: { ca: 'ca.pem' } })
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const client = createClient(options)
  const connected = client.connect({ signal: options.signal })
  if (options.waitForConnection === false) {
    // The state tells what becomes of it.
    connected.catch(() => {})
    return client
  }
  try {
    await connected
  } catch (error) {
    await client.close({ drain: false })
    throw error
  }
  return client
}
