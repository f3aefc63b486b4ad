import type { Server } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { createSecureContext, type SecureContextOptions, type TLSSocket, type TlsOptions } from 'node:tls'
import { GatewayError } from '../problems/errors.js'

/** The certificate of HTTPS, and the client certificates that are asked for. */
export interface GatewayTls {
  /** PEM, with its chain. */
  readonly cert: string | Uint8Array
  readonly key: string | Uint8Array
  /**
   * Authorities that vouch for client certificates, PEM: for those `POST /v1/token` issues tokens. Without them none is
   * asked for.
   */
  readonly clientCa?: string | Uint8Array | undefined
}

/** Makes handshakes from now on with `tls`; connections stay. Throws as `tlsOptionsOf`, and nothing changes. */
export function renewTls(server: Server, tls: GatewayTls): void {
  if (!(server instanceof HttpsServer)) return
  const { cert, key, ca, minVersion } = tlsOptionsOf(tls, 0)
  // Members that are undefined would be told as a fault.
  server.setSecureContext({
    cert,
    key,
    minVersion,
    ...(ca === undefined ? {} : { ca }),
  } as SecureContextOptions)
}

/** A client's certificate as it came in the handshake. */
export interface ShownCertificate {
  /** '' where there is none, or several. */
  readonly commonName: string
  /** The certificate in DER. */
  readonly raw: Uint8Array
  /** The reason why the handshake found it to prove nothing; undefined where it proves its name. */
  readonly fault: string | undefined
  /** Milliseconds since 1970: a connection, or a session that is resumed, may outlive it. */
  readonly endsAtMs: number
}

/**
 * TLS 1.3 alone. A client certificate is asked for and not required: whoever has a token or a secret needs none, and
 * whether one that was shown is good is asked where it is used. Throws `GatewayError` for what TLS cannot work with.
 */
export function tlsOptionsOf({ cert, key, clientCa }: GatewayTls, handshakeTimeoutMs: number): TlsOptions {
  const pem = (text: string | Uint8Array) => (typeof text === 'string' ? text : Buffer.from(text))
  const options = {
    cert: pem(cert),
    key: pem(key),
    minVersion: 'TLSv1.3',
    ...(clientCa === undefined ? {} : { ca: pem(clientCa) }),
  } as const
  try {
    createSecureContext(options)
  } catch (error) {
    const { message } = error as Error
    throw new GatewayError(
      'tls-unusable',
      `HTTPS cannot be served with JAMEY_HTTP_CERT, JAMEY_HTTP_KEY and JAMEY_HTTP_CA: ${message}.`,
      { cause: error },
    )
  }
  return {
    ...options,
    requestCert: clientCa !== undefined,
    rejectUnauthorized: false,
    handshakeTimeout: handshakeTimeoutMs,
  }
}

/** The certificate of the peer itself; undefined where it showed none. */
export function shownCertificate(socket: Socket | TLSSocket): ShownCertificate | undefined {
  if (!('getPeerCertificate' in socket)) return undefined
  // An empty object where the client showed none.
  const {
    subject,
    raw,
    valid_to: validTo,
  }: Partial<ReturnType<TLSSocket['getPeerCertificate']>> = socket.getPeerCertificate()
  if (subject === undefined || raw === undefined) return undefined
  const commonName: unknown = subject.CN
  return {
    commonName: typeof commonName === 'string' ? commonName : '',
    raw,
    fault: socket.authorized ? undefined : String(socket.authorizationError),
    endsAtMs: Date.parse(validTo ?? ''),
  }
}

/** Destroys every connection, those in their handshake, too, which the HTTP server does not know yet. */
export function destroyerOf(server: Server): () => void {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return () => {
    for (const socket of open) socket.destroy()
  }
}
