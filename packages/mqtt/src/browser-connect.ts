import { browserParts } from './browser-parts.js'
import { browserPlatform } from './browser-platform.js'
import type { Client } from './client.js'
import { firstConnection } from './first-connection.js'
import { MqttClient } from './mqtt-client.js'
import type { BrowserConnectOptions } from './options.js'
import { readSettings } from './settings-reader.js'

/** As in Node, but over WebSocket only. */
export function createClient(options: BrowserConnectOptions): Client {
  return new MqttClient(readSettings(options, browserPlatform), browserParts)
}

/**
 * As in Node, but over WebSocket only.
 *
 *     const client = await connect({ url: 'wss://broker.example/mqtt', credentials })
 */
export async function connect(options: BrowserConnectOptions): Promise<Client> {
  return firstConnection(createClient(options), options)
}
