import { type AddressInfo, createServer as createPlainServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { Connection } from './connection.js'
import type { Core } from './core.js'
import { BrokerError } from './errors.js'

export interface ListenerTls {
  /** PEM. */
  cert: string | Uint8Array
  key: string | Uint8Array
  /** Who vouches for client certificates; needed with `requestClientCertificate`. */
  ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined
  /** Clients may show a certificate; one that `ca` does not vouch for ends the connection. */
  requestClientCertificate?: boolean | undefined
}

/** TLS 1.3, unless `insecure: true` asks for plain TCP. */
export interface ListenerOptions {
  host: string
  /** 0 takes any free one; see `addresses`. */
  port: number
  tls?: ListenerTls | undefined
  insecure?: boolean | undefined
}

export interface ListenerAddress {
  host: string
  port: number
  tls: boolean
}

/** One address the broker accepts connections on. */
export class Listener {
  readonly #core: Core
  readonly #options: ListenerOptions
  readonly #server: Server
  /** Those still in their TLS handshake included, which no `Connection` knows of. */
  readonly #sockets = new Set<Socket>()

  /** Throws `BrokerError` when the options can not be used. */
  constructor(core: Core, options: ListenerOptions) {
    assertUsable(options)
    this.#core = core
    this.#options = options
    this.#server = options.tls === undefined ? this.#plainServer() : this.#tlsServer(options.tls)
    this.#server.maxConnections = core.limits.connections + core.limits.pendingConnections
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('drop', () => {
      core.counters.connectionsRefused++
    })
  }

  get address(): ListenerAddress {
    const { address, port } = this.#server.address() as AddressInfo
    return { host: address, port, tls: this.#options.tls !== undefined }
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
          this.#core.log.error({ err: error, host, port }, 'listener failed'),
        )
        resolve()
      })
    })
  }

  /** No new connections from now on; the present ones stay. */
  close(): void {
    if (this.#server.listening) this.#server.close()
  }

  destroySockets(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #plainServer(): Server {
    return createPlainServer({ noDelay: true }, (socket) => this.#accept(socket, undefined))
  }

  #tlsServer(tls: ListenerTls): Server {
    const { limits, counters, log } = this.#core
    const server = createTlsServer(
      {
        ...secureContextOf(tls),
        minVersion: 'TLSv1.3',
        maxVersion: 'TLSv1.3',
        requestCert: tls.requestClientCertificate === true,
        // A client certificate is optional, so whether a shown one verified is looked at afterwards.
        rejectUnauthorized: false,
        handshakeTimeout: limits.connectTimeoutMs,
        noDelay: true,
      },
      (socket) => this.#acceptSecure(socket),
    )
    server.on('tlsClientError', (error: Error & { code?: string }, socket) => {
      counters.connectionsRefused++
      log.info({ code: error.code, remoteAddress: socket.remoteAddress }, 'TLS handshake failed')
      socket.destroy()
    })
    return server
  }

  #acceptSecure(socket: TLSSocket): void {
    // An empty object where the client showed none.
    const { subject } = socket.getPeerCertificate()
    if (subject === undefined) return this.#accept(socket, undefined)
    if (!socket.authorized) {
      const { log, counters } = this.#core
      counters.connectionsRefused++
      log.warn(
        { remoteAddress: socket.remoteAddress, reason: String(socket.authorizationError) },
        'client certificate refused',
      )
      socket.destroy()
      return
    }
    const commonName: unknown = subject.CN
    this.#accept(socket, { commonName: typeof commonName === 'string' ? commonName : '' })
  }

  #accept(socket: Socket, certificate: { commonName: string } | undefined): void {
    const { admission, counters, log } = this.#core
    const remoteAddress = socket.remoteAddress ?? ''
    const refusal = admission.enter(remoteAddress)
    if (refusal !== undefined) {
      counters.connectionsRefused++
      log.warn({ remoteAddress, reason: refusal }, 'connection refused')
      socket.destroy()
      return
    }
    socket.once('close', () => admission.exit(remoteAddress))
    counters.connectionsAccepted++
    new Connection(this.#core, socket, certificate)
  }
}

function secureContextOf({ cert, key, ca }: ListenerTls) {
  const authorities = ca === undefined ? undefined : (Array.isArray(ca) ? ca : [ca]).map(pem)
  return { cert: pem(cert), key: pem(key), ...(authorities && { ca: authorities }) }
}

function pem(text: string | Uint8Array): string | Buffer {
  return typeof text === 'string' ? text : Buffer.from(text)
}

function assertUsable({ host, port, tls, insecure }: ListenerOptions): void {
  if (tls === undefined && insecure !== true) {
    throw new BrokerError(
      'listener-insecure',
      `listener ${host}:${port} has no tls; give it a certificate and key, or set insecure: true to serve plain TCP`,
    )
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new BrokerError(
      'listener-invalid',
      `listener port: got ${port}; expected a whole number from 0 to 65535`,
    )
  }
  if (tls?.requestClientCertificate && tls.ca === undefined) {
    throw new BrokerError(
      'listener-invalid',
      `listener ${host}:${port} requests client certificates but has no tls.ca to check them against`,
    )
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): BrokerError {
  if (error.code === 'EADDRINUSE') {
    const message = `${host}:${port} is taken by another process; stop it or choose another port`
    return new BrokerError('address-in-use', message, { cause: error })
  }
  return new BrokerError('listen-failed', `can not listen on ${host}:${port}: ${error.message}`, {
    cause: error,
  })
}
