import type { Socket } from 'node:net'
import type { Context } from '../support/context.js'
import type { Descriptors } from './descriptors.js'

interface RefusalContext extends Context {
  readonly descriptors: Descriptors
}

/** Turns sockets away before there is a connection: each is counted and logged. */
export class Refusals {
  readonly #context: RefusalContext
  readonly #addressOf: (socket: Socket) => string | undefined

  /** `addressOf` tells whose a socket is, for the log. */
  constructor(context: RefusalContext, addressOf: (socket: Socket) => string | undefined) {
    this.#context = context
    this.#addressOf = addressOf
  }

  ofSocket(socket: Socket, reason: string): undefined {
    const { unauthenticatedLog } = this.#context
    const fields = { remoteAddress: this.#addressOf(socket), reason }
    unauthenticatedLog.warn({ event: 'broker.connection.refused', ...fields }, 'connection refused')
    this.#end(socket)
  }

  ofCertificate(socket: Socket, reason: string): undefined {
    const { unauthenticatedLog } = this.#context
    const fields = { remoteAddress: this.#addressOf(socket), reason }
    unauthenticatedLog.warn({ event: 'broker.certificate.refused', ...fields }, 'client certificate refused')
    this.#end(socket)
  }

  /** Whoever only looks whether the port is open has gone before it is let in. */
  ofGone(socket: Socket): undefined {
    const { unauthenticatedLog } = this.#context
    const fields = { remoteAddress: this.#addressOf(socket), reason: 'the peer has gone' }
    unauthenticatedLog.debug({ event: 'broker.connection.gone', ...fields }, 'connection not taken')
    this.#end(socket)
  }

  ofTls(socket: Socket, { code }: { readonly code?: string }): void {
    const { unauthenticatedLog } = this.#context
    const remoteAddress = this.#addressOf(socket)
    unauthenticatedLog.info({ event: 'broker.tls.failed', code, remoteAddress }, 'TLS handshake failed')
    this.#end(socket)
  }

  /** The last descriptors are for those who are there already, and for what the process itself has to open. */
  forDescriptors(socket: Socket): void {
    const { counters, descriptors, shortageLog } = this.#context
    counters.refusedForDescriptors++
    shortageLog.error(
      { event: 'broker.descriptors.exhausted', descriptors: descriptors.most, reserve: descriptors.reserve },
      'new connections are refused: too few file descriptors are left (ulimit -n)',
    )
    this.#end(socket)
  }

  /** Node has closed it already. */
  forSockets(most: number): void {
    const { counters, shortageLog } = this.#context
    counters.connectionsRefused++
    shortageLog.error(
      { event: 'broker.sockets.exceeded', sockets: most },
      'as many sockets are open as the limits allow',
    )
  }

  #end(socket: Socket): void {
    this.#context.counters.connectionsRefused++
    socket.destroy()
  }
}
