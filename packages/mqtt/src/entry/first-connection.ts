import type { Client } from '../model/client.js'
import type { ConnectOptions } from '../model/options.js'

/** Starts `client` and waits as `options` say; one that does not come about leaves nothing behind. */
export async function firstConnection(client: Client, options: ConnectOptions): Promise<Client> {
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
