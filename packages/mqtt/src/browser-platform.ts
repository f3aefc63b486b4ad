import { LONGEST_TIMER_MS } from './clock.js'
import { statusOf } from './connection-state.js'
import { ConnectionError } from './errors.js'
import type { Explanation } from './explanation.js'
import type { TlsOptions } from './options.js'
import type { Platform } from './platform.js'
import type { Endpoint, TlsMaterial, Transport } from './transport.js'
import { type WebSocketPort, WebSocketTransport, webSocketUrl } from './web-socket-transport.js'

type BrowserWebSocket = new (url: string, protocols: string) => WebSocketPort

/** WebSocket only; the browser alone decides which certificates it trusts. */
export const browserPlatform: Platform = {
  clock: {
    now: () => performance.now(),
    setTimeout: (callback, delayMs) => setTimeout(callback, Math.min(delayMs, LONGEST_TIMER_MS)),
    clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
  },
  openTransport: openBrowserWebSocket,
  readTls,
  explain,
  startTrial: (session) => import('./trial.js').then(({ Trial }) => new Trial(session)),
  storeParts: () => import('./backlog.js'),
  paceLimit: (use) => {
    // A page that can not fetch it goes on as it did.
    import('./pace-limit.js').then(({ PaceLimit }) => use(PaceLimit)).catch(() => {})
  },
  warn: (message) => {
    // biome-ignore lint/suspicious/noConsole: a page has no other place for warnings.
    console.warn(message)
  },
}

let explaining: typeof import('./explain.js') | undefined

/** Asked seldom, so it is fetched with the first question, which learns the state and its cause alone. */
function explain(...parts: Parameters<Platform['explain']>): Explanation {
  if (explaining !== undefined) return explaining.explain(...parts)
  import('./explain.js').then(
    (found) => {
      explaining = found
    },
    () => {},
  )
  const { state, cause } = statusOf(parts[1].now)
  const because = cause?.message ?? state
  const none = {}
  return {
    state,
    because,
    breaker: none,
    sending: none,
    queue: none,
    socket: none,
    receiving: none,
    lastFailures: none,
  } as unknown as Explanation
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
    throw new ConnectionError('invalid-argument', `option tls.${given[0]} can not be used in a browser`)
  }
  return {} as TlsMaterial
}
