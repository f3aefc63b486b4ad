import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createPlainServer, type Server, type Socket } from 'node:net'
import {
  createServer as createTlsServer,
  type PeerCertificate,
  type SecureContextOptions,
  TLSSocket,
  type TlsOptions,
  type Server as TlsServer,
} from 'node:tls'
import { Connection, type ConnectionContext } from '../connections/connection.js'
import type { ByteStream, Peer } from '../ports/byte-stream.js'
import { Deadline } from '../support/deadline.js'
import { BrokerError } from '../support/errors.js'
import type { Limits } from '../support/limits.js'
import type { Descriptors } from './descriptors.js'
import { assertLimits, type ListenerLimits, termsOf } from './listener-limits.js'
import { asksFor, assertTls, contextOf, type ListenerTls } from './listener-tls.js'
import { networks, ProxyProtocol, type ProxyProtocolOptions } from './proxy-protocol.js'
import { ReadingPause } from './reading-pause.js'
import { Refusals } from './refusals.js'
import { type WebSocketOptions, WebSocketUpgrade } from './web-socket-upgrade.js'

/** TLS 1.3, unless `insecure: true` asks for none. */
export interface ListenerOptions {
  readonly host: string
  /** 0 takes any free one; see `addresses`. */
  readonly port: number
  readonly tls?: ListenerTls | undefined
  readonly insecure?: boolean | undefined
  /** MQTT inside WebSocket instead of right on TCP or TLS, for browsers; `true` takes the defaults. Section 6. */
  readonly webSocket?: boolean | WebSocketOptions | undefined
  /**
   * Behind a load balancer: every connection has to begin with a header of PROXY protocol version 2, before TLS and
   * WebSocket, and its client's address is the one in there. Never `true` where clients can connect directly: they
   * could claim any address.
   */
  readonly proxyProtocol?: boolean | ProxyProtocolOptions | undefined
  readonly limits?: ListenerLimits | undefined
}

export interface ListenerAddress {
  host: string
  port: number
  tls: boolean
  /** Path at which a listener serves WebSocket; absent on listeners that do not. */
  webSocketPath?: string
}

export interface ListenerContext extends ConnectionContext {
  readonly descriptors: Descriptors
}

/** Facts about a socket before there is a connection on it. */
interface Arrival {
  /** Moment at which its turn came. */
  atMs: number
  /** Behind a load balancer the client's, once its header has come. */
  address: string
  /** Ends a TLS handshake that takes too long. */
  readonly handshake: Deadline
}

const NO_CERTIFICATE: Partial<Pick<PeerCertificate, 'subject' | 'raw'>> = {}

/** One address the broker accepts connections on. */
export class Listener {
  readonly #context: ListenerContext
  readonly #options: ListenerOptions
  readonly #server: Server
  readonly #upgrade: WebSocketUpgrade | undefined
  readonly #proxy: ProxyProtocol | undefined
  readonly #refusals: Refusals
  /** Arrivals by the ends of the connection, since TLS wraps a socket in another. */
  readonly #arrivals = new Map<string, Arrival>()
  /** All sockets, also those in their TLS handshake, which no `Connection` knows of. */
  readonly sockets = new Set<Socket>()
  /** Limits of its own; undefined where those of the broker hold. */
  #terms: Readonly<Limits> | undefined

  /** Throws `BrokerError` when the options cannot be used. */
  constructor(context: ListenerContext, options: ListenerOptions) {
    assertUsable(options)
    this.#context = context
    this.#options = options
    this.#refusals = new Refusals(context, (socket) => this.#addressOf(socket))
    const { webSocket = false, proxyProtocol = false } = options
    if (proxyProtocol !== false)
      this.#proxy = new ProxyProtocol(context, proxyProtocol === true ? {} : proxyProtocol)
    if (webSocket !== false) this.#upgrade = this.#webSocketUpgrade(webSocket)
    this.#server = this.#upgrade === undefined ? this.#tcpServer() : this.#httpServer(this.#upgrade)
    this.#server.on('tlsClientError', (error, socket) => this.#refusals.ofTls(socket, error))
    this.#server.on('secureConnection', (socket) => this.#arrivalOf(socket)?.handshake.clear())
    this.#useLimits()
    this.#guard()
    this.#server.on('drop', () => this.#refusals.forSockets(this.#server.maxConnections))
  }

  get address(): ListenerAddress {
    const { address, port } = this.#server.address() as AddressInfo
    const tls = this.#options.tls !== undefined
    return { host: address, port, tls, ...(this.#upgrade && { webSocketPath: this.#upgrade.path }) }
  }

  /** Throws `BrokerError` that says how to get out of it. */
  async open(): Promise<void> {
    const { host, port } = this.#options
    await new Promise<void>((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => reject(listenError(error, host, port))
      this.#server.once('error', onError)
      this.#server.listen({ host, port, backlog: 1024 }, () => {
        this.#server.off('error', onError)
        this.#server.on('error', (error) =>
          this.#context.shortageLog.error(
            { event: 'broker.listener.failed', err: error, host, port },
            'listener failed',
          ),
        )
        resolve()
      })
    })
  }

  /** The context with which `reload` serves another certificate. Throws `BrokerError`. */
  contextOf(tls: ListenerTls): SecureContextOptions {
    const { host, port, tls: present } = this.#options
    const where = `reload tls of listener ${host}:${port}`
    if (present === undefined) throw new BrokerError('reload-invalid', `${where}: it was started without`)
    if (asksFor(tls) !== asksFor(present)) {
      const change = `client certificates are ${asksFor(present)} there, and cannot become ${asksFor(tls)}`
      throw new BrokerError('reload-invalid', `${where}: ${change} before it is started again`)
    }
    assertTls(tls, `listener ${host}:${port}`)
    return contextOf(tls)
  }

  /** The limits are others; so is the certificate, where there is a context. Connections that stand keep theirs. */
  reload(context: SecureContextOptions | undefined): void {
    this.#useLimits()
    if (context !== undefined) (this.#server as TlsServer).setSecureContext(context)
  }

  /** No new connections from now on; the present ones stay. */
  close(): void {
    if (this.#server.listening) this.#server.close()
  }

  destroySockets(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  #useLimits(): void {
    const { connections, pendingConnections, waitingConnections, connectTimeoutMs } = this.#context.limits
    const { limits: own } = this.#options
    const ofAll = connections + pendingConnections + waitingConnections
    this.#server.maxConnections = Math.min(ofAll, own?.connections ?? ofAll)
    this.#terms = own && termsOf(this.#context.limits, own)
    if (this.#upgrade === undefined) return
    const server = this.#server as HttpServer
    server.headersTimeout = connectTimeoutMs
    server.requestTimeout = connectTimeoutMs
  }

  /** TLS and HTTP take up a socket at 'connection'; ours is asked before they spend anything on it. */
  #guard(): void {
    const takeUp = this.#server.listeners('connection')
    this.#server.removeAllListeners('connection')
    this.#server.on('connection', (socket: Socket) => {
      if (!this.#context.descriptors.leaveReserve(socket)) return this.#refusals.forDescriptors(socket)
      const ends = endsOf(socket)
      if (ends === undefined) return this.#refusals.ofGone(socket)
      const { clock } = this.#context
      const handshake = new Deadline(clock, () => socket.destroy(handshakeTimeout()))
      const arrival: Arrival = { atMs: clock.now(), address: socket.remoteAddress ?? '', handshake }
      this.#arrivals.set(ends, arrival)
      this.sockets.add(socket)
      // Nobody else hears the socket of a connection that waits for its turn fail.
      socket.on('error', () => {})
      socket.once('close', () => {
        this.sockets.delete(socket)
        handshake.clear()
        // The next one between these ends may be there already.
        if (this.#arrivals.get(ends) === arrival) this.#arrivals.delete(ends)
      })
      const takeUpSocket = (): void => {
        for (const listener of takeUp) listener.call(this.#server, socket)
      }
      if (this.#proxy === undefined) this.#admitAs(arrival.address, socket, arrival, takeUpSocket)
      else this.#readProxyHeader(this.#proxy, socket, arrival, takeUpSocket)
    })
  }

  /** Goes on when the turn of the socket has come; `address` is undefined where it counts for none. */
  #admitAs(address: string | undefined, socket: Socket, arrival: Arrival, next: () => void): void {
    const { connectionLimiter, clock } = this.#context
    const pause = new ReadingPause(socket)
    const entrant = {
      address,
      begin: () => {
        pause.end()
        arrival.atMs = clock.now()
        const { connectTimeoutMs } = this.#context.limits
        if (this.#options.tls !== undefined) arrival.handshake.set(arrival.atMs + connectTimeoutMs)
        next()
      },
      wait: () => pause.begin(),
      refuse: (reason: string) => this.#refusals.ofSocket(socket, reason),
    }
    socket.once('close', () => connectionLimiter.release(entrant))
    connectionLimiter.accept(entrant)
  }

  #readProxyHeader(proxy: ProxyProtocol, socket: Socket, arrival: Arrival, next: () => void): void {
    const { connectionLimiter } = this.#context
    const refuse = (reason: string): undefined => this.#refusals.ofSocket(socket, reason)
    if (!proxy.mayConnect(arrival.address)) return refuse('not one of the trusted load balancers')
    const pause = new ReadingPause(socket)
    const unnamed = {
      address: undefined,
      refuse,
      wait: () => pause.begin(),
      begin: () => {
        pause.end()
        const pass = (address: string | undefined): void => {
          connectionLimiter.release(unnamed)
          arrival.address = address ?? arrival.address
          // A trusted load balancer's own connections are its health checks.
          const counted = address ?? (proxy.knowsBalancers ? undefined : arrival.address)
          this.#admitAs(counted, socket, arrival, next)
        }
        proxy.read(socket, pass, refuse)
      },
    }
    socket.once('close', () => connectionLimiter.release(unnamed))
    connectionLimiter.accept(unnamed)
  }

  /** Undefined where the peer has gone. */
  #arrivalOf(socket: Socket): Arrival | undefined {
    const ends = endsOf(socket)
    return ends === undefined ? undefined : this.#arrivals.get(ends)
  }

  /** The peer's address, for the log. */
  #addressOf(socket: Socket): string | undefined {
    return this.#arrivalOf(socket)?.address ?? socket.remoteAddress
  }

  #webSocketUpgrade(options: true | WebSocketOptions): WebSocketUpgrade {
    const served = { isSecure: this.#options.tls !== undefined, host: this.#options.host }
    const given = options === true ? {} : options
    return new WebSocketUpgrade(this.#context, given, served, (socket) => this.#addressOf(socket))
  }

  #tcpServer(): Server {
    const { tls } = this.#options
    const accept = (socket: Socket): void => {
      const admitted = this.#admit(socket)
      if (admitted !== undefined) this.#open(socket, admitted)
    }
    if (tls === undefined) return createPlainServer({ noDelay: true }, accept)
    return createTlsServer({ ...this.#tlsOptions(tls), noDelay: true }, accept)
  }

  #httpServer(upgrade: WebSocketUpgrade): HttpServer {
    const { tls } = this.#options
    const options = WebSocketUpgrade.serverOptions(this.#context)
    const server =
      tls === undefined
        ? createHttpServer(options)
        : createHttpsServer({ ...options, ...this.#tlsOptions(tls) })
    upgrade.guard(
      server,
      (socket) => this.#admit(socket),
      (stream, admitted) => this.#open(stream, admitted),
    )
    return server
  }

  #tlsOptions(tls: ListenerTls): TlsOptions {
    return {
      ...contextOf(tls),
      requestCert: asksFor(tls) !== 'not asked for',
      // Where a client certificate is optional, it is looked at afterwards whether the one shown was verified.
      rejectUnauthorized: asksFor(tls) === 'required',
      // Ours is by the clock of the broker, and follows a reload.
      handshakeTimeout: 0,
    }
  }

  /** Undefined where the socket may not come in; it was destroyed. */
  #admit(socket: Socket): Peer | undefined {
    const arrival = this.#arrivalOf(socket)
    // Limits and hooks need an address, and nobody knows that of a peer that has gone.
    if (arrival === undefined) return this.#refusals.ofGone(socket)
    // An empty object where the client showed none.
    const { subject, raw } = socket instanceof TLSSocket ? socket.getPeerCertificate() : NO_CERTIFICATE
    if (subject !== undefined && !(socket as TLSSocket).authorized) {
      const reason = String((socket as TLSSocket).authorizationError)
      return this.#refusals.ofCertificate(socket, reason)
    }
    this.#context.counters.connectionsAccepted++
    const commonName: unknown = subject?.CN ?? ''
    return {
      remoteAddress: arrival.address,
      connectByMs: arrival.atMs + this.#context.limits.connectTimeoutMs,
      terms: this.#terms,
      certificate: subject && { commonName: typeof commonName === 'string' ? commonName : '', raw },
    }
  }

  #open(stream: ByteStream, peer: Peer): Connection {
    return new Connection(this.#context, stream, peer)
  }
}

/** The error that Node itself has for this. */
function handshakeTimeout(): Error {
  return Object.assign(new Error('TLS handshake timeout'), { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' })
}

/** Both ends of the connection, the same for a socket and the TLS in it; undefined where the peer has gone. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string | undefined {
  return remoteAddress && `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}

function assertUsable({
  host,
  port,
  tls,
  insecure,
  webSocket,
  proxyProtocol,
  limits = {},
}: ListenerOptions): void {
  if (tls === undefined && insecure !== true) {
    throw new BrokerError(
      'listener-insecure',
      `listener ${host}:${port} has no tls; give it a certificate and key, or set insecure: true to serve without`,
    )
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new BrokerError(
      'listener-invalid',
      `listener port: got ${port}; expected a whole number from 0 to 65535`,
    )
  }
  const path = typeof webSocket === 'object' ? webSocket.path : undefined
  if (path !== undefined && !/^\/[^?#\s]*$/.test(path)) {
    throw new BrokerError(
      'listener-invalid',
      `listener ${host}:${port} webSocket.path: got ${JSON.stringify(path)}; expected one such as '/mqtt'`,
    )
  }
  try {
    if (typeof proxyProtocol === 'object') networks(proxyProtocol.trusted ?? [])
  } catch (error) {
    const where = `listener ${host}:${port} proxyProtocol.trusted`
    throw new BrokerError('listener-invalid', `${where}: ${(error as TypeError).message}`)
  }
  assertLimits(limits, `listener ${host}:${port}`)
  if (tls !== undefined) assertTls(tls, `listener ${host}:${port}`)
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): BrokerError {
  if (error.code === 'EADDRINUSE') {
    const message = `${host}:${port} is taken by another process; stop it or choose another port`
    return new BrokerError('address-in-use', message, { cause: error })
  }
  return new BrokerError('listen-failed', `cannot listen on ${host}:${port}: ${error.message}`, {
    cause: error,
  })
}
