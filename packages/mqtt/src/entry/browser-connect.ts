import { browserParts } from '../client/browser-parts.js'
import { MqttClient } from '../client/mqtt-client.js'
import { readSettings } from '../client/settings-reader.js'
import type { Client } from '../model/client.js'
import type { BrowserConnectOptions } from '../model/options.js'
import { browserPlatform } from './browser-platform.js'
import { firstConnection } from './first-connection.js'

/** Makes a client as in Node, but over WebSocket only. */
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
