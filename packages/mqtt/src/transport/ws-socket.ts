import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { ConnectionError } from '../model/errors.js'
import type { WebSocketOptions } from '../model/options.js'
import type { Endpoint, TlsMaterial, Transport } from '../model/transport.js'
import { systemClock } from '../support/node-clock.js'
import { NodeDialer } from './node-dialer.js'
import { secureOptions } from './tls-material.js'
import { type WebSocketPort, WebSocketTransport, webSocketUrl } from './web-socket-transport.js'
import { headersOf } from './ws-options.js'

/** The largest packet MQTT has, so that a message may always hold one. */
const MAXIMUM_MESSAGE_BYTES = 268_435_460

type LoadWs = () => Promise<typeof import('ws')>

/** `ws:` and, with TLS 1.3 and a verified certificate, `wss:`, for Node: through the package `ws`. */
export function openWebSocket(
  endpoint: Endpoint,
  tls: TlsMaterial,
  load: LoadWs = () => import('ws'),
  dialer: NodeDialer = new NodeDialer(systemClock, 0),
  given: WebSocketOptions = {},
): Transport {
  const dialing = new AbortController()
  const open = async (): Promise<WebSocketPort> => {
    const { WebSocket } = await load().catch((cause) => {
      throw missing(endpoint, cause)
    })
    const { host, port, scheme } = endpoint
    const secure = scheme === 'wss' ? secureOptions(endpoint, tls) : undefined
    const headers = await headersOf(given)
    const raw = await dialer.dial(host, port, dialing.signal, secure !== undefined)
    const createConnection = (): Socket => {
      const socket = secure === undefined ? raw : connectTls({ ...secure, socket: raw, host })
      dialer.watch(raw, socket, host, port)
      return socket
    }
    const options = { perMessageDeflate: false, maxPayload: MAXIMUM_MESSAGE_BYTES, headers, createConnection }
    const { protocol = 'mqtt' } = given
    const socket = new WebSocket(webSocketUrl(endpoint), [protocol], options)
    // `ws` ends the handshake where the server chooses another one; the transport knows the standard's name alone.
    if (protocol !== 'mqtt') Object.defineProperty(socket, 'protocol', { value: 'mqtt' })
    return socket as unknown as WebSocketPort
  }
  return new DialledWebSocket(endpoint, open, dialing)
}

class DialledWebSocket extends WebSocketTransport {
  readonly #dialing: AbortController

  constructor(endpoint: Endpoint, open: () => Promise<WebSocketPort>, dialing: AbortController) {
    super(endpoint, open)
    this.#dialing = dialing
  }

  override destroy(): void {
    super.destroy()
    this.#dialing.abort(new Error('the attempt was given up'))
  }
}

function missing({ href }: Endpoint, cause: unknown): ConnectionError {
  return new ConnectionError(
    'invalid-argument',
    `${href} needs the package 'ws', which cannot be loaded; install it with: npm install ws`,
    { cause },
  )
}
