import { ConnectionError } from '../model/errors.js'
import type { TlsOptions } from '../model/options.js'
import type { Platform } from '../model/platform.js'
import type { Endpoint, TlsMaterial, Transport } from '../model/transport.js'
import { MAXIMUM_TIMER_MS } from '../support/clock.js'
import { type WebSocketPort, WebSocketTransport, webSocketUrl } from '../transport/web-socket-transport.js'

type BrowserWebSocket = new (url: string, protocols: string) => WebSocketPort

/** WebSocket only; the browser alone decides which certificates it trusts. */
export const browserPlatform: Platform = {
  clock: {
    now: () => performance.now(),
    setTimeout: (callback, delayMs) => setTimeout(callback, Math.min(delayMs, MAXIMUM_TIMER_MS)),
    clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
  },
  openTransport: openBrowserWebSocket,
  readTls,
  warn: (message) => {
    // biome-ignore lint/suspicious/noConsole: a page has no other place for warnings.
    console.warn(message)
  },
}

function openBrowserWebSocket(endpoint: Endpoint): Transport {
  if (!endpoint.scheme.startsWith('ws')) {
    throw new ConnectionError(
      'invalid-argument',
      `a browser has no TCP sockets for ${endpoint.href}; use wss:`,
    )
  }
  const { WebSocket } = globalThis as unknown as { WebSocket: BrowserWebSocket }
  return new WebSocketTransport(endpoint, () => new WebSocket(webSocketUrl(endpoint), 'mqtt'))
}

async function readTls(options: TlsOptions): Promise<TlsMaterial> {
  const given = Object.entries(options).find(([, value]) => value !== undefined)
  if (given !== undefined) {
    throw new ConnectionError('invalid-argument', `option tls.${given[0]} cannot be used in a browser`)
  }
  return {} as TlsMaterial
}
