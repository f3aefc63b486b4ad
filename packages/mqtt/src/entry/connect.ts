import { CheckedClient } from '../client/checked-client.js'
import { readSettings } from '../client/settings-reader.js'
import { findServer } from '../connection/node-servers.js'
import type { Client } from '../model/client.js'
import type { ConnectOptions } from '../model/options.js'
import type { Platform } from '../model/platform.js'
import type { Settings } from '../model/settings.js'
import { systemClock } from '../support/node-clock.js'
import { NodeDialer, type ProxyFor } from '../transport/node-dialer.js'
import { readProxy } from '../transport/node-proxy.js'
import { proxyOfEnvironment } from '../transport/node-proxy-environment.js'
import { isSrvUrl, readSrvUrl } from '../transport/node-srv.js'
import { UrlPerAttempt } from '../transport/node-url-per-attempt.js'
import { assertWebSocketOptions } from '../transport/ws-options.js'
import { firstConnection } from './first-connection.js'
import { makeNodePlatform } from './node-platform.js'
import { assertOptionNames } from './option-names.js'
import { assertOptionValues } from './option-values.js'

/** A client that is not connected yet: register handlers first, then `connect()`. */
export function createClient(options: ConnectOptions): Client {
  assertOptionNames(options)
  assertOptionValues(options)
  assertWebSocketOptions(options.webSocket)
  // The longest delay is also how long a failure is held against a server among `urls`.
  const { maxDelayMs = 60_000 } = options.reconnect || {}
  const dialer = new NodeDialer(systemClock, maxDelayMs, undefined, undefined, proxyFor(options))
  return new CheckedClient(settingsOf(options, makeNodePlatform(dialer, options.webSocket)))
}

function proxyFor({ proxy: given }: ConnectOptions): ProxyFor | undefined {
  if (given === undefined) return undefined
  if (given === 'environment') {
    return (host, port, isSecure) => proxyOfEnvironment(process.env, host, port, isSecure)
  }
  const proxy = readProxy(given)
  return () => proxy
}

function settingsOf(options: ConnectOptions, platform: Platform): Settings {
  const { url } = options
  if (typeof url !== 'function') return withNames(options, platform)
  const endpoint = new UrlPerAttempt(url)
  const asking: Platform = {
    ...platform,
    readTls: async (tls) => {
      const [material] = await Promise.all([platform.readTls(tls), endpoint.ask()])
      return material
    },
  }
  // Any URL: what is read of it is replaced.
  const given = {
    ...options,
    url: 'mqtts://localhost',
    credentials: options.credentials ?? endpoint.credentials,
  }
  const settings = readSettings(given, asking)
  return {
    ...settings,
    endpoints: [endpoint],
    // Each connection keeps the one that it was made to.
    transport: (to, tls) => settings.transport(to === endpoint ? endpoint.latest : to, tls),
  }
}

/** Servers are read as in browsers, but for those that DNS has to name. */
function withNames(options: ConnectOptions, platform: Platform): Settings {
  const { url, urls = typeof url === 'string' ? [url] : [] } = options
  const names = new Map(urls.flatMap((text, at) => (isSrvUrl(text) ? [[at, readSrvUrl(text)] as const] : [])))
  if (names.size === 0) return readSettings({ ...options, url: url as string | undefined }, platform)
  // Any URL in the place of each.
  const given = urls.map((text, at) => (names.has(at) ? 'mqtts://localhost' : text))
  const settings = readSettings({ ...options, url: undefined, urls: given }, platform)
  const endpoints = settings.endpoints.map((endpoint, at) => names.get(at) ?? endpoint)
  return { ...settings, endpoints, locate: findServer }
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
