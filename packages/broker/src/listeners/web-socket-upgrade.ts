import type { IncomingMessage, Server, ServerOptions } from 'node:http'
import { isIP, type Socket } from 'node:net'
import { WebSocketServer } from 'ws'
import type { Connection } from '../connections/connection.js'
import type { ByteStream } from '../ports/byte-stream.js'
import type { Context } from '../support/context.js'
import { WebSocketStream } from './web-socket-stream.js'

export interface WebSocketOptions {
  /** '/mqtt' by default. */
  readonly path?: string | undefined
  /**
   * Web sites whose pages may connect, such as 'https://app.example'; '*' for all. By default only pages of the very
   * host and port that is connected to, over https where this is TLS, and without TLS only where that host is an address, localhost or the
   * listener's `host`: any other name could be one of an attacker that was pointed at this machine. Programs that are
   * no browsers name no site and are not asked for one.
   */
  readonly origins?: readonly string[] | '*' | undefined
  /**
   * The names in `Host` by which this is reached, such as 'hub.example.org' or '127.0.0.1', without port; others are
   * answered 421, whoever asks. All by default: then `origins` alone keep out a page whose name was pointed at this
   * machine, which '*' does not.
   */
  readonly hosts?: readonly string[] | undefined
}

const DEFAULT_PATH = '/mqtt'
/** The second is what clients of 3.1 were told to offer before the standard named one. */
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1'] as const
const MAXIMUM_HEADERS_BYTES = 8_192
/** Bytes that a message may have besides one packet of the greatest size. */
const BYTES_BESIDE_PACKET = 1_048_576

/** The facts about a listener by which its own pages are told from those of others. */
interface Served {
  readonly isSecure: boolean
  /** The host that the listener was told to bind to. */
  readonly host: string
}

interface Refusal {
  status: '400 Bad Request' | '403 Forbidden' | '404 Not Found' | '421 Misdirected Request'
  reason: string
}

/** Decides which HTTP requests become WebSockets. */
export class WebSocketUpgrade {
  readonly path: string
  readonly #context: Context
  readonly #served: Served
  readonly #addressOf: (socket: Socket) => string | undefined
  readonly #origins: WebSocketOptions['origins']
  readonly #hosts: ReadonlySet<string> | undefined
  readonly #webSockets: WebSocketServer

  /** `addressOf` tells whose a socket is, for the log. */
  constructor(
    context: Context,
    options: WebSocketOptions,
    served: Served,
    addressOf: (socket: Socket) => string | undefined,
  ) {
    this.#context = context
    this.#served = served
    this.#addressOf = addressOf
    this.path = options.path ?? DEFAULT_PATH
    this.#origins = options.origins
    this.#hosts = options.hosts && new Set(options.hosts.map((host) => nameIn(host) ?? host))
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      // Text ends the connection whatever it says, so nobody checks it.
      skipUTF8Validation: true,
      // [MQTT-6.0.0-4]
      handleProtocols: (offered) => SUBPROTOCOLS.find((name) => offered.has(name)) ?? false,
    })
  }

  /** Options of the HTTP server: until it is authenticated, a client gets the time of a CONNECT and no room. */
  static serverOptions({ limits }: Context): ServerOptions {
    return {
      noDelay: true,
      maxHeaderSize: MAXIMUM_HEADERS_BYTES,
      headersTimeout: limits.connectTimeoutMs,
      requestTimeout: limits.connectTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, limits.connectTimeoutMs),
    }
  }

  /** `admit` is asked about what passed the rules; undefined: it destroyed the socket. */
  guard<Admitted>(
    server: Server,
    admit: (socket: Socket) => Admitted | undefined,
    open: (stream: ByteStream, admitted: Admitted) => Connection,
  ): void {
    server.on('request', (_request, response) => {
      response.writeHead(426, { connection: 'close', upgrade: 'websocket', 'content-type': 'text/plain' })
      response.end('MQTT over WebSocket only\n')
    })
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      const refusal = this.#refusalOf(request)
      if (refusal !== undefined) return this.#refuse(socket, refusal)
      const admitted = admit(socket)
      if (admitted === undefined) return
      const { connectPacketBytes, packetBytes } = this.#context.limits
      const unauthenticatedBytes = connectPacketBytes * 2
      this.#webSockets.options.maxPayload = packetBytes + BYTES_BESIDE_PACKET
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        boundUnauthenticated(
          socket,
          open(new WebSocketStream(webSocket, socket), admitted),
          unauthenticatedBytes,
        )
      })
    })
  }

  #refusalOf({ url = '', headers }: IncomingMessage): Refusal | undefined {
    const [path] = url.split('?', 1)
    if (path !== this.path) {
      return { status: '404 Not Found', reason: `MQTT is served at ${this.path}` }
    }
    if (this.#hosts?.has(nameIn(headers.host) ?? '') === false) {
      return { status: '421 Misdirected Request', reason: 'this host is none of those served here' }
    }
    if (!this.#mayConnect(headers.origin, headers.host)) {
      return { status: '403 Forbidden', reason: 'pages of this origin may not connect' }
    }
    // [MQTT-6.0.0-3]
    const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? []
    if (SUBPROTOCOLS.some((name) => offered.includes(name))) return undefined
    return { status: '400 Bad Request', reason: `the subprotocol ${SUBPROTOCOLS[0]} has to be offered` }
  }

  #mayConnect(origin: string | undefined, host: string | undefined): boolean {
    if (origin === undefined || this.#origins === '*') return true
    if (this.#origins !== undefined) return this.#origins.includes(origin)
    return isOwnPage(origin, host, this.#served)
  }

  #refuse(socket: Socket, { status, reason }: Refusal): void {
    const { counters, unauthenticatedLog } = this.#context
    counters.connectionsRefused++
    unauthenticatedLog.warn(
      { event: 'broker.websocket.refused', remoteAddress: this.#addressOf(socket), reason },
      'WebSocket refused',
    )
    socket.on('error', () => socket.destroy())
    const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\n`
    const body = `${reason}\n`
    socket.end(`${head}Content-Length: ${body.length}\r\n\r\n${body}`, () => socket.destroy())
  }
}

/**
 * The page says which host it takes this for, and so does its name server. TLS has proved that name to the browser, if
 * to the page, too; without it, only names that no name server gives out are believed. Programs that are no browsers
 * say https there all the same.
 */
function isOwnPage(origin: string, host: string | undefined, { isSecure, host: ownHost }: Served): boolean {
  const here = `${isSecure ? 'https' : 'http'}://${host}`
  if (!URL.canParse(origin) || !URL.canParse(here)) return false
  const [page, own] = [new URL(origin), new URL(here)]
  if (page.hostname !== own.hostname || portOf(page) !== portOf(own)) return false
  if (isSecure) return page.protocol === 'https:'
  const name = page.hostname.replace(/^\[|\]$/g, '')
  return isIP(name) !== 0 || /(^|\.)localhost$/.test(name) || name === ownHost.toLowerCase()
}

/** A name or address without port, in one form for all spellings; undefined where it is neither. */
function nameIn(host: string | undefined): string | undefined {
  const url = `http://${host !== undefined && isIP(host) === 6 ? `[${host}]` : host}`
  return host !== undefined && URL.canParse(url) ? new URL(url).hostname : undefined
}

function portOf({ port, protocol }: URL): string {
  return port === '' ? (protocol === 'https:' ? '443' : '80') : port
}

/** `ws` holds a message until it is whole; nobody who has not said CONNECT may have it hold much. */
function boundUnauthenticated(socket: Socket, connection: Connection, maximumBytes: number): void {
  let bytes = 0
  const count = (chunk: Buffer): void => {
    bytes += chunk.length
    if (connection.state !== 'waiting') socket.off('data', count)
    else if (bytes > maximumBytes) connection.destroy()
  }
  socket.on('data', count)
}
