import { ConnectionError } from './errors.js'
import { secureOptions } from './tls-material.js'
import type { Endpoint, TlsMaterial, Transport } from './transport.js'
import { type WebSocketPort, WebSocketTransport, webSocketUrl } from './web-socket-transport.js'

/** The largest packet MQTT has, so that a message may always hold one. */
const LARGEST_MESSAGE_BYTES = 268_435_460

type LoadWs = () => Promise<typeof import('ws')>

/** `ws:` and, with TLS 1.3 and a verified certificate, `wss:`, for Node: through the package `ws`. */
export function openWebSocket(
  endpoint: Endpoint,
  tls: TlsMaterial,
  load: LoadWs = () => import('ws'),
): Transport {
  return new WebSocketTransport(endpoint, async () => {
    const { WebSocket } = await load().catch((cause) => {
      throw missing(endpoint, cause)
    })
    const socket = new WebSocket(webSocketUrl(endpoint), ['mqtt'], {
      perMessageDeflate: false,
      maxPayload: LARGEST_MESSAGE_BYTES,
      ...(endpoint.scheme === 'wss' ? secureOptions(endpoint, tls) : {}),
    })
    return socket as unknown as WebSocketPort
  })
}

function missing({ href }: Endpoint, cause: unknown): ConnectionError {
  return new ConnectionError(
    'invalid-argument',
    `${href} needs the package 'ws', which can not be loaded; install it with: npm install ws`,
    { cause },
  )
}
